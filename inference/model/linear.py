"""Linear layers whose weights lie in any form, with adapters, and summed over the ranks.

Plain torch; knows nothing of Megatron or of files.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Self

import torch
import torch.distributed as dist
from torch import nn

from inference.model.products import Product

# No GPU has been measured: there all products have this many rows.
GPU_SIZE = 16


@dataclass(slots=True)
class ActiveAdapters:
    """The adapters that the current step needs, each with the rows that it changes: [rows, 1], one
    or zero, in the number format of the rows.
    """

    masks: dict[str, torch.Tensor] = field(default_factory=dict)


class ParallelLinear(nn.Module):
    """A linear layer; with a group, the sum of what its ranks compute. `fill` gives it its weights.

    Takes the place of Megatron's layers, which cannot hold quantised weights.
    """

    bias: torch.Tensor | None

    def __init__(self, group: dist.ProcessGroup | None = None) -> None:
        super().__init__()
        self.group = group if group is not None and group.size() > 1 else None
        self.active = ActiveAdapters()
        self.low_rank: dict[str, LoraLinears] = {}
        self.bias = None

    def fill(
        self, products: Sequence[Product], columns: int, bias: torch.Tensor | None = None
    ) -> Self:
        """Take the ways to compute it; `use` says which of them takes how many rows."""
        self.products, self.columns, self.bias = tuple(products), columns, bias
        self.use({GPU_SIZE: 0})
        return self

    def adapt(self, name: str, down: "ParallelLinear", up: "ParallelLinear") -> None:
        """Add up(down(rows)) where the adapter `name` is wanted (Hu et al. 2021)."""
        self.low_rank[name] = LoraLinears(down, up)

    def all_products(self) -> "Iterator[tuple[str, ParallelLinear]]":
        """Yield this layer and those of its adapters, each with a name of its own."""
        yield "", self
        for name, adapter in self.low_rank.items():
            yield f"{name}.down", adapter.down
            yield f"{name}.up", adapter.up

    def use(self, choices: dict[int, int]) -> None:
        """Choose products: for each number of rows the index of its product."""
        self.by_rows = {rows: self.products[index] for rows, index in choices.items()}
        self.largest = max(choices)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """Multiply rows, [rows, in], as many as `RowSizes.padded` says. Returns [rows, out]."""
        count = rows.shape[0]
        if (product := self.by_rows.get(count)) is not None:
            out = product(rows)
        else:
            pieces = torch.split(rows, self.largest)
            out = torch.cat([self.by_rows[piece.shape[0]](piece) for piece in pieces])
        if self.low_rank and self.active.masks:
            self._add_adapters(rows, out)
        if self.group is not None:
            out = sum_over_ranks(out, self.group)
        return out if self.bias is None else out.add_(self.bias)

    # No hooks: there are none, and the search for them takes as long as a small operator.
    __call__ = forward

    def _add_adapters(self, rows: torch.Tensor, out: torch.Tensor) -> None:
        """Compute all rows, and add those of other adapters as zero: so the bits of a row do not
        depend on how many have the same adapter.
        """
        for name, mask in self.active.masks.items():
            if (adapter := self.low_rank.get(name)) is not None:
                out.addcmul_(adapter.up(adapter.down(rows)), mask)


@dataclass(frozen=True, slots=True)
class LoraLinears:
    """What an adapter adds to a linear layer: up(down(rows))."""

    down: ParallelLinear
    up: ParallelLinear


def sum_over_ranks(part: torch.Tensor, group: dist.ProcessGroup) -> torch.Tensor:
    """Return the sum of the parts of all ranks. On a CPU always in the order of the ranks: gloo's
    all_reduce adds in an order that depends on the place of a row in the tensor.
    """
    if part.is_cuda:
        dist.all_reduce(part, group=group)
        return part
    return gather_ranks(part, group).float().sum(dim=0).to(part.dtype)


def gather_ranks(part: torch.Tensor, group: dist.ProcessGroup) -> torch.Tensor:
    """Return the parts of all ranks, which have one shape, in their order: [tp, *part.shape]."""
    parts = part.new_empty(group.size() * part.shape[0], *part.shape[1:])
    dist.all_gather_into_tensor(parts, part.contiguous(), group=group)
    return parts.view(group.size(), *part.shape)
