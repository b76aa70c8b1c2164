"""Executes a StepPlan on this rank: plan in, logits or drawn tokens out."""

from itertools import chain

import torch

from inference.engine.decode_step import DecodeStep
from inference.engine.step_plan import Chunk, StepPlan
from inference.kernels.layer_kernels import QueryChunk, step_rows
from inference.kernels.paged_cache import KVCache
from inference.kernels.upload import upload
from inference.model.model_shard import ModelShard
from inference.model.row_sizes import DECODE_ROWS

# Prompts of these lengths use every variant of the kernels between them: one row, few tiles with
# one split and with two, and many tiles.
WARM_PROMPTS = (1, 8, 320, 2000)


class ModelRunner:
    """The model of this rank and its part of the cache."""

    def __init__(self, model: ModelShard, page_size: int, page_count: int) -> None:
        config = model.config
        self.model, self.page_count = model, page_count
        # One page more than anybody is promised: rows that only fill up a step write there.
        size = (config.layers, page_count + 1, page_size, model.kv_heads, config.head_dim)
        self.cache = KVCache(size, model.dtype, model.device)
        self.decode_step: DecodeStep | None = None

    def prepare_decode(self, max_running: int) -> None:
        """Make the static step for as many texts as run at once, and on a GPU capture it. Every
        rank must call it: they talk.
        """
        self.decode_step = DecodeStep(self.model, self.cache, min(max_running, DECODE_ROWS[-1]))
        if self.model.device.type != "cuda":
            return
        # A kernel is compiled when it is first used, and that must not be in service.
        for count in sorted({min(count, self.model.config.context) for count in WARM_PROMPTS}):
            pages = [self.page_count] * -(-count // self.cache.page_size)
            self.execute(StepPlan([Chunk([0] * count, 0, pages, 1)]))
        self.decode_step.capture()

    @property
    def decode_rows(self) -> int:
        return 0 if self.decode_step is None else self.decode_step.max_rows

    def follow(self, plan: StepPlan) -> None:
        """Execute a plan of rank 0, which alone reads what comes out."""
        if plan.decode:
            assert self.decode_step is not None
            self.decode_step.launch(plan)
        elif plan.chunks:
            self.execute(plan)

    @torch.inference_mode()
    def execute(self, plan: StepPlan) -> torch.Tensor:
        """Return logits [sampled rows, vocab], fp32: those of each chunk, in the order of the
        plan.
        """
        if plan.threads != torch.get_num_threads():
            torch.set_num_threads(plan.threads)
        self.cache.copy(plan.copies)
        queries = [QueryChunk(len(c.tokens), c.start, c.block_table) for c in plan.chunks]
        order = sorted(range(len(queries)), key=lambda index: queries[index].kind)
        chunks = [plan.chunks[i] for i in order]
        tokens = list(chain.from_iterable(chunk.tokens for chunk in chunks))
        padding = self.model.row_sizes.padded(len(tokens)) - len(tokens)
        tile = self.model.kernels.tile_rows
        step = step_rows([queries[i] for i in order], self.cache, tile, padding)
        self.model.active.clear()
        self.model.active.update(self._adapter_masks(chunks, padding))
        rows = _sampled_rows(plan, order)
        missing = self.model.row_sizes.padded(len(rows)) - len(rows)
        device = self.model.device
        sampled = upload(rows + rows[-1:] * missing, device)
        token_ids = upload(tokens + tokens[-1:] * padding, device)
        return self.model.forward(token_ids, step, sampled)[: len(rows)]

    def _adapter_masks(self, chunks: list[Chunk], padding: int) -> dict[str, torch.Tensor]:
        """Return for each adapter of the step the rows that it changes."""
        if not any(chunk.adapter for chunk in chunks):
            return {}
        names = [chunk.adapter for chunk in chunks for _ in chunk.tokens]
        names += names[-1:] * padding
        dtype, device = self.model.dtype, self.model.device
        return {
            name: upload([[one == name] for one in names], device, dtype)
            for name in dict.fromkeys(names)
            if name
        }


def _sampled_rows(plan: StepPlan, order: list[int]) -> list[int]:
    """Return the rows of the wanted logits, chunk by chunk, if chunks are computed in `order`."""
    ends = [0] * len(order)
    row = 0
    for index in order:
        row += len(plan.chunks[index].tokens)
        ends[index] = row
    return [
        row
        for chunk, end in zip(plan.chunks, ends, strict=True)
        for row in range(end - chunk.samples, end)
    ]
