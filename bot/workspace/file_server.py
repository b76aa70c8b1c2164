"""Files over HTTP: the app downloads what people uploaded, and uploads its own."""

import hmac

from aiohttp import web

from bot.workspace.api.access import visible_file
from bot.workspace.canvas import Canvas
from bot.workspace.errors import ApiError
from bot.workspace.state import State

LOGIN_PAGE = "<!doctype html><title>Sign in</title><h1>Sign in to Workspace</h1>"


async def download(state: State, request: web.Request) -> web.Response:
    """Answer with the file's bytes if the request has the token and the app may read the file.

    Otherwise answer with a page to sign in and status 200, as Slack does.
    """
    given = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
    mine = hmac.compare_digest(given.encode(), state.bot_token.encode())
    try:
        file = visible_file(state, request.match_info["file"].rpartition("-")[2])
    except ApiError:
        file = None
    if file is None or file.denied or not mine or "files:read" not in state.scopes:
        return web.Response(text=LOGIN_PAGE, content_type="text/html")
    # A canvas is served as a page, though its type says otherwise.
    kind = "text/html" if isinstance(file, Canvas) else file.mimetype
    return web.Response(body=file.data, headers={"Content-Type": kind})


async def upload(state: State, request: web.Request) -> web.Response:
    """Take the bytes of an announced file, raw or in a form; the address works once."""
    file = state.uploads.get(request.path)
    if file is None:
        return web.Response(status=404, text="not found")
    data = await _body(request)
    if len(data) != file.size:
        said = f"The upload has {len(data)} bytes, {file.size} were announced."
        return web.Response(status=400, text=said)
    del state.uploads[request.path]
    file.data = data
    return web.Response(text=f"OK - {len(data)}")


async def _body(request: web.Request) -> bytes:
    if request.content_type != "multipart/form-data":
        return await request.read()
    for part in (await request.post()).values():
        if isinstance(part, web.FileField):
            return part.file.read()
    return b""
