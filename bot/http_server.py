"""One way to serve an aiohttp application. Knows nothing else of the project."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web


@asynccontextmanager
async def serve_http(
    app: web.Application,
    host: str,
    port: int,
    *,
    shutdown_timeout: float = 60.0,
    handler_cancellation: bool = False,
) -> AsyncIterator[str]:
    """Serve the application inside `async with`; yield its address, `http://host:port`.

    Port 0 takes a free one. On leaving, open requests have `shutdown_timeout` seconds to end;
    `handler_cancellation` cancels a handler whose client has gone away. Raises OSError if the
    port cannot be taken.
    """
    runner = web.AppRunner(
        app,
        access_log=None,
        shutdown_timeout=shutdown_timeout,
        handler_cancellation=handler_cancellation,
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        bound_host, bound_port = runner.addresses[0][:2]
        yield f"http://{bound_host}:{bound_port}"
    finally:
        await runner.cleanup()
