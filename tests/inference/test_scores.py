"""The client that scores texts: against the worker, and against servers that cannot."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from inference.client import ChatMessage, EngineClient, EngineRefused, EngineUnavailable
from tests.conftest import Worker
from tests.inference.serving import serving

CONTEXT, TEXT = "the tea is on", " a stone"


@asynccontextmanager
async def answers(body: Any, status: int = 200) -> AsyncIterator[EngineClient]:
    """Yield a client of a server that answers every request with this."""

    async def answer(_: web.Request) -> web.Response:
        return web.json_response(body, status=status)

    async with serving(answer) as client:
        yield client


def scored(tokens: list[str], scores: list[float | None]) -> dict[str, Any]:
    return {"choices": [{"logprobs": {"tokens": tokens, "token_logprobs": scores}}]}


async def test_only_the_text_is_scored_and_as_it_follows_its_context(tiny_worker: Worker) -> None:
    whole = {"prompt": CONTEXT + TEXT, "max_tokens": 0, "echo": True, "logprobs": 0}
    connector = aiohttp.UnixConnector(path=tiny_worker.url.removeprefix("unix:"))
    async with (
        aiohttp.ClientSession("http://worker", connector=connector) as session,
        session.post("/v1/completions", json=whole) as response,
    ):
        told = (await response.json())["choices"][0]["logprobs"]
    behind = [i for i, at in enumerate(told["text_offset"]) if at >= len(CONTEXT)]
    async with EngineClient(tiny_worker.url) as client:
        scores = await client.score(CONTEXT, TEXT)
        alone = await client.score("\n", TEXT)
    assert scores == told["token_logprobs"][-len(scores) :]
    assert len(behind) <= len(scores) <= len(behind) + 1  # One token may lie across the border.
    assert len(alone) >= len(behind)
    assert scores != alone


async def test_characters_of_several_tokens_shift_no_border() -> None:
    tokens = ["🍵茶", "\ufffd", "\ufffd", "\ufffd", " and", " yes", " no"]
    async with answers(scored(tokens, [None, -1, -1, -1, -2, -3, -4])) as client:
        assert await client.score("🍵茶龘 and", " yes no") == [-3.0, -4.0]


async def test_a_text_whose_last_character_is_in_pieces_keeps_all_of_them() -> None:
    tokens = ["tea", " ", "\ufffd", "\ufffd", "\ufffd"]
    async with answers(scored(tokens, [None, -1, -2, -3, -4])) as client:
        assert await client.score("tea ", "龘") == [-2.0, -3.0, -4.0]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"error": {"message": "no such page", "code": "not_found"}}, 404),
        ({"choices": [{"text": "tea", "logprobs": None}]}, 200),
        ({"choices": []}, 200),
        ([], 200),
    ],
)
async def test_a_server_that_scores_no_texts_is_one_that_refuses(body: Any, status: int) -> None:
    async with answers(body, status) as client:
        with pytest.raises(EngineRefused):
            await client.score(CONTEXT, TEXT)
        with pytest.raises(EngineRefused):
            await client.first_token([ChatMessage("user", "A or B?")])


async def test_a_server_that_fails_is_asked_again_later() -> None:
    async with answers({"error": {"message": "full"}}, 503) as client:
        with pytest.raises(EngineUnavailable):
            await client.score(CONTEXT, TEXT)


async def test_the_first_token_comes_with_what_else_it_might_have_been(tiny_worker: Worker) -> None:
    async with EngineClient(tiny_worker.url) as client:
        tokens = await client.first_token([ChatMessage("user", "the tea")])
    assert 2 <= len(tokens) <= 20
    assert all(value < 0 for value in tokens.values())


async def test_a_real_model_finds_a_request_likelier_after_a_text_about_it(
    smollm_worker: Worker,
) -> None:
    storm = "The keeper climbed the stairs while the sea beat on the tower. He lit the lamp."
    stew = "Cut the onions and fry them slowly. Add carrots, garlic and a little flour."
    wish = " a story about a lighthouse in a storm"
    async with EngineClient(smollm_worker.url) as client:
        after_storm = await client.score(f"{storm}\n\nThis was written for the request:", wish)
        after_stew = await client.score(f"{stew}\n\nThis was written for the request:", wish)
    assert len(after_storm) == len(after_stew)
    assert sum(after_storm) > sum(after_stew) + len(after_storm) * 0.1
