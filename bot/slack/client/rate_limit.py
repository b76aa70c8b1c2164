"""Budgets: how many calls a minute Slack grants each method, shared fairly by all who write.

Knows nothing of messages. Source of the figures: https://docs.slack.dev/apis/web-api/rate-limits
and the page of each method.
"""

import asyncio
from collections import deque
from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

TIER_2, TIER_3, TIER_4 = 20, 50, 100

TIERS: Mapping[str, int] = MappingProxyType(
    {
        "chat.startStream": TIER_2,
        "chat.appendStream": TIER_4,
        "chat.stopStream": TIER_2,
        "chat.update": TIER_3,
        "chat.delete": TIER_3,
        "chat.postEphemeral": TIER_4,
        "reactions.add": TIER_3,
        "reactions.remove": TIER_2,
        "conversations.history": TIER_3,
        "conversations.info": TIER_3,
        "conversations.join": TIER_3,
        "conversations.open": TIER_3,
        "conversations.replies": TIER_3,
        "users.info": TIER_4,
        "views.open": TIER_4,
    }
)
POSTS_A_MINUTE = 60  # a channel
LOOK = 1.0  # Seconds after which one who waits looks again: what is kept for others changes.
# Seconds that a call counts; one more than with Slack, for calls overtake each other on the way.
COUNTS = 61.0


class Clock(Protocol):
    def time(self) -> float: ...
    async def sleep(self, seconds: float) -> None: ...


class LoopClock:
    """The time of the running event loop, in seconds."""

    def time(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Budget:
    """The calls of one method: no minute holds over `per_minute`.

    Callers wait in two lanes, each first come, first served. The urgent one may use up the minute
    at once: many drafts that end together are whole together. The other draws from a bucket that
    fills evenly, and leaves a quarter of a full one, and what is `kept`: one call for the end of
    each draft that runs.
    """

    def __init__(self, per_minute: int, clock: Clock, *, burst: int | None = None) -> None:
        assert per_minute > 0
        self._clock = clock
        self._per_minute = per_minute
        self._burst = burst or max(1, min(per_minute // 2, max(per_minute // 5, 10)))
        self._rate = max(per_minute - self._burst, 1) / 60
        self._reserve = self._burst // 4
        self._tokens = float(self._burst)
        self._calls = deque[float](maxlen=per_minute)
        self.kept = 0
        self._filled_at = clock.time()
        self._closed_until = 0.0
        self._lane = asyncio.Lock()
        self._urgent_lane = asyncio.Lock()

    async def turn(self, *, urgent: bool = False) -> None:
        """Wait until one call may be made, and count it."""
        async with self._urgent_lane if urgent else self._lane:
            while (seconds := self._wait(urgent)) > 0:
                await self._clock.sleep(min(seconds, LOOK))
            self._tokens -= 1
            self._calls.append(self._clock.time())

    def free(self) -> bool:
        """Whether a call can be made now, without a wait."""
        return not self._lane.locked() and self._wait(urgent=False) == 0

    def close(self, seconds: float) -> None:
        """Slack said Retry-After: nobody calls for so long."""
        self._closed_until = max(self._closed_until, self._clock.time() + seconds)

    def _wait(self, urgent: bool) -> float:
        now = self._clock.time()
        self._tokens = min(self._burst, self._tokens + (now - self._filled_at) * self._rate)
        self._filled_at = now
        wait = max(self._closed_until - now, self._until_room(now, 0 if urgent else self.kept))
        if not urgent:
            wait = max(wait, (1 + self._reserve - self._tokens) / self._rate)
        return wait if wait > 1e-6 else 0.0

    def _until_room(self, now: float, kept: int) -> float:
        """Seconds until the minute holds one call more, beside those that are kept."""
        room = self._per_minute - kept
        if room <= 0:
            return COUNTS
        return self._calls[-room] + COUNTS - now if len(self._calls) >= room else 0.0


class RateLimit:
    """Every method's budget, and one post a second for each channel."""

    def __init__(self, budgets: Mapping[str, int] = TIERS, clock: Clock | None = None) -> None:
        self.clock = clock or LoopClock()
        self._per_minute = budgets
        self._methods: dict[str, Budget] = {}
        self._channels: dict[str, Budget] = {}

    async def turn(self, method: str, *, channel: str = "", urgent: bool = False) -> None:
        if method == "chat.postMessage":
            await self._channel(channel).turn()
        await self._method(method).turn(urgent=urgent)

    def free(self, method: str) -> bool:
        return self._method(method).free()

    def close(self, method: str, seconds: float) -> None:
        self._method(method).close(seconds)

    def keep(self, method: str, calls: int) -> None:
        """So many calls more are left to who is urgent; less, where it is negative."""
        budget = self._method(method)
        budget.kept += calls
        assert budget.kept >= 0

    def _channel(self, channel: str) -> Budget:
        if channel not in self._channels:
            self._channels[channel] = Budget(POSTS_A_MINUTE, self.clock, burst=1)
        return self._channels[channel]

    def _method(self, method: str) -> Budget:
        if method not in self._methods:
            # chat.postMessage has no published figure for a workspace: its channels pace it.
            self._methods[method] = Budget(self._per_minute.get(method, 600), self.clock)
        return self._methods[method]
