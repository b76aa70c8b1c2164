"""Which drafts people stopped while they are being written, and the waiting that this ends."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from typing import TypeVar

T = TypeVar("T")


class AllStopped(Exception):
    """People stopped every draft that was being written."""


class Stops:
    """The versions that people stopped."""

    def __init__(self, running: Callable[[], Collection[int]]) -> None:
        """Stop nothing yet. `running()` returns the ids of the versions that are being written."""
        self._running = running
        self._stopped: set[int] = set()
        self._waiting: asyncio.Timeout | None = None

    def __contains__(self, version_id: int) -> bool:
        return version_id in self._stopped

    def add(self, version_id: int) -> None:
        """Stop a version; once all are stopped, what is waited for is waited for no longer."""
        self._stopped.add(version_id)
        if self._all and self._waiting and not self._waiting.expired():
            self._waiting.reschedule(0)

    async def unless_all(self, wait: Callable[[], Awaitable[T]]) -> T:
        """Return what `wait()` gives. Raises AllStopped as soon as every draft is stopped.

        Only for waiting: where something is being done, a stop must not cut in.
        """
        if self._all:
            raise AllStopped
        self._waiting = waiting = asyncio.timeout(None)
        try:
            async with waiting:
                return await wait()
        except TimeoutError:
            if not waiting.expired():
                raise
            raise AllStopped from None
        finally:
            self._waiting = None

    @property
    def _all(self) -> bool:
        running = self._running()
        return bool(running) and all(version_id in self._stopped for version_id in running)
