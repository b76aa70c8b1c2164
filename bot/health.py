"""Says by HTTP whether the bot is alive and ready, part by part, on a port Slack never sees."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import structlog
from aiohttp import web

from bot.drafting.jobs.lease import Lease
from bot.http_server import serve_http
from bot.socket_mode import Connection
from bot.store import Store, StoreUnavailable
from inference.client import EngineClient
from safety import Filter

log = structlog.get_logger(__name__)

LOOK_SECONDS = 5.0
FRESH_SECONDS = 2.0
# The filter's self-test computes for some tenths of a second.
FILTER_FRESH_SECONDS = 10.0

Look = Callable[[], Awaitable[Sequence[str]]]


@dataclass(slots=True)
class Part:
    """A part that drafts need, and its troubles, looked for at most every `fresh` seconds.

    `takes`: without it nothing that Slack sends can be taken. `facts` are told beside.
    """

    name: str
    look: Look
    fresh: float
    takes: bool = True
    facts: Callable[[], Mapping[str, Any]] = dict
    troubles: tuple[str, ...] = ()
    _at: float | None = None
    _looking: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def check(self) -> tuple[str, ...]:
        """Return the troubles as they are, or were a moment ago; a change is logged."""
        async with self._looking:
            if self._at is None or time.monotonic() - self._at >= self.fresh:
                before, self.troubles = self.troubles, await self._found()
                self._at = time.monotonic()
                if before != self.troubles:
                    log.warning("health changed", part=self.name, troubles=self.troubles)
        return self.troubles

    async def _found(self) -> tuple[str, ...]:
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                return tuple(await self.look())
        except TimeoutError:
            return (f"No answer of the {self.name} within {LOOK_SECONDS:.0f} s.",)


@dataclass(frozen=True, slots=True)
class HealthWatch:
    """All parts, looked at side by side."""

    parts: Sequence[Part]

    async def troubles(self, parts: Sequence[Part] | None = None) -> list[str]:
        """Return what is wrong with these parts; with all, if none are named."""
        found = await asyncio.gather(*(part.check() for part in parts or self.parts))
        return [trouble for troubles in found for trouble in troubles]


def watch_health(
    store: Store,
    engine: EngineClient,
    filter_: Filter,
    connections: Sequence[Connection] | None,
    lease: Lease,
) -> HealthWatch:
    """Return the watch over a bot's parts; `connections` are those of Socket Mode, if it is used.

    A bot whose worker is away still takes what people ask for: it is kept, and written later. The
    judge may be that worker. And no text that one sends may keep others from being taken.
    """
    return HealthWatch(
        [
            Part("worker", lambda: worker_troubles(engine), FRESH_SECONDS, takes=False),
            Part("database", lambda: database_troubles(store), FRESH_SECONDS),
            slack_part(connections),
            Part("filter", filter_.own_troubles, FILTER_FRESH_SECONDS),
            Part("judge", filter_.judging_troubles, FILTER_FRESH_SECONDS, takes=False),
            lease_part(lease),
        ]
    )


async def worker_troubles(engine: EngineClient) -> Sequence[str]:
    """Ask the worker for a token."""
    is_ready, progress = await engine.readiness()
    if is_ready:
        return ()
    return (f"The worker writes nothing: {progress or 'it does not answer'}.",)


async def database_troubles(store: Store) -> Sequence[str]:
    """Write, as each ack has to."""
    try:
        await store.probe()
    except StoreUnavailable as away:
        return (f"The database takes no write: {away}.",)
    return ()


def lease_part(lease: Lease) -> Part:
    """Return the right to run jobs. A bot without it keeps what people ask for, for the others."""

    async def look() -> Sequence[str]:
        return () if lease.is_valid else ("The lease is lost: other bots take over.",)

    def facts() -> Mapping[str, Any]:
        return {"bots": lease.living.bots}

    return Part("lease", look, 0.0, takes=False, facts=facts)


def slack_part(connections: Sequence[Connection] | None) -> Part:
    """Return the part that Slack reaches us by. By HTTP it is Slack that opens connections."""

    async def look() -> Sequence[str]:
        if connections is None or any(each.alive for each in connections):
            return ()
        return ("No connection to Slack is open.",)

    def facts() -> Mapping[str, Any]:
        now = time.monotonic()
        return {
            "connections": [
                {"open": each.alive, "seconds": round(now - each.since, 1)}
                for each in connections or ()
            ]
        }

    return Part("slack", look, 0.0, facts=facts)


@asynccontextmanager
async def serve_health(
    watch: HealthWatch, host: str, port: int | None, *more: web.RouteDef
) -> AsyncIterator[str | None]:
    """Answer GET /health/live, /health/ready and /health/takes, and more; yield the address.

    Without a port that is None. /health/ready is 503 while a draft that is asked for now would not
    be written, /health/takes while it could not even be taken in.
    """
    if port is None:
        yield None
        return
    app = web.Application()
    app.add_routes([*_routes(watch), *more])
    async with serve_http(app, host, port) as address:
        yield address


def _routes(watch: HealthWatch) -> list[web.RouteDef]:
    async def live(_: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def ready(_: web.Request) -> web.Response:
        return _told(await watch.troubles(), watch.parts)

    async def takes(_: web.Request) -> web.Response:
        parts = [part for part in watch.parts if part.takes]
        return _told(await watch.troubles(parts), parts)

    pages = {"live": live, "ready": ready, "takes": takes}
    return [web.get(f"/health/{name}", page) for name, page in pages.items()]


def _told(troubles: Sequence[str], parts: Sequence[Part]) -> web.Response:
    told = {
        "status": "degraded" if troubles else "ok",
        "troubles": troubles,
        "parts": {part.name: {"troubles": part.troubles, **part.facts()} for part in parts},
    }
    return web.json_response(told, status=503 if troubles else 200)
