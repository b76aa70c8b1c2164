"""What Slack sends to an agent, as typed objects: opened tabs, what is looked at, stopped work."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from bot.drafting.jobs.intake import Invocation
from bot.listeners.payloads import Body

CHANNEL, MESSAGE = "slack#/types/channel_id", "slack#/types/message_context"


@dataclass(frozen=True, slots=True)
class Look:
    """What a person looks at: the channel, if any, and since when.

    https://docs.slack.dev/ai/agent-context-management#active-view-context
    """

    user: str
    channel: str | None
    at: datetime

    @classmethod
    def from_context(cls, user: str, context: Mapping[str, Any], body: Body) -> Self:
        """Read the entities of a context, of which the first that is in a channel counts."""
        found = (_channel_of(entity) for entity in context.get("entities") or [])
        at = datetime.fromtimestamp(body["event_time"], UTC)
        return cls(user, next(filter(None, found), None), at)

    @classmethod
    def beside_message(cls, body: Body) -> Self | None:
        """Read what came beside a message; None where Slack does not tell."""
        event = body["event"]
        if "app_context" not in event or "user" not in event:
            return None
        return cls.from_context(event["user"], event["app_context"] or {}, body)


@dataclass(frozen=True, slots=True)
class AppContextChanged:
    """Somebody looks at something else: https://docs.slack.dev/reference/events/app_context_changed.

    `look` is None where Slack does not say who.
    """

    look: Look | None

    @classmethod
    def from_body(cls, body: Body) -> Self:
        event = body["event"]
        # The page has the person in the authorization; Slack's own types have them in the event.
        authorized = [a["user_id"] for a in body.get("authorizations", []) if not a.get("is_bot")]
        user = event.get("user") or next(iter(authorized), None)
        return cls(Look.from_context(user, event["context"], body) if user else None)


@dataclass(frozen=True, slots=True)
class AppHomeOpened:
    """Somebody opened the app: https://docs.slack.dev/reference/events/app_home_opened."""

    user: str
    channel: str
    tab: str
    look: Look | None

    @classmethod
    def from_body(cls, body: Body) -> Self:
        event = body["event"]
        told = "context" in event
        look = Look.from_context(event["user"], event["context"] or {}, body) if told else None
        return cls(event["user"], event["channel"], event.get("tab", ""), look)


@dataclass(frozen=True, slots=True)
class AgentSessionStopped:
    """Slack's own stop button: https://docs.slack.dev/reference/events/agent_session_stopped.

    Slack has ended the streams of the thread already.
    """

    user: str
    team: str
    channel: str
    thread_ts: str
    event_id: str

    @classmethod
    def from_body(cls, body: Body) -> Self:
        event = body["event"]
        return cls(
            event["user"], body["team_id"], event["channel"], event["thread_ts"], body["event_id"]
        )

    @property
    def invocation(self) -> Invocation:
        """Who stopped, and where."""
        return Invocation(self.user, self.team, self.channel, key=f"event-{self.event_id}")


def _channel_of(entity: Mapping[str, Any]) -> str | None:
    """Return the channel of an entity; None for a canvas or a list."""
    value = entity.get("value")
    if entity.get("type") == CHANNEL:
        return str(value)
    if entity.get("type") == MESSAGE and isinstance(value, Mapping):
        return str(value.get("channel_id") or "") or None
    return None
