"""A server with the worker's API that answers at once, or as fast as it is told."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from aiohttp import web

from bot.http_server import serve_http


def story(number: int) -> str:
    """Return what the worker writes for this brief only: about 150 words."""
    days = [
        f"On day {day} ship {number} left the harbour with a calm sea and a good wind behind her."
        for day in range(1, 10)
    ]
    return "\n\n".join(" ".join(days[i : i + 3]) for i in (0, 3, 6))


class InstantWorker:
    """Writes a word at a time, with a pause of so many seconds after each."""

    def __init__(self, pause: float = 0.0) -> None:
        self._pause = pause

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        """Serve; yield the address."""
        app = web.Application()
        app.router.add_get("/v1/models", self._models)
        app.router.add_get("/health/ready", self._ready)
        app.router.add_post("/v1/chat/completions", self._chat)
        async with serve_http(app, "127.0.0.1", 0, shutdown_timeout=1.0) as address:
            yield address

    async def _models(self, _: web.Request) -> web.Response:
        return web.json_response({"data": [{"id": "at-once"}]})

    async def _ready(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "ready"})

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        said = (await request.json())["messages"][-1]["content"]
        number = re.search(r"ship (\d+)", said)
        assert number is not None
        words = re.findall(r"\S+\s*", story(int(number[1])))
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        with suppress(ConnectionError):  # Its draft was stopped.
            await self._write(response, words)
        return response

    async def _write(self, response: web.StreamResponse, words: list[str]) -> None:
        for word in words:
            await response.write(_event(choices=[{"index": 0, "delta": {"content": word}}]))
            if self._pause:
                await asyncio.sleep(self._pause)
        end = {"index": 0, "delta": {}, "finish_reason": "stop"}
        usage = {"prompt_tokens": 100, "completion_tokens": len(words)}
        await response.write(_event(choices=[end]) + _event(choices=[], usage=usage))
        await response.write(b"data: [DONE]\n\n")


def _event(**data: object) -> bytes:
    return f"data: {json.dumps(data)}\n\n".encode()
