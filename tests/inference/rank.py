"""One of the ranks that `run_ranks` runs: `python -m tests.inference.rank <RankJob as JSON>`.

For each model: logits of all prompts in one ragged step, and greedy tokens of each prompt alone and
of all together. What comes out is the same on every rank; the first writes it down.
"""

import json
import sys
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import torch
import torch.distributed as dist

from inference.checkpoint.lora import open_adapter
from inference.checkpoint.open import open_checkpoint
from inference.engine.kv_cache import PagePool
from inference.engine.model_runner import ModelRunner
from inference.engine.sampler import sample_step
from inference.engine.scheduler import Scheduler
from inference.engine.sequence import SamplingParams, Sequence, tokens_of
from inference.engine.step_plan import Chunk, StepPlan
from inference.model.device import Device
from inference.model.gpt_model import join_ranks
from inference.model.model_shard import ModelShard
from inference.model.weight_loader import WeightLoader

PAGE, PAGES = 16, 64
LIMIT = timedelta(seconds=60)

AdapterPrompt = tuple[list[int], str]
"""Tokens, and the adapter that they are for."""


@dataclass(frozen=True)
class RankJob:
    """By the names of models, adapters: where they lie, by name; spoken: which of them each prompt
    is for, if any is.
    """

    rank: int
    tp: int
    store: str
    out: str
    models: list[str]
    prompts: list[list[int]]
    tokens: int
    device: str = "cpu"
    dtype: str = "fp32"
    weights: str = "full"
    deterministic: bool = True
    adapters: dict[str, dict[str, str]] = field(default_factory=dict)
    spoken: dict[str, list[str]] = field(default_factory=dict)


def main(job: RankJob) -> None:
    store = f"file://{job.store}"
    dist.init_process_group(
        "gloo", init_method=store, rank=job.rank, world_size=job.tp, timeout=LIMIT
    )
    join_ranks(job.tp, LIMIT)
    device = Device.choose(job, job.rank, job.tp)
    results = {}
    for path in map(Path, job.models):
        runner = load(job, path, device)
        spoken = job.spoken.get(path.name) or [""] * len(job.prompts)
        prompts = list(zip(job.prompts, spoken, strict=True))
        results[path.name] = {
            "logits": logits_of(runner, prompts),
            "alone": [greedy(runner, [prompt], job.tokens)[0] for prompt in prompts],
            "together": greedy(runner, prompts, job.tokens),
        }
    if job.rank == 0:
        torch.save(results, job.out)


def load(job: RankJob, path: Path, device: Device) -> ModelRunner:
    checkpoint = open_checkpoint(path)
    config = checkpoint.config
    places = job.adapters.get(path.name, {})
    adapters = [open_adapter(name, Path(at), config) for name, at in places.items()]
    loader = WeightLoader(checkpoint.tensors, checkpoint.refs)
    model = ModelShard(loader, config, device, lambda *_: None, adapters)
    model.measure(device.deterministic)
    return ModelRunner(model, PAGE, PAGES)


def logits_of(runner: ModelRunner, prompts: list[AdapterPrompt]) -> list[torch.Tensor]:
    """Return those of each prompt, [tokens, vocab], from one step."""
    chunks, page = [], 0
    for prompt, adapter in prompts:
        count = -(-len(prompt) // PAGE)
        table = list(range(page, page + count))
        chunks.append(Chunk(prompt, 0, table, len(prompt), adapter))
        page += count
    logits = runner.execute(StepPlan(chunks))
    return list(torch.split(logits.clone(), [len(prompt) for prompt, _ in prompts]))


def greedy(runner: ModelRunner, prompts: list[AdapterPrompt], count: int) -> list[list[int]]:
    # Prompts of more than a step: they are computed in pieces.
    scheduler = Scheduler(PagePool(PAGES, PAGE), frozenset(), 8, 24, speculate=False)
    written: dict[str, list[int]] = {str(i): [] for i in range(len(prompts))}
    for name, (prompt, adapter) in zip(written, prompts, strict=True):
        params = SamplingParams(temperature=0.0, max_tokens=count, adapter=adapter)
        scheduler.add(Sequence(name, tokens_of(prompt), len(prompt), params))
    while scheduler.has_work:
        plan = scheduler.schedule()
        for item in sample_step(scheduler, runner.execute(plan)):
            written[item.id] += item.tokens
    return list(written.values())


if __name__ == "__main__":
    main(RankJob(**json.loads(sys.argv[1])))
