"""The supervisor and its ranks, without the HTTP face."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from inference import supervisor as supervisor_module
from inference.gguf_file import ModelError
from inference.sequence import SamplingParams
from inference.settings import Settings
from inference.supervisor import Stopped, Supervisor

# No such token: the ranks die of it.
POISON = [1, 10**6]


@contextlib.asynccontextmanager
async def running(model: Path) -> AsyncIterator[tuple[Supervisor, asyncio.Task[None]]]:
    settings = Settings(model=str(model), dtype="fp32", _env_file=None)
    supervisor = Supervisor(settings, model, end_ids=frozenset())
    ranks = asyncio.create_task(supervisor.run())
    try:
        yield supervisor, ranks
    finally:
        ranks.cancel()
        with contextlib.suppress(asyncio.CancelledError, ModelError):
            await ranks


async def tokens(supervisor: Supervisor, prompt: list[int], count: int) -> list[int]:
    stream = supervisor.generate(prompt, SamplingParams(max_tokens=count, seed=3))
    return [token async for token, _ in stream]


async def test_a_request_that_kills_the_ranks_is_ended_and_those_beside_it_are_not(
    tiny_gguf: Path,
) -> None:
    async with running(tiny_gguf) as (supervisor, _), asyncio.timeout(100):
        alone = await tokens(supervisor, [1, 50, 60], 40)
        first, poison, second = await asyncio.gather(
            tokens(supervisor, [1, 50, 60], 40),
            tokens(supervisor, POISON, 40),
            tokens(supervisor, [1, 50, 60], 40),
            return_exceptions=True,
        )
        assert isinstance(poison, Stopped)
        assert "change it" in str(poison)
        assert first == second == alone
        assert not supervisor.open


async def test_a_rank_that_freezes_while_it_loads_is_not_waited_for(
    tiny_gguf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor_module, "LOADING_SECONDS", 2.0)
    async with running(tiny_gguf) as (supervisor, ranks), asyncio.timeout(30):
        supervisor.settings.hang_seconds = 1.0
        await asyncio.sleep(0.5)
        rank = supervisor.processes[0].pid
        os.kill(rank, signal.SIGSTOP)
        with pytest.raises(ModelError, match="ended"):
            await ranks
        assert not Path(f"/proc/{rank}").exists()
