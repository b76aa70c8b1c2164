"""The supervisor and its ranks, without the HTTP face."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from inference.engine import supervisor as supervisor_module
from inference.engine.messages import Ready
from inference.engine.open_samples import GenerationStopped
from inference.engine.supervisor import Supervisor
from inference.errors import ModelError
from inference.settings import WorkerSettings
from tests.inference.engine import NO_END, engine, write

# No such token: the ranks die of it.
POISON = [1, 10**6]


async def test_a_request_that_kills_the_ranks_is_ended_and_those_beside_it_are_not(
    tiny_gguf: Path,
) -> None:
    async with engine(tiny_gguf) as supervisor, asyncio.timeout(100):
        alone = await write(supervisor, [1, 50, 60], max_tokens=40, seed=3)
        first, poison, second = await asyncio.gather(
            write(supervisor, [1, 50, 60], max_tokens=40, seed=3),
            write(supervisor, POISON, max_tokens=40, seed=3),
            write(supervisor, [1, 50, 60], max_tokens=40, seed=3),
            return_exceptions=True,
        )
        assert isinstance(poison, GenerationStopped)
        assert "change it" in str(poison)
        assert first == second == alone
        assert not supervisor.open


async def test_a_rank_that_freezes_while_it_loads_is_not_waited_for(
    tiny_gguf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor_module, "LOADING_SECONDS", 2.0)
    supervisor = Supervisor(WorkerSettings(dtype="fp32", _env_file=None), tiny_gguf, frozenset())
    supervisor.settings.hang_seconds = 1.0
    ranks = asyncio.create_task(supervisor.run())
    await asyncio.sleep(0.5)
    rank = supervisor.ranks.processes[0].pid
    os.kill(rank, signal.SIGSTOP)
    async with asyncio.timeout(30):
        with pytest.raises(ModelError, match="ended"):
            await ranks
    assert not Path(f"/proc/{rank}").exists()


@pytest.mark.parametrize(
    ("setting", "running", "wanted"),
    [(None, None, 64), (None, 16, 64), (None, 64, 256), (5, 64, 5)],
)
def test_four_samples_may_be_open_for_each_that_runs_if_nothing_else_is_set(
    setting: int | None, running: int | None, wanted: int
) -> None:
    settings = WorkerSettings.model_validate({"max_waiting": setting})
    supervisor = Supervisor(settings, Path("none.gguf"), NO_END)
    if running is not None:
        supervisor.ready = Ready("cuda", "bfloat16", 1, 100, running)
    assert supervisor.max_waiting == wanted
