"""The calls a minute that Slack grants each method, shared fairly by all drafts.

Knows nothing of messages. Source of the figures: https://docs.slack.dev/apis/web-api/rate-limits
and the page of each method.
"""

import asyncio
from collections import deque
from collections.abc import Mapping

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


class Clock:
    """The time of the running event loop, in seconds; tests have clocks of their own."""

    def time(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class CallBudget:
    """The calls of one method: at most `per_minute` in any minute.

    Callers wait in two lanes, each first come, first served. The urgent lane may use up the minute
    at once, so that drafts that end together are complete together. The other lane draws from a
    token bucket that fills evenly. It leaves a quarter of a full bucket, and the calls that are
    `reserved`: one for the end of each draft that runs.
    """

    def __init__(self, per_minute: int, clock: Clock, *, burst: int | None = None) -> None:
        assert per_minute > 0
        self._clock = clock
        self._per_minute = per_minute
        self._burst = burst or max(1, min(per_minute // 2, max(per_minute // 5, 10)))
        self._rate = max(per_minute - self._burst, 1) / 60
        self._spare = self._burst // 4
        self._tokens = float(self._burst)
        self._calls = deque[float](maxlen=per_minute)
        self.reserved = 0
        self._filled_at = clock.time()
        self._closed_until = 0.0
        self._lane = asyncio.Lock()
        self._urgent_lane = asyncio.Lock()

    async def acquire(self, *, urgent: bool = False) -> None:
        """Wait until one call may be made, and count it."""
        async with self._urgent_lane if urgent else self._lane:
            while (seconds := self._seconds_to_wait(urgent)) > 0:
                await self._clock.sleep(min(seconds, LOOK_SECONDS))
            self._tokens -= 1
            self._calls.append(self._clock.time())

    def is_free(self) -> bool:
        """Say whether a call can be made now, without a wait."""
        return not self._lane.locked() and self._seconds_to_wait(urgent=False) == 0

    def back_off(self, seconds: float) -> None:
        """Let nobody call for some seconds, as Slack asks for by Retry-After."""
        self._closed_until = max(self._closed_until, self._clock.time() + seconds)

    def _seconds_to_wait(self, urgent: bool) -> float:
        now = self._clock.time()
        self._tokens = min(self._burst, self._tokens + (now - self._filled_at) * self._rate)
        self._filled_at = now
        wait = max(
            self._closed_until - now, self._seconds_to_room(now, 0 if urgent else self.reserved)
        )
        if not urgent:
            wait = max(wait, (1 + self._spare - self._tokens) / self._rate)
        return wait if wait > 1e-6 else 0.0

    def _seconds_to_room(self, now: float, reserved: int) -> float:
        """Return the seconds until the minute has room for one call and those reserved."""
        room = self._per_minute - reserved
        if room <= 0:
            return COUNT_SECONDS
        return self._calls[-room] + COUNT_SECONDS - now if len(self._calls) >= room else 0.0


class RateLimiter:
    """Every method's budget, and one post a second for each channel."""

    def __init__(self, budgets: Mapping[str, int] = TIERS, clock: Clock | None = None) -> None:
        self.clock = clock or Clock()
        self._per_minute = budgets
        self._methods: dict[str, CallBudget] = {}
        self._channels: dict[str, CallBudget] = {}

    async def acquire(self, method: str, *, channel: str = "", urgent: bool = False) -> None:
        """Wait until the method may be called, and a post may go to the channel; count both."""
        with SLACK_WAITS.labels(method).time():
            if method == "chat.postMessage":
                if channel not in self._channels:
                    self._channels[channel] = CallBudget(POSTS_A_MINUTE, self.clock, burst=1)
                await self._channels[channel].acquire()
            await self._budget(method).acquire(urgent=urgent)

    def is_free(self, method: str) -> bool:
        """Say whether the method can be called now, without a wait."""
        return self._budget(method).is_free()

    def back_off(self, method: str, seconds: float) -> None:
        """Let nobody call the method for some seconds."""
        self._budget(method).back_off(seconds)

    def reserve(self, method: str, calls: int) -> None:
        """Reserve more calls for urgent callers; fewer, if `calls` is negative."""
        budget = self._budget(method)
        budget.reserved += calls
        assert budget.reserved >= 0

    def _budget(self, method: str) -> CallBudget:
        if method not in self._methods:
            # chat.postMessage has no published figure for a workspace: its channels limit it.
            self._methods[method] = CallBudget(self._per_minute.get(method, 600), self.clock)
        return self._methods[method]
