"""Runs ranks without a supervisor, for tests that look at logits."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import torch

# More than a page, and than the window of a layer that has one.
TOKENS = 32


def run_ranks(
    directory: Path, tp: int, models: list[Path], prompts: list[list[int]], **more: object
) -> dict[str, dict[str, list]]:
    """By the name of the model what tests.inference.rank has found out."""
    out = directory / "results.pt"
    job = {
        "store": str(directory / "store"),
        "out": str(out),
        "models": list(map(str, models)),
        "prompts": prompts,
        "tokens": TOKENS,
    }
    run_module("tests.inference.rank", tp, job | more)
    return torch.load(out, weights_only=True)


def run_module(module: str, tp: int, job: dict[str, object]) -> None:
    """A process for each rank, until all have ended well."""
    env = os.environ | {"GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1"}
    with tempfile.TemporaryFile("w+") as said:
        ranks = [
            subprocess.Popen(
                [sys.executable, "-m", module, json.dumps(job | {"tp": tp, "rank": rank})],
                env=env,
                stderr=said,
            )
            for rank in range(tp)
        ]
        try:
            codes = [rank.wait(timeout=240) for rank in ranks]
        finally:
            for rank in ranks:
                rank.kill()
        said.seek(0)
        assert not any(codes), said.read()[-3000:]
