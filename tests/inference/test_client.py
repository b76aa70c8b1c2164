"""The client against a server that sends just these bytes, in just these pieces."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from inference.client import ChatMessage, Delta, EngineClient, EngineUnavailable, Sampling, Usage
from tests.inference.serving import serving


@asynccontextmanager
async def sends(*pieces: bytes) -> AsyncIterator[EngineClient]:
    """Yield a client of a server that answers with these bytes, one write for each."""

    async def chat(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for piece in pieces:
            await response.write(piece)
            await asyncio.sleep(0.05)
        return response

    async with serving(chat) as client:
        yield client


def event(data: object) -> bytes:
    return b"data: " + (data if isinstance(data, bytes) else json.dumps(data).encode()) + b"\n\n"


def words(index: int, *texts: str, reason: str | None = None) -> bytes:
    choices = [{"index": index, "delta": {"content": t}, "finish_reason": reason} for t in texts]
    return b"".join(event({"choices": [choice]}) for choice in choices)


async def hear(client: EngineClient, heard: list[Delta | Usage]) -> None:
    async for item in client.chat([ChatMessage("user", "hello")], Sampling()):
        heard.append(item)


@pytest.fixture
def heard() -> list[Delta | Usage]:
    return []


DONE = event(b"[DONE]")
COST = event({"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 4}})


async def test_what_came_together_is_one_delta_of_each_draft_and_the_cost_is_last(
    heard: list[Delta | Usage],
) -> None:
    said = words(0, "one ", "two ") + words(1, "uno ") + words(0, "three", reason="stop")
    async with sends(said + COST + words(1, "dos") + DONE) as client:
        await hear(client, heard)
    assert heard == [
        Delta(0, "one two three", "stop"),
        Delta(1, "uno dos"),
        Usage(3, 4),
    ]


async def test_what_comes_later_is_a_delta_of_its_own(heard: list[Delta | Usage]) -> None:
    async with sends(words(0, "one "), words(0, "two"), DONE) as client:
        await hear(client, heard)
    assert heard == [Delta(0, "one "), Delta(0, "two")]


async def test_an_event_cut_within_a_character_is_read_whole(heard: list[Delta | Usage]) -> None:
    said = event(
        json.dumps(
            {"choices": [{"index": 0, "delta": {"content": "风"}}]}, ensure_ascii=False
        ).encode()
    )
    middle = said.index("风".encode()) + 1
    async with sends(said[:middle], said[middle:] + DONE) as client:
        await hear(client, heard)
    assert heard == [Delta(0, "风")]


async def test_a_last_line_without_its_end_counts(heard: list[Delta | Usage]) -> None:
    async with sends(words(0, "one"), b"data: [DONE]") as client:
        await hear(client, heard)
    assert heard == [Delta(0, "one")]


async def test_what_came_before_an_error_is_heard(heard: list[Delta | Usage]) -> None:
    failed = event({"error": {"message": "out of memory"}})
    async with sends(words(0, "one ", "two") + failed) as client:
        with pytest.raises(EngineUnavailable, match="out of memory"):
            await hear(client, heard)
    assert heard == [Delta(0, "one two")]


async def test_a_stream_without_its_end_is_a_worker_that_stopped(
    heard: list[Delta | Usage],
) -> None:
    async with sends(words(0, "one")) as client:
        with pytest.raises(EngineUnavailable, match="in the middle"):
            await hear(client, heard)
