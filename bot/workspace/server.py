"""The HTTP application of a workspace: Web API, Socket Mode, response_urls, files and the page."""

from functools import partial

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from bot.workspace import file_server
from bot.workspace.page.page_server import PageServer
from bot.workspace.responses import receive_response
from bot.workspace.socket_mode import SocketMode
from bot.workspace.state import State
from bot.workspace.user_actions import UserActions
from bot.workspace.web_api import WebApi

MAX_REQUEST_BYTES = 64 * 1024 * 1024


def workspace_app(people: UserActions, api: WebApi, sockets: SocketMode) -> web.Application:
    """Build the application that serves one workspace, under its own address only."""
    state = people.state
    app = web.Application(middlewares=[_own_host_only(state)], client_max_size=MAX_REQUEST_BYTES)
    app.router.add_route("*", "/api/{method}", api.call)
    app.router.add_get("/link/", sockets.accept)
    for path in ("/files-pri/{file}/{name}", "/files-pri/{file}/download/{name}"):
        app.router.add_get(path, partial(file_server.download, state))
    app.router.add_post("/upload/v1/{ticket}", partial(file_server.upload, state))
    for path in ("/commands/{tail:.*}", "/actions/{tail:.*}"):
        app.router.add_post(path, partial(receive_response, state))
    PageServer(people).add_routes(app)
    return app


def _own_host_only(state: State) -> Middleware:
    @web.middleware
    async def refuse_others(request: web.Request, handler: Handler) -> web.StreamResponse:
        # A page of another site whose name was rebound to 127.0.0.1 arrives with that name.
        own = state.url.removeprefix("http://")
        if request.host not in (own, own.replace("127.0.0.1", "localhost")):
            raise web.HTTPForbidden(text="This server answers only under its own address.")
        return await handler(request)

    return refuse_others
