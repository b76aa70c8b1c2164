"""A small Slack on loopback: to try the bot with no Slack account, and for the tests.

It speaks what the bot uses of Slack, and imports nothing else of the bot.
"""

from bot.workspace.objects import ApiCall, OpenView, Pane, PostedMessage, ThreadStatus, UploadedFile
from bot.workspace.rate_limits import SLACK_LIMITS, RateLimit
from bot.workspace.workspace import SCOPES, CommandAck, ViewAnswer, Workspace

__all__ = [
    "SCOPES",
    "SLACK_LIMITS",
    "ApiCall",
    "CommandAck",
    "OpenView",
    "Pane",
    "PostedMessage",
    "RateLimit",
    "ThreadStatus",
    "UploadedFile",
    "ViewAnswer",
    "Workspace",
]
