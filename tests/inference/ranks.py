"""Runs ranks without a supervisor, for tests that look at logits."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypedDict

import torch

# More than a page, and than the window of a layer that has one.
TOKENS = 32


class RankResult(TypedDict, total=False):
    """What `tests.inference.rank` finds out about one model, for each prompt. plain, static: what
    is written in several ways without and with a static step; ahead: how many rows were computed
    from tokens that nobody had read yet.
    """

    logits: list[torch.Tensor]
    alone: list[list[int]]
    together: list[list[int]]
    plain: list[list[int]]
    static: list[list[int]]
    ahead: int


Results = Callable[..., dict[str, RankResult]]
"""Runs the ranks by TP and what else is asked, and returns the results by model."""


def run_ranks(
    directory: Path, tp: int, models: list[Path], prompts: list[list[int]], **more: object
) -> dict[str, RankResult]:
    """Return by the name of the model what `tests.inference.rank` has found out."""
    out = directory / "results.pt"
    job = {
        "store": str(directory / "store"),
        "out": str(out),
        "models": list(map(str, models)),
        "prompts": prompts,
        "tokens": TOKENS,
    }
    run_module("tests.inference.rank", tp, job | more)
    results: dict[str, RankResult] = torch.load(out, weights_only=True)
    return results


def run_module(module: str, tp: int, job: Mapping[str, object]) -> None:
    """Run a process for each rank, and wait until all have ended well."""
    env = os.environ | {"GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1"}
    with tempfile.TemporaryFile("w+") as output:
        ranks = [
            subprocess.Popen(
                [sys.executable, "-m", module, json.dumps({**job, "tp": tp, "rank": rank})],
                env=env,
                stderr=output,
            )
            for rank in range(tp)
        ]
        try:
            codes = [rank.wait(timeout=240) for rank in ranks]
        finally:
            for rank in ranks:
                rank.kill()
        output.seek(0)
        assert not any(codes), output.read()[-3000:]
