"""The servers that an evaluation asks: which of them gets a token, and what they must name."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from aiohttp import web
from pydantic import SecretStr

from bot.errors import OperatorError
from bot.evaluate.servers import first_model, judge_at, own_url, worker_at
from bot.http_server import serve_http
from bot.settings import ExplicitSettings, Settings
from inference.client import EngineClient


@asynccontextmanager
async def server(heard: list[str | None], *models: str) -> AsyncIterator[str]:
    """Serve the names of models, and hear what is shown for it."""

    async def names(request: web.Request) -> web.Response:
        heard.append(request.headers.get("Authorization"))
        return web.json_response({"data": [{"id": name} for name in models]})

    app = web.Application()
    app.router.add_get("/v1/models", names)
    async with serve_http(app, "127.0.0.1", 0) as url:
        yield url


def settings(url: str) -> Settings:
    return ExplicitSettings(
        worker_url=url,
        worker_token=SecretStr("worker's secret"),
        judge_url=url,
        judge_token=SecretStr("judge's secret"),
    )


async def test_only_the_server_that_a_token_is_for_gets_it() -> None:
    heard: list[str | None] = []
    async with server(heard, "tiny") as url, AsyncExitStack() as stack:
        ours, other = settings(url), settings("http://127.0.0.1:9")
        own = await own_url(stack, ours)
        for named, told in ((None, ours), (url, ours), (url, other)):
            async with worker_at(named, own, told) as engine:
                assert await first_model(engine) == "tiny"
        for told in (ours, other):
            assert await (await judge_at(stack, url, told)).name() == "tiny"
    worker, judge = "Bearer worker's secret", "Bearer judge's secret"
    assert heard == [worker, worker, None, judge, None]


async def test_a_server_without_a_model_is_told_in_one_sentence() -> None:
    async with server([]) as url, EngineClient(url) as engine:
        with pytest.raises(OperatorError, match="names no model"):
            await first_model(engine)
