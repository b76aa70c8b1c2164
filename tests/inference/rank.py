"""One of the ranks that `run_ranks` runs: `python -m tests.inference.rank <RankJob as JSON>`.

For each model: logits of all prompts in one ragged step, and greedy tokens of each prompt alone and
of all together. What comes out is the same on every rank; the first writes it down.
"""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import cycle
from pathlib import Path

import torch
import torch.distributed as dist

from inference.checkpoint.lora import open_adapter
from inference.checkpoint.open import open_checkpoint
from inference.engine import decode_step
from inference.engine.kv_cache import PagePool
from inference.engine.model_runner import ModelRunner
from inference.engine.sampler import sample_step
from inference.engine.scheduler import Scheduler
from inference.engine.sequence import SamplingParams, Sequence, tokens_of
from inference.engine.step_pipeline import StepPipeline
from inference.engine.step_plan import Chunk, StepPlan
from inference.model.device import Device
from inference.model.gpt_model import join_ranks
from inference.model.model_shard import ModelShard
from inference.model.weight_loader import WeightLoader
from tests.inference.engine import NO_END, Params
from tests.inference.ranks import RankResult

PAGE, PAGES = 16, 64
LIMIT = timedelta(seconds=60)

# One text each: greedy, by top-k, by all, and with penalties.
WAYS: tuple[Params, ...] = (
    Params(temperature=0.0),
    Params(temperature=0.8, top_k=40),
    Params(temperature=1.0),
    Params(temperature=0.0, repetition_penalty=1.3),
    Params(temperature=0.9, top_k=20, top_p=0.9, repetition_penalty=1.1),
    Params(temperature=1.0, top_p=0.8),
)

AdapterPrompt = tuple[list[int], str]
"""Tokens, and the adapter that they are for."""


@dataclass(frozen=True)
class RankJob:
    """By the names of models, adapters: where they lie, by name; spoken: which of them each prompt
    is for, if any is. decode_rows: of the static step that texts are written with too.
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
    decode_rows: int = 0


def main(job: RankJob) -> None:
    store = f"file://{job.store}"
    dist.init_process_group(
        "gloo", init_method=store, rank=job.rank, world_size=job.tp, timeout=LIMIT
    )
    join_ranks(job.tp, LIMIT)
    device = Device.choose(job, job.rank, job.tp)
    results: dict[str, RankResult] = {}
    for path in map(Path, job.models):
        runner = load(job, path, device)
        spoken = job.spoken.get(path.name) or [""] * len(job.prompts)
        prompts = list(zip(job.prompts, spoken, strict=True))
        results[path.name] = {
            "logits": logits_of(runner, prompts),
            "alone": [greedy(runner, [prompt], job.tokens)[0] for prompt in prompts],
            "together": greedy(runner, prompts, job.tokens),
        }
        if job.decode_rows:
            texts = list(zip(job.prompts, cycle(WAYS)))
            results[path.name]["plain"] = write(runner, texts, job.tokens, lambda _: None)
            # Texts grow through several classes.
            decode_step.LENGTH_CLASSES = (32, 64)
            runner.prepare_decode(job.decode_rows)
            plans: list[StepPlan] = []
            results[path.name]["static"] = write(runner, texts, job.tokens, plans.append)
            results[path.name]["ahead"] = sum(
                token < 0 for plan in plans for chunk in plan.chunks for token in chunk.tokens
            )
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


def write(
    runner: ModelRunner,
    texts: list[tuple[list[int], Params]],
    count: int,
    send: Callable[[StepPlan], None],
) -> list[list[int]]:
    """Return what is written after each prompt, all together, the first ones for longer; with the
    static step, if the runner has one.
    """
    scheduler = Scheduler(PagePool(PAGES, PAGE), NO_END, 8, 24, float, True, runner.decode_rows)
    pipeline = StepPipeline(scheduler, runner, send)
    written: dict[str, list[int]] = {str(i): [] for i in range(len(texts))}
    for i, (prompt, way) in enumerate(texts):
        params = SamplingParams(**way | Params(max_tokens=count - i, seed=i))
        scheduler.add(Sequence(str(i), tokens_of(prompt), len(prompt), params))
    while scheduler.has_work:
        for item in pipeline.step()[1]:
            written[item.id] += item.tokens
    return list(written.values())


if __name__ == "__main__":
    main(RankJob(**json.loads(sys.argv[1])))
