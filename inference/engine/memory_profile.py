"""How much memory the largest step leaves for the cache: it is run once, and what it took is read.

A share of the memory that is free before it would be a guess: with a high one the largest step
finds no memory in the middle of service.
"""

from dataclasses import dataclass

import torch

from inference.engine.kv_cache import PagePool
from inference.engine.model_runner import ModelRunner
from inference.engine.sampler import sample_step
from inference.engine.scheduler import Scheduler
from inference.engine.sequence import SamplingParams, Sequence, tokens_of
from inference.errors import ModelError
from inference.model.device import Limits
from inference.model.model_shard import ModelShard


@dataclass(frozen=True, slots=True)
class MemoryProfile:
    """What a card holds while the largest step runs, in bytes.

    total: of the card. others: other processes, and what CUDA takes for itself. peak: tensors of
    this rank at most, its weights included, without the cache. graphs: what captured steps keep.
    """

    total: int
    others: int
    peak: int
    graphs: int

    def __post_init__(self) -> None:
        assert self.total > 0
        assert min(self.others, self.peak, self.graphs) >= 0

    @property
    def left(self) -> int:
        """What nobody needs, at the worst moment; below zero if the step would not fit."""
        return self.total - self.others - self.peak - self.graphs

    def pages(self, limits: Limits, page_bytes: int) -> int:
        """Return how many pages of the cache fit into the share that they may have. Raises
        ModelError if there are fewer than samples that run.
        """
        pages = max(0, int(self.left * limits.kv_fraction)) // page_bytes
        if pages >= limits.max_running:
            return pages
        total, others, peak, graphs = (
            f"{size / 1e9:,.1f} GB" for size in (self.total, self.others, self.peak, self.graphs)
        )
        raise ModelError(
            f"Of {total} the model and its largest step take {peak}, captured steps {graphs} and "
            f"others {others}: KV_FRACTION={limits.kv_fraction} of the rest holds {pages} pages, "
            f"fewer than MAX_RUNNING={limits.max_running}; lower MAX_STEP_TOKENS or MAX_RUNNING, "
            "raise TP, or take a model of fewer bits."
        )


def profile(model: ModelShard, limits: Limits, page_size: int) -> MemoryProfile:
    """Run the largest step once with a small cache, on a GPU, and measure. Every rank must call it:
    they talk. Raises ModelError if even that does not fit.
    """
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    weights = torch.cuda.memory_allocated()
    try:
        runner = largest_step(model, limits, page_size)
    except torch.OutOfMemoryError as error:
        free = torch.cuda.mem_get_info()[0] + torch.cuda.memory_reserved() - weights
        raise ModelError(
            f"A step of MAX_STEP_TOKENS={limits.max_step_tokens} does not fit into the "
            f"{free / 1e9:,.1f} GB beside the model's {weights / 1e9:,.1f} GB; lower it, raise TP, "
            "or take a model of fewer bits."
        ) from error
    peak = torch.cuda.max_memory_allocated() - runner.cache.data.nbytes
    del runner
    graphs = _graph_bytes(model, page_size, limits.max_running)
    total = torch.cuda.mem_get_info()[1]
    torch.cuda.empty_cache()
    free, reserved = torch.cuda.mem_get_info()[0], torch.cuda.memory_reserved()
    return MemoryProfile(total, max(0, total - free - reserved), peak, graphs)


def _graph_bytes(model: ModelShard, page_size: int, max_running: int) -> int:
    """Return what captured steps keep. They hold addresses of the cache that they were captured
    with, so that these are for measuring only; it is as long as the longest of them needs, if a
    quarter of the free memory allows that.
    """
    torch.cuda.empty_cache()
    page = model.config.cache_bytes(page_size, model.tp, model.dtype.itemsize)
    most = torch.cuda.mem_get_info()[0] // 4 // page
    runner = ModelRunner(model, page_size, max(1, min(model.config.context // page_size, most)))
    before = torch.cuda.mem_get_info()[0]
    runner.prepare_decode(max_running)
    torch.cuda.empty_cache()
    return max(0, before - torch.cuda.mem_get_info()[0])


def largest_step(model: ModelShard, limits: Limits, page_size: int) -> ModelRunner:
    """Compute the largest step there can be, drawing included, with a cache that holds just that.
    Returns the runner that did.
    """
    sequences = fill_step(limits, model.config.context, model.config.vocab)
    pages = sum(-(-sequence.max_len // page_size) + 1 for sequence in sequences)
    runner = ModelRunner(model, page_size, pages)
    scheduler = Scheduler(
        PagePool(pages, page_size), frozenset(), limits.max_running, limits.max_step_tokens
    )
    for sequence in sequences:
        scheduler.add(sequence)
    sample_step(scheduler, runner.execute(scheduler.schedule()))
    return runner


def fill_step(limits: Limits, context: int, vocab: int) -> list[Sequence]:
    """Return samples that fill a step: as many as run at once, with MAX_STEP_TOKENS rows together.
    All rows give logits, for the prompts are scored, and the draws are the most expensive.
    """
    count = limits.max_running
    rows = [limits.max_step_tokens // count] * count
    rows[0] += limits.max_step_tokens % count
    params = SamplingParams(top_p=0.9, repetition_penalty=1.1, prompt_logprobs=1)
    return [
        # No text begins as another: what one computes, the others would wait for.
        Sequence(f"{i}", tokens_of([i % vocab, i // vocab, *[0] * size][:size]), size, params)
        for i, size in enumerate(min(size, context - 1) for size in rows)
    ]
