"""How Slack reaches the bot: Socket Mode, or HTTP with Slack's signature."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qs

from aiohttp import web
from aiohttp.typedefs import Handler
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp

from bot.http_server import serve_http
from bot.settings import Settings, required

EVENTS_PATH = "/slack/events"
CONNECT_SECONDS = 30
# Seconds since 1970, and far fewer digits than what overflows.
TIMESTAMP = re.compile(r"[0-9]{1,12}")


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
    web_app.middlewares.append(_refuse_malformed)
    async with serve_http(web_app, settings.http_host, settings.http_port) as address:
        yield f"{address}{EVENTS_PATH}"


@web.middleware
async def _refuse_malformed(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer what Slack never sends; Bolt would answer it with a 500 and a traceback."""
    # Without a timestamp, Slack may be asking only for our certificate (ssl_check), which Bolt lets
    # pass, and nothing else.
    stamp = request.headers.get("X-Slack-Request-Timestamp", "0")
    signature = request.headers.get("X-Slack-Signature", "")
    if not TIMESTAMP.fullmatch(stamp) or not signature.isascii():
        return web.Response(status=401)
    if not _holds_payload(await request.read(), request.content_type):
        return web.Response(status=400)
    return await handler(request)


def _holds_payload(body: bytes, content_type: str) -> bool:
    """Say whether this is a JSON object, or a form: of a command, or with a JSON object in it.

    https://docs.slack.dev/authentication/verifying-requests-from-slack
    https://docs.slack.dev/interactivity/handling-user-interaction
    """
    try:
        text = body.decode()
        if content_type == "application/json" or text.startswith("{"):
            return _is_object(text)
        form = parse_qs(text, keep_blank_values=True, strict_parsing=True)
        if "payload" in form:
            return all(map(_is_object, form["payload"]))
    except (ValueError, RecursionError):
        return False
    # Slack also looks at times whether the address answers by SSL.
    return "command" in form or "ssl_check" in form


def _is_object(text: str) -> bool:
    return isinstance(json.loads(text), dict)
