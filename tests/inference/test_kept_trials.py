"""What the trials of products have shown is kept, and used only by all ranks together."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import torch.distributed as dist

from inference.model import kept_trials, row_sizes
from inference.model.linear import ParallelLinear, full_product
from tests.inference.ranks import run_module


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "draftsmith"


@pytest.fixture
def _one_rank(tmp_path: Path) -> Iterator[None]:
    dist.init_process_group("gloo", f"file://{tmp_path / 'rendezvous'}", rank=0, world_size=1)
    yield
    dist.destroy_process_group()


def kinds_of(out: int = 16) -> list[list[ParallelLinear]]:
    return [[ParallelLinear().fill([full_product(torch.ones(out, 32))], 32)]]


@pytest.mark.usefixtures("_one_rank")
def test_the_second_start_tries_nothing_and_finds_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    first = row_sizes.measure(kinds_of(), torch.float32, deterministic=True)
    monkeypatch.setattr(row_sizes, "_try", None)
    again = kinds_of()
    assert row_sizes.measure(again, torch.float32, deterministic=True) == first
    assert again[0][0].by_rows.keys() == set(first.sizes)


@pytest.mark.usefixtures("_one_rank")
@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"costs": [[1.0], [1.0]], "picks": [[0]]}',
        json.dumps({"costs": [[1.0] * 16] * 2, "picks": [[5] * 16]}),
        json.dumps({"costs": [[1.0] * 16] * 2, "picks": []}),
        json.dumps({"costs": [[-1.0] * 16] * 2, "picks": [[0] * 16]}),
    ],
)
def test_a_file_that_makes_no_sense_is_ignored(cache: Path, text: str) -> None:
    row_sizes.measure(kinds_of(), torch.float32, deterministic=True)
    [file] = cache.glob("trials-*")
    file.write_text(text)
    assert row_sizes.measure(kinds_of(), torch.float32, deterministic=True).costs[0] < 0.9
    assert json.loads(file.read_text())["picks"] == [[0] * 16]


@pytest.mark.usefixtures("_one_rank")
def test_other_shapes_numbers_and_threads_are_tried_anew() -> None:
    def key() -> str:
        return kept_trials.key_of(kinds_of(), torch.float32, True)

    keys = {
        key(),
        kept_trials.key_of(kinds_of(48), torch.float32, True),
        kept_trials.key_of(kinds_of() * 2, torch.float32, True),
        kept_trials.key_of(kinds_of(), torch.float32, False),
    }
    assert key() in keys
    threads = torch.get_num_threads()
    torch.set_num_threads(threads + 1)
    keys.add(key())
    torch.set_num_threads(threads)
    assert len(keys) == 5


def test_all_ranks_try_again_if_one_of_them_has_kept_nothing(tmp_path: Path) -> None:
    job = {"store": str(tmp_path / "store"), "directory": str(tmp_path)}
    run_module("tests.inference.trials_rank", 2, job)
    first, second = (json.loads((tmp_path / f"{rank}.json").read_text()) for rank in (0, 1))
    assert first["tries"] == second["tries"] == 2
    assert first["found"] == second["found"]
