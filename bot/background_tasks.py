"""Work beside the requests, which Slack need not wait for and which may be lost."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import structlog

from inference.logs import where

log = structlog.get_logger(__name__)

# Seconds before endless work that an error of ours ended is done again.
AGAIN_SECONDS = 1.0


class BackgroundTasks:
    """Short tasks, which end with the bot."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, None], *, seconds: float) -> None:
        """Start the work now; give it up after so many seconds."""
        self._own(self._run(work, seconds))

    async def until(
        self, reached: asyncio.Event, work: Coroutine[Any, Any, None], *, seconds: float
    ) -> None:
        """Do the work up to the point that it says it has reached; the rest goes on by itself.

        Raises what the work raises before that point.
        """
        task = self._own(self._run(work, seconds, reached))
        waiting = asyncio.create_task(reached.wait())
        try:
            await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
        if task.done():
            task.result()

    async def finish(self, seconds: float) -> None:
        """Let what runs end, within so many seconds."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)

    async def close(self) -> None:
        """Give up what still runs."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _own(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _run(
        self,
        work: Coroutine[Any, Any, None],
        seconds: float,
        reached: asyncio.Event | None = None,
    ) -> None:
        try:
            async with asyncio.timeout(seconds):
                await work
        except Exception as error:
            if reached is not None and not reached.is_set():
                raise
            log.warning("background task not done", error=where(error))


@asynccontextmanager
async def in_background(work: Callable[[], Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    """Do endless work inside `async with`, again whenever it fails; cancel it on leaving."""
    task = asyncio.create_task(_endlessly(work))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _endlessly(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    while True:
        try:
            return await work()
        except Exception as error:
            log.error("endless task failed", error=where(error))
        await asyncio.sleep(AGAIN_SECONDS)
