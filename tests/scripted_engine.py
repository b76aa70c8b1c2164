"""A server at the worker's HTTP border that answers as a test tells it, as fast as it likes."""

import asyncio
import json
import re
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import web

from bot.http_server import serve_http

Json = dict[str, Any]


def essay(body: Json) -> str:
    """Return a text that depends on the request and the seed, as a model's does."""
    wish = body["messages"][-1]["content"].rpartition(": ")[2]
    sentences = [f"Sentence {i} of seed {body['seed']} on {wish[:40]}." for i in range(1, 9)]
    return "\n\n".join([" ".join(sentences[:4]), " ".join(sentences[4:])])


@dataclass
class ScriptedEngine:
    """OpenAI's chat completions, streamed. `write` makes the text; the rest are faults.

    `log_probability` is that of each token of a text that is scored.
    """

    write: Callable[[Json], str] = essay
    pause: float = 0.0
    up: bool = True
    refuse: Callable[[Json], Json | None] = lambda _: None
    die_after: int | None = None
    full: int = 0
    finish_reason: str = "stop"
    log_probability: Callable[[str], float] = lambda _: -2.0
    scores: bool = True
    scored: list[str] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    requests: list[Json] = field(default_factory=list)
    names: list[str | None] = field(default_factory=list)
    running: int = 0
    url: str = ""
    _exit: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def __aenter__(self) -> Self:
        self.gate.set()
        app = web.Application()
        app.router.add_post("/v1/chat/completions", self._chat)
        app.router.add_post("/v1/completions", self._score)
        app.router.add_get("/v1/models", self._models)
        app.router.add_get("/health/ready", self._ready)
        serving = serve_http(app, "127.0.0.1", 0, handler_cancellation=True, shutdown_timeout=1.0)
        self.url = await self._exit.enter_async_context(serving)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._exit.aclose()

    async def _models(self, _: web.Request) -> web.Response:
        if not self.up:
            return web.json_response({"error": {"message": "starting"}}, status=503)
        return web.json_response({"data": [{"id": "scripted"}]})

    async def _ready(self, _: web.Request) -> web.Response:
        return web.json_response({"progress": "starting"}, status=200 if self.up else 503)

    async def _score(self, request: web.Request) -> web.Response:
        """Answer as the worker does to echo, logprobs and no new token: each word is a token."""
        body = await request.json()
        self.scored.append(body["prompt"])
        if not self.scores:
            error = {"message": "cannot score", "code": "unsupported"}
            return web.json_response({"error": error}, status=400)
        tokens = re.findall(r"\S+\s*|\s+", body["prompt"])
        told = [None, *[self.log_probability(body["prompt"])] * (len(tokens) - 1)]
        logprobs = {"tokens": tokens, "token_logprobs": told}
        return web.json_response({"choices": [{"text": body["prompt"], "logprobs": logprobs}]})

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.requests.append(body)
        self.names.append(request.headers.get("X-Request-Id"))
        if not self.up:
            return web.json_response({"error": {"message": "starting"}}, status=503)
        if self.full:
            self.full -= 1
            return web.json_response({"error": {"message": "the queue is full"}}, status=503)
        if (error := self.refuse(body)) is not None:
            return web.json_response({"error": error}, status=400)
        self.running += 1
        try:
            return await self._stream(request, body)
        finally:
            self.running -= 1

    async def _stream(self, request: web.Request, body: Json) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)

        async def send(data: object) -> None:
            line = data if isinstance(data, str) else json.dumps(data)
            await response.write(f"data: {line}\n\n".encode())

        texts = [self.write({**body, "seed": body["seed"] + i}) for i in range(body["n"])]
        pieces = [[text[i : i + 7] for i in range(0, len(text), 7)] for text in texts]
        for step in range(max(1, *map(len, pieces))):
            await self.gate.wait()
            if self.die_after is not None and step == self.die_after:
                self.die_after = None
                assert request.transport is not None
                request.transport.abort()
                return response
            for index, mine in enumerate(pieces):
                if step < len(mine):
                    await send({"choices": [{"index": index, "delta": {"content": mine[step]}}]})
                if step == max(len(mine), 1) - 1:
                    choice = {"index": index, "delta": {}, "finish_reason": self.finish_reason}
                    await send({"choices": [{**choice, "tokens": len(mine)}]})
            await asyncio.sleep(self.pause)
        tokens = sum(map(len, pieces))
        await send({"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": tokens}})
        await send("[DONE]")
        return response
