"""A small Slack on loopback: to try the bot with no Slack account, and for the tests.

It speaks what the bot uses of Slack, and knows nothing of the bot but how to serve HTTP.
"""

from bot.workspace.objects import ApiCall, OpenView, Pane, PostedMessage, ThreadStatus, UploadedFile
from bot.workspace.rate_limits import SLACK_LIMITS, RateLimit
from bot.workspace.user_actions import CommandAck, ViewAnswer
from bot.workspace.workspace import Workspace

__all__ = [
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
