"""What a scrape of Prometheus gets: figures that are counted as they happen, and those of now."""

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web

from bot import metrics
from bot.health import HealthWatch
from bot.socket_mode import Connection
from bot.store import Store, StoreUnavailable
from bot.store.probe import age

COUNT_SECONDS = 3.0
HEADERS = {"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}


@dataclass(frozen=True, slots=True)
class Scrape:
    """Answers GET /metrics."""

    store: Store
    watch: HealthWatch
    connections: Sequence[Connection]

    async def answer(self, _: web.Request) -> web.Response:
        """Return all metrics. What cannot be counted now is NaN."""
        await asyncio.gather(self.watch.troubles(), self._count())
        for part in self.watch.parts:
            metrics.READY.labels(part.name).set(not part.troubles)
        metrics.TASKS.set(len(asyncio.all_tasks()))
        metrics.CONNECTIONS.set(sum(each.alive for each in self.connections))
        return web.Response(body=metrics.text(), headers=HEADERS)

    async def _count(self) -> None:
        try:
            async with asyncio.timeout(COUNT_SECONDS):
                backlog = await self.store.count_backlog()
        except (StoreUnavailable, TimeoutError):
            metrics.JOBS.clear()
            metrics.HOLDS.set(math.nan)
            metrics.HEADS.set(math.nan)
            metrics.OLDEST.set(math.nan)
            metrics.OLDEST_HOLD.set(math.nan)
            return
        for state, number in backlog.jobs.items():
            metrics.JOBS.labels(state).set(number)
        metrics.HOLDS.set(backlog.holds)
        metrics.HEADS.set(backlog.heads)
        metrics.OLDEST.set(age(backlog.oldest))
        metrics.OLDEST_HOLD.set(age(backlog.oldest_hold))
