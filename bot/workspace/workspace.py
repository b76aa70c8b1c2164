"""The workspace in Python: served on loopback, with what a test looks at and what it breaks."""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from typing import Any, Self, TypeVar

from bot.http_server import serve_http
from bot.workspace import events
from bot.workspace.api.methods import METHODS
from bot.workspace.delivery import RETRY_DELAYS, AppReply, Attempt, EnvelopeKind, EventDelivery
from bot.workspace.features import ALL_SCOPES, features_of
from bot.workspace.http_events import HttpEvents
from bot.workspace.objects import (
    AgentSession,
    Enterprise,
    Json,
    OpenView,
    PostedMessage,
    SuggestedPrompts,
    ThreadStatus,
)
from bot.workspace.other_apps import OtherApps
from bot.workspace.rate_limits import MethodLimiter, RateLimit
from bot.workspace.server import workspace_app
from bot.workspace.socket_mode import SocketMode
from bot.workspace.state import State
from bot.workspace.user_actions import UserActions
from bot.workspace.web_api import Drop, Fault, WebApi

T = TypeVar("T")

SLACK_LIMITS = {name: method.limit for name, method in METHODS.items() if method.limit}


class Workspace(UserActions, OtherApps):
    """A workspace on loopback with one app; `async with` serves it. Port 0 takes a free one.

    `limits` None switches rate limits off. `manifest` is the app's: it decides which shortcuts and
    home tab people have, whether the app is an agent, which events it receives and, without
    `scopes`, what it may do. `retry_delays` are the seconds before each redelivery of an event.
    With `events_url` set, the app is reached by signed HTTP instead of Socket Mode. With
    `enterprise`, the workspace is one of that organisation.

    Raises ValueError for a manifest that Slack would refuse.
    """

    def __init__(
        self,
        port: int = 0,
        *,
        limits: Mapping[str, RateLimit] | None = SLACK_LIMITS,
        scopes: Iterable[str] | None = None,
        manifest: Mapping[str, Any] | None = None,
        enterprise: Enterprise | None = None,
        ack_timeout: float = 3.0,
        retry_delays: Sequence[float] = RETRY_DELAYS,
    ) -> None:
        features = features_of(manifest)
        state = State(features.scopes or ALL_SCOPES if scopes is None else scopes, features)
        state.ack_seconds = ack_timeout
        state.enterprise = enterprise
        super().__init__(state, EventDelivery(state, self._send, retry_delays))
        self.bot_token, self.app_token = state.bot_token, state.app_token
        self.signing_secret = state.signing_secret
        self.events_url: str | None = None
        self.team, self.bot_user, self.calls = state.team, state.bot.id, state.calls
        self._port = port
        self._http = HttpEvents(state)
        self._sockets = SocketMode(state)
        self._api = WebApi(state, MethodLimiter(limits))
        self._exit = AsyncExitStack()

    async def __aenter__(self) -> Self:
        app = workspace_app(self, self._api, self._sockets)
        serving = serve_http(app, "127.0.0.1", self._port, shutdown_timeout=1.0)
        self.state.url = await self._exit.enter_async_context(serving)
        for part in (self._http, self._sockets, self._delivery):
            self._exit.push_async_callback(part.close)
        self.state.emit = self._delivery.emit
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._exit.aclose()

    async def _send(self, kind: EnvelopeKind, payload: Json, retries: int, reason: str) -> AppReply:
        if self.events_url is None:
            return await self._sockets.send(kind, payload, retries, reason)
        self._http.url = self.events_url
        return await self._http.send(kind, payload, retries, reason)

    async def deliver(self, event: Json, *, event_id: str | None = None) -> bool:
        """Deliver any event; say whether the first attempt was acked."""
        return await self._delivery.deliver(events.envelope(self.state, event, event_id))

    # What a test looks at

    @property
    def url(self) -> str:
        return self.state.url

    @property
    def connected(self) -> bool:
        """Whether the app can be reached now."""
        return bool(self.events_url or self._sockets.connections)

    @property
    def attempts(self) -> Sequence[Attempt]:
        """Every attempt to reach the app, with the time of its ack."""
        return self._delivery.attempts

    @property
    def settled(self) -> bool:
        """Whether no event is on its way or waits for its next delivery."""
        return not self._delivery.tasks

    def messages(self, channel: str, thread_ts: str | None = None) -> list[PostedMessage]:
        """Return what the channel shows, or a thread with its root first.

        The messages are the workspace's own objects and change with it.
        """
        place = self.state.channels[channel]
        if thread_ts is None:
            return place.roots()
        root = place.message(thread_ts)
        return [*([root] if root else []), *place.replies(thread_ts)]

    def whispers(self, who: str) -> list[PostedMessage]:
        """Return the messages that only this person sees."""
        return [m for m in self.state.whispers if m.to == who and not m.deleted]

    def views(self, who: str) -> list[OpenView]:
        """Return the person's open modals, the topmost last."""
        return list(self.state.views.get(who, []))

    def status(self, channel: str, thread_ts: str) -> ThreadStatus | None:
        """Return what the app says it is doing in a thread, until it answers there."""
        return self.state.statuses.get((channel, thread_ts))

    def session(self, channel: str, thread_ts: str) -> AgentSession | None:
        """Return the app's session in a thread, if it has one."""
        return self.state.sessions.get((channel, thread_ts))

    def prompts(self, who: str) -> SuggestedPrompts | None:
        """Return what the app offers this person to begin with, in their DM with it."""
        return self.state.prompts.get(self.state.dm_with_bot(who).id)

    def home(self, who: str) -> OpenView | None:
        """Return the home tab that the app has published for this person."""
        return self.state.homes.get(who)

    async def until(self, predicate: Callable[[], T], timeout: float = 10.0) -> T:  # noqa: ASYNC109
        """Return the first truthy value of `predicate`, which is tried at every change.

        Raises TimeoutError, with an outline of the workspace, after `timeout` seconds.
        """
        deadline = time.monotonic() + timeout
        while True:
            seen = self.state.change_signal.count
            if value := predicate():
                return value
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"Waited {timeout} s in vain:\n{self.state.outline()}")
            # The predicate may also ask for things outside the workspace, so look again soon.
            with suppress(TimeoutError):
                async with asyncio.timeout(min(left, 0.1)):
                    await self.state.change_signal.after(seen)

    # What a test breaks

    def fail(
        self,
        method: str,
        *,
        error: str | None = None,
        status: int | None = None,
        retry_after: float | None = None,
        drop: Drop | None = None,
        times: int = 1,
        after: int = 0,
    ) -> None:
        """Make the next `times` calls of `method` ("*": any) fail in one of four ways.

        drop="after": the call takes effect, and the connection closes without an answer. `after`:
        so many calls of the method go well before.
        """
        self._api.faults.append(Fault(method, error, status, retry_after, drop, times, after))

    def heal(self) -> bool:
        """Let no further call fail; say whether all that were to fail did."""
        waiting = len(self._api.faults)
        self._api.faults.clear()
        return not waiting

    def without(self, *methods: str) -> None:
        """Answer calls of these methods as if Slack did not know them."""
        unknown = set(methods) - set(METHODS)
        assert not unknown, f"no such methods: {sorted(unknown)}"
        self._api.missing.update(methods)

    def scopes(self, *names: str) -> None:
        """Grant these scopes and no others."""
        self.state.scopes = set(names)

    def revoke(self, scope: str) -> None:
        self.state.scopes.discard(scope)

    @property
    def sockets(self) -> int:
        """How many connections the app has in Socket Mode."""
        return len(self._sockets.connections)

    async def refresh_sockets(
        self, reason: str = "refresh_requested", *, notice: float = 0.0
    ) -> None:
        """Ask the app to connect again, as Slack does every few hours, with seconds of notice."""
        await self._sockets.disconnect(reason, notice)

    def drop_sockets(self, most: int | None = None) -> None:
        """Abort the app's connections without notice; all, or the first `most`."""
        self._sockets.drop(most)

    def silence_socket(self) -> None:
        """Let one of the app's connections stay open while nothing passes it any more."""
        self._sockets.silence()

    async def verify_events_url(self) -> bool:
        """Say whether the app answers Slack's challenge at `events_url`."""
        assert self.events_url is not None
        self._http.url = self.events_url
        return await self._http.verify()

    async def check_certificate(self) -> bool:
        """Say whether the app answers Slack's look at the certificate of `events_url`."""
        assert self.events_url is not None
        self._http.url = self.events_url
        return await self._http.check_certificate()
