"""The page's server: its files, the files of people, and a WebSocket for each open page."""

import asyncio
import json
from contextlib import suppress
from functools import partial
from pathlib import Path
from urllib.parse import quote

from aiohttp import WSCloseCode, WSMsgType, web

from bot.workspace.canvas import Canvas
from bot.workspace.objects import Json
from bot.workspace.page import actions, snapshot
from bot.workspace.state import ACTING_TAB
from bot.workspace.user_actions import UserActions

HERE = Path(__file__).parent
SERVED = {".js", ".css", ".svg"}
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

    def __init__(self, people: UserActions) -> None:
        self.people = people
        self._open: set[web.WebSocketResponse] = set()

    def add_routes(self, app: web.Application) -> None:
        app.router.add_get("/", partial(_file, "index.html"))
        for name in (path.name for path in HERE.iterdir() if path.suffix in SERVED):
            app.router.add_get(f"/page/{name}", partial(_file, name))
        app.router.add_get("/page/live", self.live)
        app.router.add_post("/page/files", self.upload)
        app.router.add_get("/page/files/{file}", self.download)
        app.router.add_get("/page/canvases/{file}", self.canvas)
        app.on_shutdown.append(self._close)

    async def live(self, request: web.Request) -> web.WebSocketResponse:
        """Send what the person `as` sees in a `tab` as it changes, and do what they ask for."""
        _own_origin_only(request)
        who, tab = self._user(request), request.query.get("tab")
        socket = web.WebSocketResponse(heartbeat=20.0)
        await socket.prepare(request)
        self._open.add(socket)
        try:
            async with asyncio.TaskGroup() as group:
                sending = group.create_task(self._send_snapshots(socket, who, tab))
                async for message in socket:
                    if message.type is WSMsgType.TEXT:
                        group.create_task(self._act(socket, who, tab, message.data))
                sending.cancel()
        finally:
            self._open.discard(socket)
        return socket

    async def upload(self, request: web.Request) -> web.Response:
        """Take the body as a file `name` of the person `as`; answer with its id or an error."""
        _own_origin_only(request)
        who = self._user(request)
        kind = request.content_type if "Content-Type" in request.headers else None
        try:
            name, data = request.query.get("name", ""), await request.read()
            return web.json_response({"id": self.people.attach(who, name, data, mimetype=kind)})
        except ValueError as error:
            return web.json_response({"error": str(error)})

    async def download(self, request: web.Request) -> web.Response:
        """Answer with a file for the person `as`, as a download: it is no page of this server."""
        state = self.people.state
        who = self._user(request)
        file = state.files.get(request.match_info["file"])
        if file is None or file.data is None or not snapshot.sees_file(state, who, file):
            raise web.HTTPNotFound(text="There is no such file.")
        disposition = f"attachment; filename*=UTF-8''{quote(file.name)}"
        headers = HEADERS | {"Content-Disposition": disposition, "Content-Type": file.mimetype}
        return web.Response(body=file.data, headers=headers)

    async def canvas(self, request: web.Request) -> web.Response:
        """Answer with the title and the text of a canvas that the person `as` may read."""
        state, who = self.people.state, self._user(request)
        file = state.files.get(request.match_info["file"])
        if not isinstance(file, Canvas) or not snapshot.sees_file(state, who, file):
            raise web.HTTPNotFound(text="There is no such canvas.")
        return web.json_response({"title": file.title, "text": file.markdown}, headers=HEADERS)

    async def _close(self, app: web.Application) -> None:
        for socket in list(self._open):
            await socket.close(code=WSCloseCode.GOING_AWAY)

    def _user(self, request: web.Request) -> str:
        return actions.user_called(self.people, request.query.get("as", ""))

    async def _send_snapshots(
        self, socket: web.WebSocketResponse, who: str, tab: str | None
    ) -> None:
        state, signal = self.people.state, self.people.state.change_signal
        outline: Json = {}
        revision = 0
        while not socket.closed:
            seen = signal.count
            fresh = snapshot.outline(state, who, tab)
            messages = snapshot.messages(state, who, since=revision)
            revision = max([revision, *(m["revision"] for m in messages)])
            if fresh != outline or messages:
                outline = fresh
                await _send(socket, {"type": "snapshot", "outline": fresh, "messages": messages})
            await signal.after(seen)

    async def _act(
        self, socket: web.WebSocketResponse, who: str, tab: str | None, data: str
    ) -> None:
        ACTING_TAB.set(tab)
        request: Json = json.loads(data)
        asked, action = request.pop("id"), request.pop("do")
        answer = await actions.perform(self.people, who, action, request)
        await _send(socket, {"type": "answer", "id": asked} | answer)


def _own_origin_only(request: web.Request) -> None:
    # A browser lets any site open a WebSocket here, but it always sends the site's true name.
    if request.headers.get("Origin") != f"http://{request.host}":
        raise web.HTTPForbidden(text="Only this server's own page may act here.")


async def _send(socket: web.WebSocketResponse, body: Json) -> None:
    with suppress(ConnectionError):
        await socket.send_json(body)


async def _file(name: str, request: web.Request) -> web.FileResponse:
    return web.FileResponse(HERE / name, headers=HEADERS)
