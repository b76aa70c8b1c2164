"""What Slack sends to an agent, as typed objects: opened tabs, what is looked at, stopped work."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from bot.drafting.jobs.intake import Invocation
from bot.listeners.look import Look
from bot.listeners.payloads import Body
from bot.listeners.slack_time import moment
from bot.listeners.team import team_of


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
        authorizations = body.get("authorizations") or []
        authorized = [a["user_id"] for a in authorizations if not a.get("is_bot")]
        user = event.get("user") or next(iter(authorized), None)
        return cls(Look.from_context(user, event.get("context") or {}, body) if user else None)


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
    at: datetime

    @classmethod
    def from_body(cls, body: Body) -> Self:
        event = body["event"]
        return cls(
            event["user"],
            team_of(body),
            event["channel"],
            event["thread_ts"],
            body["event_id"],
            moment(event.get("event_ts")),
        )

    @property
    def invocation(self) -> Invocation:
        """Who stopped, and where."""
        key = f"event-{self.event_id}"
        return Invocation(self.user, self.team, self.channel, key, at=self.at)
