"""A rank without a supervisor, for tests that look at logits: `python rank.py <arguments as JSON>`.

For each model: logits of all prompts in one ragged step, and greedy tokens of each prompt alone and
of all together. What comes out is the same on every rank; the first writes it down.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import torch
import torch.distributed as dist

TOKENS = 64
PAGE = 16


@dataclass(frozen=True)
class Job:
    """adapters: what is to be used for the prompts, one name each, and where all of them lie."""

    rank: int
    tp: int
    store: str
    out: str
    dtype: str
    models: list[str]
    prompts: list[list[int]]
    weights: str = "full"


def run_ranks(directory: Path, tp: int, models: list[Path], prompts: list[list[int]], **more: str):
    """Results by the name of the model."""
    out = directory / "results.pt"
    job = {"dtype": "fp32"} | more
    env = os.environ | {"GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1"}
    ranks = [
        subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tests.inference.rank",
                json.dumps(
                    asdict(
                        Job(
                            rank,
                            tp,
                            str(directory / "store"),
                            str(out),
                            models=list(map(str, models)),
                            prompts=prompts,
                            **job,
                        )
                    )
                ),
            ],
            env=env,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(tp)
    ]
    try:
        errors = [rank.communicate(timeout=240)[1] for rank in ranks]
    finally:
        for rank in ranks:
            rank.kill()
    assert not any(rank.returncode for rank in ranks), "\n".join(errors)
    return torch.load(out, weights_only=True)


def main() -> None:
    from inference.checkpoint.check import check_tensors  # noqa: PLC0415
    from inference.checkpoint.open import open_checkpoint  # noqa: PLC0415
    from inference.device import Device  # noqa: PLC0415
    from inference.model import Model, join_ranks  # noqa: PLC0415
    from inference.runner import Runner  # noqa: PLC0415
    from inference.weights import Weights  # noqa: PLC0415

    job = Job(**json.loads(sys.argv[1]))
    limit = timedelta(seconds=60)
    dist.init_process_group(
        "gloo", init_method=f"file://{job.store}", rank=job.rank, world_size=job.tp, timeout=limit
    )
    join_ranks(job.tp, limit)
    asked = SimpleNamespace(device="cpu", dtype=job.dtype, weights=job.weights, deterministic=True)
    device = Device.choose(asked, job.rank, job.tp)
    results = {}
    for path in job.models:
        checkpoint = open_checkpoint(Path(path))
        check_tensors(checkpoint)
        model = Model(Weights(checkpoint), checkpoint.shape, device, lambda *_: None)
        model.measure(device.deterministic)
        runner = Runner(model, PAGE, 64)
        results[Path(path).name] = {
            "logits": logits_of(runner, job.prompts),
            "alone": [greedy(runner, [prompt])[0] for prompt in job.prompts],
            "together": greedy(runner, job.prompts),
        }
    if job.rank == 0:
        torch.save(results, job.out)


def logits_of(runner, prompts: list[list[int]]) -> list[torch.Tensor]:
    """Of each prompt [tokens, vocab]; all in one step."""
    from inference.scheduler import Chunk, StepPlan  # noqa: PLC0415

    chunks, page = [], 0
    for prompt in prompts:
        count = -(-len(prompt) // PAGE)
        chunks.append(Chunk(prompt, 0, list(range(page, page + count)), len(prompt)))
        page += count
    logits = runner.execute(StepPlan(chunks))
    # In the order of the plan? Rows of one count go together.
    return list(logits.clone().split([len(prompt) for prompt in prompts]))


def greedy(runner, prompts: list[list[int]]) -> list[list[int]]:
    from inference.drawing import draw  # noqa: PLC0415
    from inference.kv_cache import PagePool  # noqa: PLC0415
    from inference.scheduler import Scheduler  # noqa: PLC0415
    from inference.sequence import SamplingParams, Sequence, tokens_of  # noqa: PLC0415

    # Prompts of more than a step: they are computed in pieces.
    scheduler = Scheduler(PagePool(64, PAGE), frozenset(), 8, 24, speculate=False)
    written: dict[str, list[int]] = {str(i): [] for i in range(len(prompts))}
    params = SamplingParams(temperature=0.0, max_tokens=TOKENS)
    for name, prompt in zip(written, prompts, strict=True):
        scheduler.add(Sequence(name, tokens_of(prompt), len(prompt), params))
    while scheduler.has_work:
        plan = scheduler.schedule()
        for item in draw(scheduler, runner.execute(plan)):
            written[item.id] += item.tokens
    return list(written.values())


if __name__ == "__main__":
    main()
