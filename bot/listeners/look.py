"""What a person looks at while the app is in sight, as Slack tells an agent in several events."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

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
    def from_context(cls, user: str, context: Mapping[str, Any], body: Mapping[str, Any]) -> Self:
        """Read the entities of a context, of which the first that is in a channel counts."""
        found = (_channel_of(entity) for entity in context.get("entities") or [])
        at = datetime.fromtimestamp(body["event_time"], UTC)
        return cls(user, next(filter(None, found), None), at)

    @classmethod
    def beside_message(cls, body: Mapping[str, Any]) -> Self | None:
        """Read what came beside a message; None where Slack does not tell."""
        event = body["event"]
        if "app_context" not in event or "user" not in event:
            return None
        return cls.from_context(event["user"], event["app_context"] or {}, body)


def _channel_of(entity: Mapping[str, Any]) -> str | None:
    """Return the channel of an entity; None for a canvas or a list."""
    value = entity.get("value")
    if entity.get("type") == CHANNEL:
        return str(value)
    if entity.get("type") == MESSAGE and isinstance(value, Mapping):
        return str(value.get("channel_id") or "") or None
    return None
