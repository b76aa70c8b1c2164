"""A rank reads its part of a model, and needs little more memory for that than the part takes."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.inference.ranks import run_module

# Tables and modules, of which a model in few bits has as many as one in full.
FIXED = 16_000_000


@pytest.mark.parametrize(
    ("tp", "dtype", "weights", "fixed"),
    [
        (1, "bf16", "full", 0),
        pytest.param(3, "fp32", "full", 0, marks=pytest.mark.long),
        (3, "bf16", "auto", FIXED),
    ],
)
def test_loading_takes_the_memory_of_the_shard_and_a_tenth_more_at_most(
    smollm: Path,
    make_tiny_gguf: Callable[..., None],
    tmp_path: Path,
    tp: int,
    dtype: str,
    weights: str,
    fixed: int,
) -> None:
    make_tiny_gguf(tmp_path / "small.gguf", heads=12, kv_heads=6, ffn=192)
    job = {"model": str(smollm), "warm_up": str(tmp_path / "small.gguf"), "dtype": dtype}
    job |= {"weights": weights, "store": str(tmp_path / "store"), "out": str(tmp_path / "rank")}
    run_module("tests.inference.load_memory", tp, job)
    for rank in range(tp):
        numbers = json.loads((tmp_path / f"rank-{rank}").read_text())
        assert 0.9 * numbers["held"] < numbers["kept"]
        assert numbers["peak"] < 1.1 * numbers["held"] + fixed
