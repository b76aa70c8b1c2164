"""Clocks for code that waits longer than a test should."""

import asyncio

from bot.slack.client.rate_limit import Clock


class HurriedClock(Clock):
    """`pace` seconds pass in one."""

    def __init__(self, pace: int = 50) -> None:
        self._pace = pace

    def time(self) -> float:
        """Return the time in hurried seconds."""
        return asyncio.get_running_loop().time() * self._pace

    async def sleep(self, seconds: float) -> None:
        """Sleep for hurried seconds."""
        await asyncio.sleep(seconds / self._pace)
