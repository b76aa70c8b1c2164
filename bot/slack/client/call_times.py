"""Counts the calls of the Web API, their answers and their time, for every user of the session."""

import time
from types import SimpleNamespace

import aiohttp

from bot.metrics import SLACK_CALLS

ELSEWHERE = "file_or_response"
NO_ANSWER = 0


def timed_calls(base_url: str) -> aiohttp.TraceConfig:
    """Return what watches a session's requests. An address may be a secret: only methods count."""
    base = f"{base_url.rstrip('/')}/"

    async def on_start(_: object, context: SimpleNamespace, __: object) -> None:
        context.began = time.monotonic()

    async def on_end(
        _: object, context: SimpleNamespace, params: aiohttp.TraceRequestEndParams
    ) -> None:
        observe(context, str(params.url), params.response.status)

    async def on_exception(
        _: object, context: SimpleNamespace, params: aiohttp.TraceRequestExceptionParams
    ) -> None:
        observe(context, str(params.url), NO_ANSWER)

    def observe(context: SimpleNamespace, url: str, status: int) -> None:
        path = url.partition("?")[0]
        method = path.removeprefix(base) if path.startswith(base) else ELSEWHERE
        seconds = time.monotonic() - context.began
        SLACK_CALLS.labels(method, str(status)).observe(seconds)

    config = aiohttp.TraceConfig()
    config.on_request_start.append(on_start)
    config.on_request_end.append(on_end)
    config.on_request_exception.append(on_exception)
    return config
