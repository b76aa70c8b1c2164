"""Says by HTTP whether the bot is alive and ready, on a port that Slack never sees."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import structlog
from aiohttp import web

from bot.http_server import serve_http
from safety import Filter
from safety.screening.filter import Health

log = structlog.get_logger(__name__)

REMEMBERED_SECONDS = 10.0


@dataclass(slots=True)
class HealthWatch:
    """The filter's health, checked at most every REMEMBERED_SECONDS; a change is logged."""

    filter: Filter
    known: Health = field(default_factory=Health)
    at: float = -REMEMBERED_SECONDS
    checking: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def health(self) -> Health:
        """Return the health as it is, or was a moment ago."""
        async with self.checking:
            if time.monotonic() - self.at >= REMEMBERED_SECONDS:
                before, self.known = self.known, await self.filter.health()
                self.at = time.monotonic()
                if before != self.known:
                    log.warning("filter health changed", troubles=self.known.troubles)
        return self.known


@asynccontextmanager
async def serve_health(filter_: Filter, host: str, port: int | None) -> AsyncIterator[str | None]:
    """Answer GET /health/live and /health/ready; yield the address, None without a port.

    /health/ready is 503 while the filter blocks everything.
    """
    if port is None:
        yield None
        return
    app = web.Application()
    app.add_routes(_routes(HealthWatch(filter_)))
    async with serve_http(app, host, port) as address:
        yield address


def _routes(watch: HealthWatch) -> list[web.RouteDef]:
    async def live(_: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def ready(_: web.Request) -> web.Response:
        health = await watch.health()
        told = {"status": "degraded" if health.degraded else "ok", "troubles": health.troubles}
        return web.json_response(told, status=503 if health.degraded else 200)

    return [web.get("/health/live", live), web.get("/health/ready", ready)]
