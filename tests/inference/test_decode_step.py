"""A static step draws the tokens that the plain runner draws, whatever comes and goes."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.inference.families import make
from tests.inference.ranks import RankResult, Results, run_module, run_ranks

# Rotation, learned positions, and windows, caps and norms of all kinds.
FAMILIES = ["llama2", "gpt2", "gemma2"]
PROMPTS = [[1, 50, 60, 70], [1, *range(20, 90)], [7], [5, 5, 5, 5, 5, 5], [9, 8, 7], [3, 1, 3, 1]]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """What the ranks write with and without a static step, by TP, number format and device."""
    directory = tmp_path_factory.mktemp("families")
    for family in FAMILIES:
        make(family, directory / family)

    @cache
    def results(tp: int, dtype: str, device: str) -> dict[str, RankResult]:
        paths, out = [directory / family for family in FAMILIES], tmp_path_factory.mktemp("ranks")
        return run_ranks(out, tp, paths, PROMPTS, decode_rows=8, dtype=dtype, device=device)

    return results


@pytest.mark.parametrize(
    ("tp", "dtype", "device"),
    [
        (1, "fp32", "cpu"),
        (1, "bf16", "cpu"),
        (2, "fp32", "cpu"),
        pytest.param(1, "bf16", "cuda", marks=pytest.mark.gpu),
    ],
)
@pytest.mark.parametrize("family", FAMILIES)
def test_a_static_step_writes_what_the_plain_runner_writes(
    results: Results, family: str, tp: int, dtype: str, device: str
) -> None:
    found = results(tp, dtype, device)[family]
    assert found["static"] == found["plain"]
    assert found["ahead"] > len(PROMPTS) * 10


def operators(directory: Path, prompts: list[list[int]]) -> dict[str, Any]:
    """Return what a prefill and a decode step of a model of two layers ask of torch."""
    make("llama2", directory / "llama2")
    out = directory / "operators.json"
    job = {"store": str(directory / "store"), "out": str(out), "tokens": 0, "prompts": prompts}
    run_module("tests.inference.step_operators", 1, job | {"models": [str(directory / "llama2")]})
    found: dict[str, Any] = json.loads(out.read_text())
    return found


def test_a_step_waits_for_the_device_once_and_asks_it_for_no_more_than_it_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Plain torch shows all that it computes; kernels of our own are one call each.
    monkeypatch.setenv("CXX", "none")
    one, six = operators(tmp_path / "one", PROMPTS[:1]), operators(tmp_path / "six", PROMPTS)
    for found in (one, six):
        assert found["decode"]["reads"] == found["prefill"]["reads"] == 1
        assert not found["decode"]["hidden"] + found["prefill"]["hidden"]
    # Two layers and the draw; six texts of six lengths attend one after the other.
    assert one["decode"]["operators"] == 210
    assert six["decode"]["operators"] == 305
