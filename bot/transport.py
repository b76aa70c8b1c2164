"""How Slack reaches the bot: Socket Mode, or HTTP with Slack's signature."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from aiohttp.typedefs import Handler
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp

from bot.http_server import serve_http
from bot.settings import Settings, required

EVENTS_PATH = "/slack/events"
CONNECT_SECONDS = 30


@asynccontextmanager
async def transport(settings: Settings, app: AsyncApp) -> AsyncIterator[str | None]:
    """Let Slack reach the app; yield the address for its HTTP requests, None in Socket Mode.

    Raises OperatorError if the token or the secret is not set.
    """
    if settings.slack_transport == "http":
        required(settings.slack_signing_secret, "SLACK_SIGNING_SECRET")
        async with _http(settings, app) as address:
            yield address
        return
    token = required(settings.slack_app_token, "SLACK_APP_TOKEN").get_secret_value()
    handler = AsyncSocketModeHandler(app, token)
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            # The client itself would try a wrong token for ever.
            handler.client.wss_uri = await handler.client.issue_new_wss_url()
            await handler.connect_async()  # type: ignore[no-untyped-call]
        yield None
    finally:
        await handler.close_async()  # type: ignore[no-untyped-call]


@asynccontextmanager
async def _http(settings: Settings, app: AsyncApp) -> AsyncIterator[str]:
    web_app = app.web_app(path=EVENTS_PATH)
    web_app.middlewares.append(_refuse_bad_timestamps)
    async with serve_http(web_app, settings.http_host, settings.http_port) as address:
        yield f"{address}{EVENTS_PATH}"


@web.middleware
async def _refuse_bad_timestamps(request: web.Request, handler: Handler) -> web.StreamResponse:
    # Bolt answers a timestamp that is no number with a 500 and a traceback. Without one Slack may
    # be asking only for our certificate (ssl_check), which Bolt lets pass, and nothing else.
    if not request.headers.get("X-Slack-Request-Timestamp", "0").isdecimal():
        return web.Response(status=401)
    return await handler(request)
