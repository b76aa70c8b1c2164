"""What goes from the workspace to the app: events until they are acked, the rest once."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from bot.workspace import events
from bot.workspace.objects import Json
from bot.workspace.state import State

EnvelopeKind = Literal["events_api", "slash_commands", "interactive"]

# After the first attempt: at once, a minute later, five minutes later.
# https://docs.slack.dev/apis/events-api/#retries
RETRY_DELAYS = (0.0, 60.0, 300.0)


@dataclass(frozen=True, slots=True)
class AppReply:
    """What came back: an ack with its payload, or the reason for none. `final` forbids retries."""

    acked: bool
    body: Json | None = None
    reason: str = ""
    final: bool = False


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to reach the app: when it began (time.monotonic()), and how long its ack took."""

    kind: EnvelopeKind
    at: float
    seconds: float
    acked: bool


# Also takes the number of retries before this attempt, and why the last one failed.
Send = Callable[[EnvelopeKind, Json, int, str], Awaitable[AppReply]]


class EventDelivery:
    """One task for each event on its way. `send` makes one attempt and never raises.

    `attempts` has each that was answered, or waited for in vain.
    """

    def __init__(self, state: State, send: Send, retry_delays: Sequence[float]) -> None:
        self.state = state
        self._send = send
        self.retry_delays = tuple(retry_delays)
        self.tasks: set[asyncio.Task[None]] = set()
        self.attempts: list[Attempt] = []

    def emit(self, event: Json) -> asyncio.Future[bool] | None:
        """Deliver an event as `deliver` does; return None if the app has no right to it."""
        if not events.reaches_app(self.state, event):
            return None
        return self.deliver(events.envelope(self.state, event))

    def deliver(self, payload: Json) -> asyncio.Future[bool]:
        """Start to deliver an outer event. The future says whether the first attempt was acked."""
        first: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(self._until_acked(payload, first))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return first

    async def ask(self, kind: EnvelopeKind, payload: Json) -> AppReply:
        """Send a command or an interaction once, for a person waits, and return the reply."""
        return await self._attempt(kind, payload, 0, "")

    async def close(self) -> None:
        """Give up every event that is still on its way."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def _until_acked(self, payload: Json, first: asyncio.Future[bool]) -> None:
        reason = ""
        for retries, delay in enumerate((0.0, *self.retry_delays)):
            if delay:
                await asyncio.sleep(delay)
            reply = await self._attempt("events_api", payload, retries, reason)
            if not first.done():
                first.set_result(reply.acked)
            if reply.acked or reply.final:
                return
            reason = reply.reason

    async def _attempt(
        self, kind: EnvelopeKind, payload: Json, retries: int, reason: str
    ) -> AppReply:
        at = time.monotonic()
        reply = await self._send(kind, payload, retries, reason)
        self.attempts.append(Attempt(kind, at, time.monotonic() - at, reply.acked))
        return reply
