"""The HTTP server: Web API, Socket Mode, response_urls and the page, on 127.0.0.1 only."""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING

from aiohttp import web

from bot.http_server import serve_http
from bot.workspace import responses
from bot.workspace.file_server import MOST_BYTES, FileServer
from bot.workspace.page import PageServer
from bot.workspace.socket_mode import SocketMode
from bot.workspace.state import State
from bot.workspace.web_api import WebApi

if TYPE_CHECKING:
    from bot.workspace.workspace import Workspace

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Server:
    """Serves one workspace. `port` 0 takes a free one."""

    def __init__(self, state: State, api: WebApi, sockets: SocketMode, port: int) -> None:
        self.state = state
        self.api = api
        self.sockets = sockets
        self.port = port
        self._exit = AsyncExitStack()

    async def start(self, workspace: "Workspace") -> None:
        app = web.Application(middlewares=[self._only_this_host], client_max_size=MOST_BYTES)
        app.router.add_route("*", "/api/{method}", self.api.call)
        app.router.add_get("/link/", self.sockets.accept)
        FileServer(self.state, self.api.bot_token).add_routes(app)
        PageServer(workspace).add_routes(app)
        answer = partial(responses.receive_response, self.state)
        app.router.add_post("/commands/{tail:.*}", answer)
        app.router.add_post("/actions/{tail:.*}", answer)
        serving = serve_http(app, "127.0.0.1", self.port, shutdown_timeout=1.0)
        self.state.url = await self._exit.enter_async_context(serving)

    async def close(self) -> None:
        await self._exit.aclose()

    @web.middleware
    async def _only_this_host(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        # A page of another site whose name was rebound to 127.0.0.1 arrives with that name.
        own = self.state.url.removeprefix("http://")
        if request.host not in (own, own.replace("127.0.0.1", "localhost")):
            raise web.HTTPForbidden(text="This server answers only under its own address.")
        return await handler(request)
