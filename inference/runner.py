"""Executes a StepPlan on this rank: plan in, logits out."""

from __future__ import annotations

import torch

from inference.attention import KVCache, Piece, Step, make_spans
from inference.model import Model
from inference.scheduler import StepPlan


class Runner:
    """The model of this rank and its part of the cache."""

    def __init__(self, model: Model, page_size: int, page_count: int) -> None:
        self.model = model
        self.page_size = page_size
        shape = model.shape
        size = (shape.layers, page_size * page_count, model.kv_heads, shape.head_dim)
        self.cache = KVCache(size, model.dtype, model.device)

    @torch.inference_mode()
    def execute(self, plan: StepPlan) -> torch.Tensor:
        """Logits [chunks that sample, vocab], fp32, for the last token of each."""
        tokens = [token for chunk in plan.chunks for token in chunk.tokens]
        step, last_rows = self._step(plan)
        return self.model.forward(self._tensor(tokens), step, self._tensor(last_rows))

    def _step(self, plan: StepPlan) -> tuple[Step, list[int]]:
        pieces: list[Piece] = []
        last_rows: list[int] = []
        row = 0
        for chunk in plan.chunks:
            count = len(chunk.tokens)
            slots = self._slots(chunk.block_table, chunk.start + count)
            pieces.append(Piece(row, count, chunk.start, slots))
            row += count
            if chunk.samples:
                last_rows.append(row - 1)
        positions = [p.position + i for p in pieces for i in range(p.count)]
        cos, sin = self.model.rotary.at(self._tensor(positions), self.model.dtype)
        slot_mapping = torch.cat([p.slots[p.position :] for p in pieces])
        return Step(
            self.cache, cos, sin, slot_mapping, make_spans(pieces, self.model.dtype)
        ), last_rows

    def _slots(self, block_table: list[int], count: int) -> torch.Tensor:
        """Where the first `count` tokens of a sequence lie in the cache."""
        pages = self._tensor(block_table)[:, None] * self.page_size
        offsets = torch.arange(self.page_size, device=self.model.device)
        return (pages + offsets).flatten()[:count]

    def _tensor(self, values: list[int]) -> torch.Tensor:
        return torch.tensor(values, dtype=torch.int64, device=self.model.device)
