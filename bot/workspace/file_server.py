"""Files over HTTP: the app downloads what people uploaded, and uploads its own."""

import hmac

from aiohttp import web

from bot.workspace.api.access import visible_file
from bot.workspace.errors import ApiError
from bot.workspace.state import State

MAX_REQUEST_BYTES = 64 * 1024 * 1024
LOGIN_PAGE = "<!doctype html><title>Sign in</title><h1>Sign in to Workspace</h1>"


class FileServer:
    """The addresses in a file object, and those of files.getUploadURLExternal."""

    def __init__(self, state: State, bot_token: str) -> None:
        self.state = state
        self.bot_token = bot_token

    def add_routes(self, app: web.Application) -> None:
        app.router.add_get("/files-pri/{file}/{name}", self.download)
        app.router.add_get("/files-pri/{file}/download/{name}", self.download)
        app.router.add_post("/upload/v1/{ticket}", self.upload)

    async def download(self, request: web.Request) -> web.Response:
        """Answer with the file's bytes if the request has the token and the app may read the file.

        Otherwise answer with a page to sign in and status 200, as Slack does.
        """
        given = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
        mine = hmac.compare_digest(given.encode(), self.bot_token.encode())
        try:
            file = visible_file(self.state, request.match_info["file"].rpartition("-")[2])
        except ApiError:
            file = None
        if file is None or not mine or "files:read" not in self.state.scopes:
            return web.Response(text=LOGIN_PAGE, content_type="text/html")
        return web.Response(body=file.data, headers={"Content-Type": file.mimetype})

    async def upload(self, request: web.Request) -> web.Response:
        """Take the bytes of an announced file, raw or in a form; the address works once."""
        file = self.state.uploads.get(request.path)
        if file is None:
            return web.Response(status=404, text="not found")
        data = await _body(request)
        if len(data) != file.size:
            said = f"The upload has {len(data)} bytes, {file.size} were announced."
            return web.Response(status=400, text=said)
        del self.state.uploads[request.path]
        file.data = data
        return web.Response(text=f"OK - {len(data)}")


async def _body(request: web.Request) -> bytes:
    if request.content_type != "multipart/form-data":
        return await request.read()
    for part in (await request.post()).values():
        if isinstance(part, web.FileField):
            return part.file.read()
    return b""
