"""Adapters into the linears of this rank, which share them out as they share their weights."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from inference.checkpoint.lora import Adapter
from inference.model.weights import WeightLoader, WeightSlot


@dataclass(frozen=True, slots=True)
class LoraMatrices:
    """What an adapter adds to a linear: up @ down, [rows, rank] and [rank, columns], fp32. Linears
    that are made of several have the ranks of each behind one another.
    """

    down: torch.Tensor
    up: torch.Tensor


class AdapterWeights:
    """The matrices of one adapter, read on demand."""

    def __init__(self, adapter: Adapter) -> None:
        self.adapter = adapter
        self.weights = WeightLoader(adapter.tensors, adapter.refs)

    def pair(self, slot: WeightSlot) -> LoraMatrices | None:
        """For what fills a slot; None if the adapter leaves that as it is."""
        changed = list(dict.fromkeys(n for n, _ in slot.sources if self.adapter.changes(n)))
        if not changed:
            return None
        downs = [self.weights.parameter(f"{n}.down.weight", None, slot.columns) for n in changed]
        return LoraMatrices(torch.cat(downs), torch.cat(list(self._ups(slot, changed))))

    def _ups(self, slot: WeightSlot, changed: list[str]) -> Iterator[torch.Tensor]:
        """Rows of the slot, source by source: zero but for the ranks of their own."""
        rank = self.adapter.rank
        for name, rows in slot.sources:
            if name not in changed:
                assert rows is not None
                yield torch.zeros(len(rows), rank * len(changed))
                continue
            up = self.weights.parameter(f"{name}.up.weight", rows, None) * self.adapter.scale
            first = changed.index(name) * rank
            whole = torch.zeros(len(up), rank * len(changed))
            whole[:, first : first + rank] = up
            yield whole
