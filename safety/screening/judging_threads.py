"""Runs judgements in threads of their own, each for as long as the policy lets it compute.

What counts is the time of the processor. A process that was stopped, or a machine that has other
work, takes no time away from a judgement. A thread cannot be ended from outside: one that loops is
left behind, and nobody waits for it any more.
"""

import asyncio
import contextvars
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

T = TypeVar("T")

AT_ONCE = 4
"""Threads that judge at once: more would only take turns, and the event loop with them."""
TRIES = 2
LOOK_SECONDS = 0.05
"""Between two looks at a thread; of a longer pause, the process did not run the rest."""
WAITS = 5
"""So many times its seconds of the processor may a judgement take, as it may be waiting."""


MOST_RUNAWAYS = 8
"""With so many threads left behind no further text is judged: each takes its time from all."""


class TooLong(Exception):
    """A judgement took more than its time, more than once."""


class TooManyRunaways(Exception):
    """Judgements that never end hold the processor; nothing more is begun."""


class JudgingThreads:
    """The threads of one filter. Safe to share between tasks."""

    def __init__(self) -> None:
        self._room = asyncio.Semaphore(AT_ONCE)
        self._left: list[Future[Any]] = []

    @property
    def runaways(self) -> int:
        """How many threads were left behind and still compute."""
        self._left = [each for each in self._left if not each.done()]
        return len(self._left)

    async def run(self, work: Callable[[], T], seconds: float) -> T:
        """Return what the work returns, or raise what it raises.

        Raises TooLong if it computes for more than so many seconds; it is tried once more first.
        Raises TooManyRunaways without a try.
        """
        for _ in range(TRIES):
            async with self._room:
                if self.runaways >= MOST_RUNAWAYS:
                    raise TooManyRunaways
                attempt = _Try(work)
                try:
                    if await attempt.ends_within(seconds):
                        return attempt.result.result()
                finally:
                    if not attempt.result.done():
                        self._left.append(attempt.result)
        raise TooLong


@dataclass(slots=True)
class _Try(Generic[T]):
    """One thread that does a piece of work."""

    work: Callable[[], T]
    result: "Future[T]" = field(default_factory=Future)
    _clock: int | None = None

    async def ends_within(self, seconds: float) -> bool:
        """Start the thread; say whether it ended in its time of the processor."""
        context = contextvars.copy_context()
        # A thread that loops must not keep the process from ending.
        threading.Thread(target=context.run, args=(self._run,), daemon=True, name="judge").start()
        ended = asyncio.wrap_future(self.result)
        ended.add_done_callback(lambda end: end.cancelled() or end.exception())  # Read elsewhere.
        waited, before = 0.0, time.monotonic()
        while waited < seconds * WAITS and self._computed() < seconds:
            if (await asyncio.wait({ended}, timeout=min(LOOK_SECONDS, seconds)))[0]:
                return True
            now = time.monotonic()
            waited, before = waited + min(now - before, 2 * LOOK_SECONDS), now
        return self.result.done()

    def _run(self) -> None:
        try:
            self._clock = time.pthread_getcpuclockid(threading.get_ident())
            self.result.set_result(self.work())
        except BaseException as error:
            self.result.set_exception(error)

    def _computed(self) -> float:
        """Return the seconds of the processor that the thread has had."""
        try:
            return time.clock_gettime(self._clock) if self._clock is not None else 0.0
        except OSError:
            return 0.0  # It has just ended.
