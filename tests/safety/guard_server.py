"""The server of a guard model: it answers as the published forms say, or wrongly."""

import asyncio
import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import web

Json = dict[str, Any]
EVIL = "EVIL"


def position(likely: str, other: str, probability: float) -> Json:
    """Return one place of an answer, where two tokens are possible."""
    first, second = math.log(probability), math.log(1 - probability)
    tops = [{"token": likely, "logprob": first}, {"token": other, "logprob": second}]
    return {**tops[0], "top_logprobs": tops}


def chat(said: str, *positions: Json) -> Json:
    choice = {"message": {"content": said}, "logprobs": {"content": list(positions)}}
    return {"choices": [choice]}


def llama_guard(body: Json) -> Json:
    blank = position("\n\n", "\n", 0.99)
    if EVIL in body["messages"][-1]["content"]:
        return chat("\n\nunsafe\nS1,S10", blank, position("unsafe", "safe", 0.9))
    return chat("\n\nsafe", blank, position("safe", "unsafe", 0.95))


def qwen3_guard(body: Json) -> Json:
    head = [position("Safety", "Saf", 0.99), position(":", "\n", 0.99)]
    if EVIL in body["messages"][-1]["content"]:
        said = "Safety: Controversial\nCategories: Suicide & Self-Harm, Copyright Violation"
        return chat(said, *head, position(" Controversial", " Safe", 0.8))
    return chat("Safety: Safe\nCategories: None", *head, position(" Safe", " Unsafe", 0.95))


def question(body: Json) -> Json:
    asked = body["messages"][-1]["content"]
    is_so = EVIL in asked and "praise violence" in asked
    return chat("", position("Yes", "No", 0.9) if is_so else position("No", "Yes", 0.95))


def shieldgemma(body: Json) -> Json:
    choices = [
        {"index": index, "logprobs": {"top_logprobs": [_yes_or_no(prompt)]}}
        for index, prompt in enumerate(body["prompt"])
    ]
    return {"choices": choices[::-1]}


def _yes_or_no(prompt: str) -> dict[str, float]:
    yes = 0.9 if EVIL in prompt and "threaten" in prompt else 0.05
    return {"Yes": math.log(yes), "No": math.log(1 - yes)}


@dataclass
class GuardServer:
    """One server. `answer` makes the body of an answer, text or JSON; the rest are faults."""

    answer: Callable[[Json], Json | str] = llama_guard
    delay: float = 0.0
    status: int = 200
    elsewhere: str = ""
    asked: list[Json] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    most_at_once: int = 0
    running: int = 0
    url: str = ""

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", self._answer)
        app.router.add_post("/v1/completions", self._answer)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.asked.append(body)
        self.tokens.append(request.headers.get("Authorization", ""))
        self.names.append(request.headers.get("X-Request-Id", ""))
        self.running += 1
        self.most_at_once = max(self.most_at_once, self.running)
        await asyncio.sleep(self.delay)
        self.running -= 1
        answer = self.answer(body)
        text = answer if isinstance(answer, str) else json.dumps(answer)
        headers = {"Location": self.elsewhere + request.path} if self.elsewhere else {}
        return web.Response(text=text, status=self.status, headers=headers)
