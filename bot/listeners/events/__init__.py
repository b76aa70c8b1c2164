"""Events of the workspace."""

from slack_bolt.async_app import AsyncApp

from bot.listeners.agent_payloads import (
    AgentSessionStopped,
    AppContextChanged,
    AppHomeOpened,
)
from bot.listeners.binding import bind_event
from bot.listeners.events.agent_session_stopped import on_agent_session_stopped
from bot.listeners.events.app_context_changed import on_app_context_changed
from bot.listeners.events.app_home_opened import on_app_home_opened
from bot.listeners.events.member_joined_channel import on_member_joined
from bot.listeners.events.message import on_mention, on_message
from bot.listeners.events.reaction_added import on_reaction
from bot.listeners.payloads import (
    MemberJoined,
    MessageEvent,
    ReactionAdded,
)
from bot.listeners.services import Services


def register(app: AsyncApp, services: Services) -> None:
    """Bind each event."""
    listeners = {
        "message": services.early.handler(
            "message", bind_event(on_message, MessageEvent.from_body, services)
        ),
        "app_mention": bind_event(on_mention, MessageEvent.from_body, services),
        "reaction_added": services.early.handler(
            "reaction_added", bind_event(on_reaction, ReactionAdded.from_body, services)
        ),
        "member_joined_channel": bind_event(on_member_joined, MemberJoined.from_body, services),
        "app_home_opened": bind_event(on_app_home_opened, AppHomeOpened.from_body, services),
        "app_context_changed": bind_event(
            on_app_context_changed, AppContextChanged.from_body, services
        ),
        "agent_session_stopped": bind_event(
            on_agent_session_stopped, AgentSessionStopped.from_body, services
        ),
    }
    for name, listener in listeners.items():
        app.event(name)(listener)
