"""A lock for writers, where the database takes one writer at a time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext


class WriteLock:
    """First come, first served; urgent writers, for whom somebody waits, go before the others.

    SQLite lets its writers try again and again, at random: under load some never win.
    """

    def __init__(self, patience: float) -> None:
        """`patience`: seconds that an urgent writer waits."""
        self._patience = patience
        self._lock = asyncio.Lock()
        self._queue = asyncio.Lock()

    @asynccontextmanager
    async def acquire(self, *, urgent: bool) -> AsyncIterator[None]:
        """Hold the lock for a block. Raises TimeoutError if an urgent writer waits too long."""
        # Only one writer that is not urgent waits at the lock itself; the others wait behind it.
        async with nullcontext() if urgent else self._queue:
            async with asyncio.timeout(self._patience if urgent else None):
                await self._lock.acquire()
            try:
                yield
            finally:
                self._lock.release()
