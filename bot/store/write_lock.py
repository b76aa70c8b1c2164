"""Whose turn it is to write, where the database takes one writer at a time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext


class WriteLock:
    """First come, first served, and before them those for whom somebody waits.

    SQLite lets its writers try again and again, at random: under load some never win.
    """

    def __init__(self, patience: float) -> None:
        """`patience`: seconds that one in a hurry waits for a turn."""
        self._patience = patience
        self._door = asyncio.Lock()
        self._lane = asyncio.Lock()

    @asynccontextmanager
    async def turn(self, *, hurry: bool) -> AsyncIterator[None]:
        """Raises TimeoutError."""
        # Of those without hurry one stands at the door; the others wait behind it.
        async with nullcontext() if hurry else self._lane:
            async with asyncio.timeout(self._patience if hurry else None):
                await self._door.acquire()
            try:
                yield
            finally:
                self._door.release()
