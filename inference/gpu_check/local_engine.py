"""A rank's engine without the processes around it: scheduler, model and sampler in this one."""

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import torch

from inference.engine.kv_cache import PagePool
from inference.engine.model_runner import ModelRunner
from inference.engine.scheduler import Scheduler
from inference.engine.sequence import SamplingParams, Sequence, tokens_of
from inference.engine.step_pipeline import StepPipeline
from inference.gpu_check.random_weights import RandomWeights
from inference.model.config import ModelConfig
from inference.model.device import Device, Limits
from inference.model.model_shard import ModelShard

PAGE_SIZE = 16
# Of a CPU, where it only has to run.
THREADS = 1
# As the bot asks for it.
AS_WRITERS = SamplingParams(temperature=0.5, top_k=50, top_p=0.9, repetition_penalty=1.1)


@dataclass(slots=True)
class Timed:
    """When the tokens of a text came, by time.perf_counter, and which they were."""

    asked: float
    tokens: list[int] = field(default_factory=list)
    times: list[float] = field(default_factory=list)

    @property
    def ttft(self) -> float:
        return self.times[0] - self.asked

    @property
    def tpot(self) -> float:
        return (self.times[-1] - self.times[0]) / max(1, len(self.tokens) - 1)


class LocalEngine:
    """A model with a cache of `tokens` tokens. static: texts are written by the static step."""

    def __init__(
        self, model: ModelShard, limits: Limits, tokens: int, *, static: bool = True
    ) -> None:
        self.model, self.limits = model, limits
        self.runner = ModelRunner(model, PAGE_SIZE, -(-tokens // PAGE_SIZE))
        if static:
            self.runner.prepare_decode(limits.max_running)

    def pipeline(self, step_tokens: int | None = None) -> StepPipeline:
        """Return the steps of an empty cache."""
        scheduler = Scheduler(
            PagePool(self.runner.page_count, PAGE_SIZE),
            frozenset(),
            self.limits.max_running,
            step_tokens or self.limits.max_step_tokens,
            speculate=False,
            decode_rows=self.runner.decode_rows,
        )
        return StepPipeline(scheduler, self.runner, lambda plan: None)

    def settle(self, scheduler: Scheduler, rows: int, context: int, count: int) -> None:
        """Let texts of `context` tokens run as if their prompts had been computed. The cache has
        whatever was there.
        """
        for i, tokens in enumerate(self.texts(rows, context)):
            sequence = self.sequence(f"{i}", tokens, count)
            pages = scheduler.pool.pages_for(context)
            sequence.block_table = [scheduler.pool.take() for _ in range(pages)]
            sequence.computed, sequence.cached = context - 1, 0
            scheduler.running.append(sequence)

    def texts(self, count: int, length: int, seed: int = 0) -> list[list[int]]:
        """Return texts at random."""
        source = random.Random(seed)  # noqa: S311
        return [
            [source.randrange(self.model.config.vocab) for _ in range(length)] for _ in range(count)
        ]

    def sequence(
        self, name: str, tokens: list[int], count: int, params: SamplingParams = AS_WRITERS
    ) -> Sequence:
        values = SamplingParams(
            params.temperature,
            params.top_k,
            params.top_p,
            params.repetition_penalty,
            count,
            seed=int(name),
        )
        return Sequence(name, tokens_of(tokens), len(tokens), values)

    def write(
        self,
        arrivals: list[tuple[float, list[int]]],
        count: int,
        params: SamplingParams = AS_WRITERS,
        step_tokens: int | None = None,
    ) -> list[Timed]:
        """Write `count` tokens after each prompt, which comes so many seconds after now; return
        when the tokens came.
        """
        pipeline, start = self.pipeline(step_tokens), time.perf_counter()
        scheduler = pipeline.scheduler
        timed = [Timed(start + after) for after, _ in arrivals]
        waiting = sorted(range(len(arrivals)), key=lambda i: arrivals[i][0])
        while waiting or scheduler.has_work:
            now = time.perf_counter()
            while waiting and timed[waiting[0]].asked <= now:
                i = waiting.pop(0)
                scheduler.add(self.sequence(f"{i}", arrivals[i][1], count, params))
            if not scheduler.has_work:
                continue
            (_, outputs), now = pipeline.step(THREADS), time.perf_counter()
            for output in outputs:
                timed[int(output.id)].tokens += output.tokens
                timed[int(output.id)].times += [now] * len(output.tokens)
        return timed

    def step_seconds(self, rows: int, context: int, steps: int) -> Iterator[float]:
        """Yield what each decode step of `rows` texts takes, after three to warm up."""
        pipeline = self.pipeline()
        self.settle(pipeline.scheduler, rows, context, steps + 6)
        for _ in range(3):
            pipeline.step(THREADS)
        for _ in range(steps):
            began = time.perf_counter()
            pipeline.step(THREADS)
            yield time.perf_counter() - began


def load_model(config: ModelConfig, device: Device) -> ModelShard:
    """Make a model with weights at random, ready to be used."""
    weights = RandomWeights(config, device.name)
    model = ModelShard(weights, config, device, lambda *_: None)
    model.measure(device.deterministic)
    return model


def weight_bytes(config: ModelConfig, dtype: torch.dtype) -> int:
    """Return what one step reads of the weights: all but the embedding, of which it reads rows."""
    return matrix_numbers(config) * dtype.itemsize


def matrix_numbers(config: ModelConfig, *, output: bool = True) -> int:
    """Return the numbers of the matrices of all products."""
    attention = (2 * config.heads + 2 * config.kv_heads) * config.head_dim * config.hidden
    layer = attention + (3 if config.gated else 2) * config.ffn * config.hidden
    return config.layers * layer + (config.vocab * config.hidden if output else 0)
