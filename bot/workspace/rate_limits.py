"""Slack's rate limits for each method. https://docs.slack.dev/apis/web-api/rate-limits"""

import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most `calls` in any `seconds`, for the whole workspace or for each channel."""

    calls: int
    seconds: float = 60.0
    per_channel: bool = False

    def __post_init__(self) -> None:
        assert self.calls > 0
        assert self.seconds > 0


TIER_2, TIER_3, TIER_4 = RateLimit(20), RateLimit(50), RateLimit(100)


class MethodLimiter:
    """Counts calls in a sliding window for each method, and each channel where Slack does."""

    def __init__(self, limits: Mapping[str, RateLimit] | None) -> None:
        self.limits = limits or {}
        self._calls: dict[tuple[str, str], deque[float]] = {}

    def wait(self, method: str, channel: str) -> float | None:
        """Count the call and return None, or return the seconds until there is room for it."""
        limit = self.limits.get(method)
        if limit is None:
            return None
        now = time.monotonic()
        calls = self._calls.setdefault((method, channel if limit.per_channel else ""), deque())
        while calls and calls[0] <= now - limit.seconds:
            calls.popleft()
        if len(calls) >= limit.calls:
            return calls[0] + limit.seconds - now
        calls.append(now)
        return None
