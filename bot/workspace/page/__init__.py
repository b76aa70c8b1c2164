"""The page: its files, those of people, and a WebSocket that shows a person's workspace and takes
their actions.
"""

import asyncio
import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from aiohttp import WSCloseCode, WSMsgType, web

from bot.workspace.objects import Json
from bot.workspace.page import actions, snapshot

if TYPE_CHECKING:
    from bot.workspace.workspace import Workspace

HERE = Path(__file__).parent
FILES = (
    "style.css",
    "icon.svg",
    "app.js",
    "blocks.js",
    "composer.js",
    "confirm.js",
    "files.js",
    "icons.js",
    "live.js",
    "markup.js",
    "menu.js",
    "modal.js",
    "rich.js",
    "select.js",
)
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class PageServer:
    """Serves the page of one workspace to anybody on this machine."""

    def __init__(self, workspace: "Workspace") -> None:
        self.workspace = workspace
        self._open: set[web.WebSocketResponse] = set()

    def add_routes(self, app: web.Application) -> None:
        app.router.add_get("/", partial(_file, "index.html"))
        for name in FILES:
            app.router.add_get(f"/page/{name}", partial(_file, name))
        app.router.add_get("/page/live", self.live)
        app.router.add_post("/page/files", self.receive)
        app.router.add_get("/page/files/{file}", self.give)
        app.on_shutdown.append(self._close)

    async def live(self, request: web.Request) -> web.WebSocketResponse:
        """What the person `as` sees, told as it changes; acts of theirs come the other way."""
        self._own_origin_only(request)
        who = actions.user_called(self.workspace, request.query.get("as", ""))
        socket = web.WebSocketResponse(heartbeat=20.0)
        await socket.prepare(request)
        self._open.add(socket)
        try:
            await self._serve(socket, who)
        finally:
            self._open.discard(socket)
        return socket

    async def receive(self, request: web.Request) -> web.Response:
        """The body as a file `name` of the person `as`: its id, or a sentence why not."""
        self._own_origin_only(request)
        who = actions.user_called(self.workspace, request.query.get("as", ""))
        kind = request.content_type if "Content-Type" in request.headers else None
        try:
            name, data = request.query.get("name", ""), await request.read()
            return web.json_response({"id": self.workspace.attach(who, name, data, mimetype=kind)})
        except ValueError as error:
            return web.json_response({"error": str(error)})

    async def give(self, request: web.Request) -> web.Response:
        """A file for the person `as` to keep, never to be shown as a page of this server."""
        state = self.workspace.state
        who = actions.user_called(self.workspace, request.query.get("as", ""))
        file = state.files.get(request.match_info["file"])
        if file is None or file.data is None or not snapshot.sees_file(state, who, file):
            raise web.HTTPNotFound(text="There is no such file.")
        disposition = f"attachment; filename*=UTF-8''{quote(file.name)}"
        headers = HEADERS | {"Content-Disposition": disposition, "Content-Type": file.mimetype}
        return web.Response(body=file.data, headers=headers)

    async def _serve(self, socket: web.WebSocketResponse, who: str) -> None:
        async with asyncio.TaskGroup() as group:
            telling = group.create_task(self._tell(socket, who))
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    group.create_task(self._act(socket, who, message.data))
            telling.cancel()

    async def _close(self, app: web.Application) -> None:
        for socket in list(self._open):
            await socket.close(code=WSCloseCode.GOING_AWAY)

    def _own_origin_only(self, request: web.Request) -> None:
        # Browsers let any site open a WebSocket here, and say truly which site it was.
        if request.headers.get("Origin") != f"http://{request.host}":
            raise web.HTTPForbidden(text="Only this server's own page may act here.")

    async def _tell(self, socket: web.WebSocketResponse, who: str) -> None:
        changes, state = self.workspace.state.changes, self.workspace.state
        outline: Json = {}
        revision = 0
        while not socket.closed:
            seen = changes.count
            fresh = snapshot.outline(state, who)
            messages = snapshot.messages(state, who, since=revision)
            revision = max([revision, *(m["revision"] for m in messages)])
            if fresh != outline or messages:
                outline = fresh
                await _send(socket, {"type": "sight", "outline": fresh, "messages": messages})
            await changes.after(seen)

    async def _act(self, socket: web.WebSocketResponse, who: str, data: str) -> None:
        wish: Json = json.loads(data)
        act = actions.ACTS[wish["do"]]
        try:
            answer = await act(self.workspace, who, wish)
        except ValueError as error:
            answer = {"error": str(error)}
        await _send(socket, {"type": "answer", "id": wish["id"]} | answer)


async def _send(socket: web.WebSocketResponse, body: Json) -> None:
    try:
        await socket.send_json(body)
    except ConnectionError:
        return


async def _file(name: str, request: web.Request) -> web.FileResponse:
    return web.FileResponse(HERE / name, headers=HEADERS)
