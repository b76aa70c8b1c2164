"""A small Slack on loopback: to try the bot with no Slack account, and for the tests.

It speaks what the bot uses of Slack, and imports nothing else of the bot.
"""

from bot.workspace.files import File
from bot.workspace.limits import SLACK_LIMITS, Limit
from bot.workspace.state import Call, Message, Pane, Status, View
from bot.workspace.workspace import SCOPES, Ack, ViewAnswer, Workspace

__all__ = [
    "SCOPES",
    "SLACK_LIMITS",
    "Ack",
    "Call",
    "File",
    "Limit",
    "Message",
    "Pane",
    "Status",
    "View",
    "ViewAnswer",
    "Workspace",
]
