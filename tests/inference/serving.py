"""A server that answers as a test says, and a client of it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web
from aiohttp.test_utils import TestServer

from inference.client import EngineClient


@asynccontextmanager
async def serving(
    answer: Callable[[web.Request], Awaitable[web.StreamResponse]],
) -> AsyncIterator[EngineClient]:
    """Yield a client of a server that answers every request by this."""
    app = web.Application()
    app.router.add_post("/v1/{any:.*}", answer)
    async with TestServer(app) as server, EngineClient(str(server.make_url(""))) as client:
        yield client
