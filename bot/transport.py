"""How Slack reaches the bot: Socket Mode, or HTTP with Slack's signature."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from urllib.parse import parse_qs

from aiohttp import web
from aiohttp.typedefs import Handler
from slack_bolt.async_app import AsyncApp

from bot.http_server import serve_http
from bot.settings import Settings, required
from bot.socket_mode import Connection, socket_mode

EVENTS_PATH = "/slack/events"
CONNECT_SECONDS = 30
# Seconds since 1970, and far fewer digits than what overflows.
TIMESTAMP = re.compile(r"[0-9]{1,12}")


@dataclass(frozen=True, slots=True)
class Transport:
    """How Slack reaches the bot: the address for its HTTP requests, or connections to it."""

    address: str | None = None
    connections: Sequence[Connection] = ()


@asynccontextmanager
async def transport(settings: Settings, app: AsyncApp) -> AsyncIterator[Transport]:
    """Let Slack reach the app. Raises OperatorError if the token or the secret is not set."""
    if settings.slack_transport == "http":
        required(settings.slack_signing_secret, "SLACK_SIGNING_SECRET")
        async with _http(settings, app) as address:
            yield Transport(address=address)
        return
    token = required(settings.slack_app_token, "SLACK_APP_TOKEN").get_secret_value()
    async with AsyncExitStack() as stack:
        async with asyncio.timeout(CONNECT_SECONDS):
            opening = socket_mode(app, token, count=settings.socket_connections)
            sockets = await stack.enter_async_context(opening)
        yield Transport(connections=sockets.connections)


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
