"""Executes a StepPlan on this rank: plan in, logits out."""

from itertools import chain

import torch

from inference.engine.scheduler import Chunk, StepPlan
from inference.model.attention import AttentionBatcher, AttentionMetadata, KVCache, QueryChunk
from inference.model.gpt_model import ModelShard


class ModelRunner:
    """The model of this rank and its part of the cache."""

    def __init__(self, model: ModelShard, page_size: int, page_count: int) -> None:
        config = model.config
        self.model, self.page_size = model, page_size
        size = (config.layers, page_count, page_size, model.kv_heads, config.head_dim)
        self.cache = KVCache(size, model.dtype, model.device)
        group = config.heads // model.tp // model.kv_heads
        windows = [pattern.window for pattern in model.patterns]
        self.spans = AttentionBatcher(
            group, self.cache, windows, capped=config.attention_cap is not None
        )

    @torch.inference_mode()
    def execute(self, plan: StepPlan) -> torch.Tensor:
        """Logits [sampled rows, vocab], fp32: those of each chunk, in the order of the plan."""
        if plan.threads != torch.get_num_threads():
            torch.set_num_threads(plan.threads)
        self.cache.copy(plan.copies)
        pieces = [QueryChunk(len(c.tokens), c.start, c.block_table) for c in plan.chunks]
        order = self.spans.order(pieces)
        chunks = [plan.chunks[i] for group in order for i in group]
        tokens = list(chain.from_iterable(chunk.tokens for chunk in chunks))
        padding = self.model.row_sizes.padded(len(tokens)) - len(tokens)
        slots = [self._slot(c, p) for c in chunks for p in _positions(c)]
        positions = self._filled(list(chain.from_iterable(map(_positions, chunks))), padding)
        rotations = self.model.rotations(positions)
        spans = self.spans.make([[pieces[i] for i in group] for group in order])
        step = AttentionMetadata(self.cache, rotations, self._filled(slots, padding), spans)
        self.model.active.masks = self._masks(chunks, padding)
        rows = self._sampled_rows(plan, [i for group in order for i in group])
        filled = self._filled(rows, self.model.row_sizes.padded(len(rows)) - len(rows))
        token_ids = self._filled(tokens, padding)
        return self.model.forward(token_ids, positions, step, filled)[: len(rows)]

    def _masks(self, chunks: list[Chunk], padding: int) -> dict[str, torch.Tensor]:
        """For each adapter of the step the rows that it changes."""
        if not any(chunk.adapter for chunk in chunks):
            return {}
        names = [chunk.adapter for chunk in chunks for _ in chunk.tokens]
        names += names[-1:] * padding
        dtype, device = self.model.dtype, self.model.device
        return {
            name: torch.tensor([[one == name] for one in names], dtype=dtype, device=device)
            for name in dict.fromkeys(names)
            if name
        }

    def _slot(self, chunk: Chunk, position: int) -> int:
        page, offset = divmod(position, self.page_size)
        return chunk.block_table[page] * self.page_size + offset

    def _sampled_rows(self, plan: StepPlan, order: list[int]) -> list[int]:
        """Where the rows whose logits are wanted lie, when chunks are computed in `order`."""
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

    def _filled(self, values: list[int], count: int) -> torch.Tensor:
        """The values, and the last of them `count` times more."""
        padded = values + values[-1:] * count
        return torch.tensor(padded, dtype=torch.int64, device=self.model.device)


def _positions(chunk: Chunk) -> range:
    return range(chunk.start, chunk.start + len(chunk.tokens))
