"""Clocks for code that waits longer than a test should."""

import asyncio

from bot.slack.client.rate_limit import Clock


class HurriedClock(Clock):
    """A second passes in a fiftieth of one."""

    def time(self) -> float:
        """Return the time in hurried seconds."""
        return asyncio.get_running_loop().time() * 50

    async def sleep(self, seconds: float) -> None:
        """Sleep for hurried seconds."""
        await asyncio.sleep(seconds / 50)
