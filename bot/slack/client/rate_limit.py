"""The calls a minute that Slack grants each method, and who gets the next one.

Knows nothing of messages. Source of the figures: https://docs.slack.dev/apis/web-api/rate-limits
and the page of each method.
"""

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from bot.drafting.slack_port import RESUMED
from bot.metrics import SLACK_WAITS

TIER_2, TIER_3, TIER_4 = 20, 50, 100

TIERS: Mapping[str, int] = {
    "agents.sessions.setStatus": TIER_3,
    "chat.startStream": TIER_2,
    "chat.appendStream": TIER_4,
    "chat.stopStream": TIER_2,
    "chat.update": TIER_3,
    "chat.delete": TIER_3,
    "chat.postEphemeral": TIER_4,
    "reactions.add": TIER_3,
    "reactions.remove": TIER_2,
    "canvases.create": TIER_2,
    "canvases.access.set": TIER_3,
    "canvases.getContent": TIER_3,
    "files.completeUploadExternal": TIER_4,
    "files.getUploadURLExternal": TIER_4,
    "files.info": TIER_4,
    "files.list": TIER_3,
    "conversations.history": TIER_3,
    "conversations.info": TIER_3,
    "conversations.join": TIER_3,
    "conversations.members": TIER_4,
    "conversations.open": TIER_3,
    "conversations.replies": TIER_3,
    "users.info": TIER_4,
    "views.open": TIER_4,
    "views.publish": TIER_4,
    "views.update": TIER_4,
}
POSTS_A_MINUTE = 60  # In one channel.
LOOK_SECONDS = 1.0  # A caller that waits looks again then: what is reserved for others changes.
# How long a call counts: a second longer than with Slack, because calls may overtake each other.
COUNT_SECONDS = 61.0
# Who has waited so long gets one call in so many, whoever else is there.
PATIENCE_SECONDS, PATIENCE_SHARE = 60.0, 4


class Clock:
    """The time of the running event loop, in seconds; tests have clocks of their own."""

    def time(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Priority(IntEnum):
    """What a call is for, the most urgent first."""

    ANSWER = 0
    """A person waits for it and has nothing yet: an answer, the first message of a draft."""
    END = 1
    """The end of a draft that somebody watches."""
    GROWTH = 2
    """More of a draft that somebody watches."""
    LATER = 3
    """Nobody waits for it: heads of threads, emoji that are offered."""


@dataclass(frozen=True, slots=True, order=True)
class Lane:
    """A place in the order: what goes on with work of an earlier process waits behind new work."""

    behind: int
    priority: Priority

    @property
    def at_once(self) -> bool:
        """Whether its calls may use up the minute at once."""
        return self <= Lane(0, Priority.END)


def lane_of(priority: Priority) -> Lane:
    """Return the lane of a call that is made now."""
    last = priority is Priority.LATER
    return Lane(2 if last else int(RESUMED.get()), priority)


@dataclass(slots=True, eq=False)
class Waiter:
    """A caller that waits; `turn` is set when it may have become the first."""

    lane: Lane
    since: float
    turn: asyncio.Event = field(default_factory=asyncio.Event)


class CallBudget:
    """The calls of one method: at most `per_minute` in any minute.

    The lanes go strictly one after another, each first come, first served. Answers and ends may use
    up the minute at once, so that drafts that end together are complete together. Growth draws from
    a token bucket that fills evenly, and leaves a quarter of a full one. What goes on with earlier
    work, or comes later, takes what is left, one call at a time, but for a tenth. These leave the
    calls that are `reserved` as well: one for the end of each draft that runs; but while none ends,
    as without a worker, what comes later must go on, so that three quarters are kept from it at
    most. No lane starves another: one call in four goes to whoever has waited longest, if that is
    over a minute.
    """

    def __init__(self, per_minute: int, clock: Clock, *, burst: int | None = None) -> None:
        """`burst`: how many calls come at once; then all lanes draw from the bucket."""
        self._clock = clock
        self._all_paced = burst is not None
        self._given_burst = burst
        self.grant(per_minute)
        self._tokens = float(self._burst)
        self._calls = deque[float]()
        self._waiters: list[Waiter] = []
        self._since_patient = 0
        self.reserved = 0
        self._filled_at = clock.time()
        self._left_at = -COUNT_SECONDS
        self._closed_until = 0.0

    def grant(self, per_minute: int) -> None:
        """Set how many calls a minute there are from now on."""
        assert per_minute > 0
        self._per_minute = per_minute
        whole = max(1, min(per_minute // 2, max(per_minute // 5, 10)))
        self._burst = self._given_burst or whole
        self._rate = max(per_minute - self._burst, 1) / 60
        self._spare = self._burst // 4
        self._margin = per_minute // 10

    async def acquire(self, priority: Priority = Priority.GROWTH) -> None:
        """Wait until one call may be made, and count it."""
        waiter = Waiter(lane_of(priority), self._clock.time())
        self._waiters.append(waiter)
        try:
            await self._wait(waiter)
            self._count(waiter)
        finally:
            self._waiters.remove(waiter)
            self._call_first()

    def is_free(self, priority: Priority = Priority.GROWTH) -> bool:
        """Say whether a call can be made now, without a wait."""
        lane = lane_of(priority)
        before = any(waiter.lane <= lane for waiter in self._waiters)
        return not before and self._seconds_to_wait(lane) == 0

    def back_off(self, seconds: float) -> None:
        """Let nobody call for some seconds, as Slack asks for by Retry-After."""
        self._closed_until = max(self._closed_until, self._clock.time() + seconds)

    async def _wait(self, waiter: Waiter) -> None:
        while True:
            waiter.turn.clear()
            if self._first() is not waiter:
                self._call_first()
                await waiter.turn.wait()
                continue
            patient = waiter is self._patient()
            seconds = self._seconds_to_wait(Lane(0, Priority.ANSWER) if patient else waiter.lane)
            if seconds == 0:
                return
            await self._clock.sleep(min(seconds, LOOK_SECONDS))

    def _count(self, waiter: Waiter) -> None:
        patient = waiter is self._patient()
        self._since_patient = 0 if patient else self._since_patient + 1
        now = self._clock.time()
        if waiter.lane.behind and not self._all_paced:
            self._left_at = now
        else:
            self._tokens -= 1
        self._calls.append(now)

    def _call_first(self) -> None:
        if self._waiters:
            self._first().turn.set()

    def _first(self) -> Waiter:
        """Return whose turn it is."""
        return self._patient() or min(self._waiters, key=lambda waiter: waiter.lane)

    def _patient(self) -> Waiter | None:
        """Return who has waited so long that one of the next calls is theirs."""
        oldest, now = self._waiters[0], self._clock.time()
        waited = now - oldest.since > PATIENCE_SECONDS
        return oldest if waited and self._since_patient >= PATIENCE_SHARE - 1 else None

    def _seconds_to_wait(self, lane: Lane) -> float:
        now = self._clock.time()
        self._tokens = min(self._burst, self._tokens + (now - self._filled_at) * self._rate)
        self._filled_at = now
        if self._all_paced:
            wait = max(self._seconds_to_room(now, 0), (1 - self._tokens) / self._rate)
        elif lane.at_once:
            wait = self._seconds_to_room(now, 0)
        elif lane.behind:
            even = self._left_at + 60 / (self._per_minute - self._margin) - now
            kept = min(self.reserved, self._per_minute * 3 // 4) + self._margin
            wait = max(even, self._seconds_to_room(now, kept))
        else:
            full = (1 + self._spare - self._tokens) / self._rate
            wait = max(full, self._seconds_to_room(now, self.reserved))
        wait = max(wait, self._closed_until - now)
        return wait if wait > 1e-6 else 0.0

    def _seconds_to_room(self, now: float, reserved: int) -> float:
        """Return the seconds until the minute has room for one call and those reserved."""
        while self._calls and self._calls[0] <= now - COUNT_SECONDS:
            self._calls.popleft()
        room = self._per_minute - reserved
        if room <= 0:
            return COUNT_SECONDS
        return self._calls[-room] + COUNT_SECONDS - now if len(self._calls) >= room else 0.0


class RateLimiter:
    """Every method's budget, and one post a second for each channel."""

    def __init__(self, budgets: Mapping[str, int] = TIERS, clock: Clock | None = None) -> None:
        self.clock = clock or Clock()
        self._per_minute = budgets
        self._bots = 1
        self._methods: dict[str, CallBudget] = {}
        self._channels: dict[str, CallBudget] = {}

    def share_among(self, bots: int) -> None:
        """Share all that Slack grants evenly among so many bots; this one has its part."""
        assert bots > 0
        self._bots = bots
        for method, budget in self._methods.items():
            budget.grant(self._granted(method))
        for budget in self._channels.values():
            budget.grant(self._part(POSTS_A_MINUTE))

    async def acquire(
        self, method: str, *, channel: str = "", priority: Priority = Priority.ANSWER
    ) -> None:
        """Wait until the method may be called, and a post may go to the channel; count both."""
        with SLACK_WAITS.labels(method, priority.name.lower()).time():
            if method == "chat.postMessage":
                if channel not in self._channels:
                    posts = self._part(POSTS_A_MINUTE)
                    self._channels[channel] = CallBudget(posts, self.clock, burst=1)
                await self._channels[channel].acquire(priority)
            await self._budget(method).acquire(priority)

    def is_free(self, method: str, priority: Priority = Priority.GROWTH) -> bool:
        """Say whether the method can be called now, without a wait."""
        return self._budget(method).is_free(priority)

    def back_off(self, method: str, seconds: float) -> None:
        """Let nobody call the method for some seconds."""
        self._budget(method).back_off(seconds)

    def reserve(self, method: str, calls: int) -> None:
        """Reserve more calls for answers and ends; fewer, if `calls` is negative."""
        budget = self._budget(method)
        budget.reserved += calls
        assert budget.reserved >= 0

    def _budget(self, method: str) -> CallBudget:
        if method not in self._methods:
            self._methods[method] = CallBudget(self._granted(method), self.clock)
        return self._methods[method]

    def _granted(self, method: str) -> int:
        # chat.postMessage has no published figure for a workspace: its channels limit it.
        return self._part(self._per_minute.get(method, 600))

    def _part(self, calls: int) -> int:
        return max(1, calls // self._bots)
