"""The servers that an evaluation asks: the worker, and a model that judges."""

import sys
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

from bot.drafting.measures import Judge
from bot.errors import OperatorError
from bot.settings import Settings
from bot.worker import own_worker, until_ready
from inference.client import EngineClient


async def own_url(stack: AsyncExitStack, settings: Settings) -> str:
    """Return WORKER_URL, or start a worker that ends with the stack."""
    if settings.worker_url is not None:
        return settings.worker_url
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="draftsmith-")))
    socket = folder / "worker.sock"
    worker = await stack.enter_async_context(own_worker(socket, lambda _: None))
    async with EngineClient(f"unix:{socket}") as engine:
        await until_ready(worker, engine, settings.worker_patience, _tell)
    return f"unix:{socket}"


def worker_at(
    named: str | None, own: str, settings: Settings, model: str | None = None
) -> EngineClient:
    """Return a client of the server that was named on the command line, or else of `own_url`'s.

    WORKER_TOKEN is for WORKER_URL and for a worker of ours: no other server gets it.
    """
    is_ours = named in (None, settings.worker_url)
    return EngineClient(named or own, token=settings.worker_token if is_ours else None, model=model)


async def judge_at(stack: AsyncExitStack, url: str, settings: Settings) -> Judge:
    """Return the judge of a server. JUDGE_TOKEN is for JUDGE_URL alone."""
    token = settings.judge_token if url == settings.judge_url else None
    client = await stack.enter_async_context(EngineClient(url, token=token))
    return Judge(client.first_token, client.models)


async def first_model(engine: EngineClient) -> str:
    """Return the name of the first model of a server. Raises OperatorError if it has none."""
    for name in await engine.models():
        return name
    raise OperatorError("The server names no model: name it with --model.")


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
