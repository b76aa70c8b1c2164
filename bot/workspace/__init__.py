"""A small Slack on loopback: to try the bot with no Slack account, and for the tests.

It speaks what the bot uses of Slack, and knows nothing of the bot but how to serve HTTP.
"""

from bot.workspace.objects import (
    AgentSession,
    ApiCall,
    PostedMessage,
    SuggestedPrompts,
    ThreadStatus,
)
from bot.workspace.rate_limits import RateLimit
from bot.workspace.user_actions import CommandAck
from bot.workspace.workspace import Workspace

__all__ = [
    "AgentSession",
    "ApiCall",
    "CommandAck",
    "PostedMessage",
    "RateLimit",
    "SuggestedPrompts",
    "ThreadStatus",
    "Workspace",
]
