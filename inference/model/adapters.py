"""The matrices of adapters, split over the ranks as the linears are that they change."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from inference.checkpoint.lora import Adapter
from inference.model.weight_loader import WeightLoader
from inference.model.weight_slots import WeightSlot


@dataclass(frozen=True, slots=True)
class LoraMatrices:
    """What an adapter adds to a linear: up @ down, [rows, rank] and [rank, columns], fp32. In a
    linear that is made of several, the ranks of each follow one another.
    """

    down: torch.Tensor
    up: torch.Tensor


class AdapterWeights:
    """The matrices of one adapter, read on demand."""

    def __init__(self, adapter: Adapter) -> None:
        self.adapter = adapter
        self.loader = WeightLoader(adapter.tensors, adapter.refs)

    def matrices(self, slot: WeightSlot) -> LoraMatrices | None:
        """Return the matrices for a slot, or None if the adapter does not change it."""
        changed = list(dict.fromkeys(n for n, _ in slot.sources if self.adapter.changes(n)))
        if not changed:
            return None
        downs = [self.loader.parameter(f"{n}.down.weight", None, slot.columns) for n in changed]
        return LoraMatrices(torch.cat(downs), torch.cat(list(self._ups(slot, changed))))

    def _ups(self, slot: WeightSlot, changed: list[str]) -> Iterator[torch.Tensor]:
        """Yield the rows of the slot, source by source: zero outside of the ranks of the source."""
        rank = self.adapter.rank
        for name, rows in slot.sources:
            if name not in changed:
                assert rows is not None
                yield torch.zeros(len(rows), rank * len(changed))
                continue
            up = self.loader.parameter(f"{name}.up.weight", rows, None) * self.adapter.scale
            first = changed.index(name) * rank
            whole = torch.zeros(len(up), rank * len(changed))
            whole[:, first : first + rank] = up
            yield whole
