"""The engine without its HTTP API: a supervisor, and what is asked of it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, TypedDict, Unpack

from inference.engine.messages import SampleOutput
from inference.engine.sequence import SamplingParams
from inference.engine.supervisor import Supervisor
from inference.errors import ModelError
from inference.settings import WorkerSettings

NO_END = frozenset({10**9})


class Params(TypedDict, total=False):
    """Arguments of `SamplingParams`."""

    temperature: float
    top_k: int
    top_p: float
    repetition_penalty: float
    max_tokens: int
    seed: int
    index: int
    logprobs: int | None
    prompt_logprobs: int | None
    adapter: str


@contextlib.asynccontextmanager
async def engine(model: Path, **settings: Any) -> AsyncIterator[Supervisor]:
    """Give a supervisor whose ranks are up; drafts end only at their limits."""
    chosen: dict[str, Any] = {"dtype": "fp32", "kv_tokens": 8192, "_env_file": None} | settings
    supervisor = Supervisor(WorkerSettings(model=str(model), **chosen), model, NO_END)
    ranks = asyncio.create_task(supervisor.run())
    try:
        async with asyncio.timeout(240):
            while supervisor.ready is None:
                if ranks.done():
                    ranks.result()
                await asyncio.sleep(0.02)
            yield supervisor
    finally:
        ranks.cancel()
        with contextlib.suppress(asyncio.CancelledError, ModelError):
            await ranks


async def steps(
    supervisor: Supervisor, prompt: list[int], **params: Unpack[Params]
) -> list[SampleOutput]:
    """Return all outputs of one sample, as they come."""
    return [step async for step in supervisor.generate(prompt, SamplingParams(**params))]


async def write(supervisor: Supervisor, prompt: list[int], **params: Unpack[Params]) -> list[int]:
    """Return the tokens of one sample."""
    return [token for step in await steps(supervisor, prompt, **params) for token in step.tokens]
