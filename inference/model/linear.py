"""Linear layers whose weights lie in any form, with adapters, and summed over the ranks.

Plain torch; knows nothing of Megatron or of files.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Self

import torch
import torch.distributed as dist
from torch import nn

from inference.kernels.cpp_products import PackedProduct, packed_4_bits, packed_8_bits
from inference.kernels.cpp_stack import PackedLinear
from inference.model.quantized import GROUP, INT4_ROWS, Int4, Int8

Product = Callable[[torch.Tensor], torch.Tensor]
"""A function of rows, [rows, in] to [rows, out]. Its numbers may depend on how many rows there are,
and its speed always does: see `row_sizes`.
"""

# Up to the last of these a product is made in one call; more rows are cut into pieces of it.
CANDIDATE_SIZES = (1, 2, 4, 8, 12, 16, 24, 32, 48, 64, 96, 128, 160, 192, 224, 256)


class ParallelLinear(nn.Module):
    """A linear layer; with a group, the sum of what its ranks compute. `fill` gives it its weights.
    Takes the place of Megatron's layers, which cannot hold quantised weights.

    in_order: parts of ranks are added in their order, so that the bits of a row do not depend on
    its place. low_rank: what each adapter adds, up(down(rows)) (Hu et al. 2021). active: the
    adapters that the current step needs, each with the rows that it changes: [rows, 1], one or
    zero, in the number format of the rows.
    """

    bias: torch.Tensor | None
    in_order: bool = True

    def __init__(self, group: dist.ProcessGroup | None = None) -> None:
        super().__init__()
        self.group = group if group is not None and group.size() > 1 else None
        self.active: dict[str, torch.Tensor] = {}
        self.low_rank: dict[str, tuple[ParallelLinear, ParallelLinear]] = {}
        self.bias = None

    def fill(
        self, products: Sequence[Product], columns: int, bias: torch.Tensor | None = None
    ) -> Self:
        """Take the ways to compute it; `use` says which of them takes how many rows."""
        self.products, self.columns, self.bias = tuple(products), columns, bias
        self.use({CANDIDATE_SIZES[-1]: 0})
        return self

    def all_products(self) -> "Iterator[tuple[str, ParallelLinear]]":
        """Yield this layer and those of its adapters, each with a name of its own."""
        yield "", self
        for name, (down, up) in self.low_rank.items():
            yield f"{name}.down", down
            yield f"{name}.up", up

    @property
    def packed(self) -> PackedLinear | None:
        """What `CppStack` takes of it, if it can: alone on its rank, in few bits."""
        product = self.products[0]
        if self.group is not None or not isinstance(product, PackedProduct):
            return None
        return PackedLinear(product, self.bias)

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
        if self.low_rank and self.active:
            self._add_adapters(rows, out)
        if self.group is not None:
            out = sum_over_ranks(out, self.group, in_order=self.in_order)
        return out if self.bias is None else out.add_(self.bias)

    # No hooks: there are none, and the search for them takes as long as a small operator.
    __call__ = forward

    def _add_adapters(self, rows: torch.Tensor, out: torch.Tensor) -> None:
        """Compute all rows, and add those of other adapters as zero: so the bits of a row do not
        depend on how many have the same adapter.
        """
        for name, mask in self.active.items():
            if name in self.low_rank:
                down, up = self.low_rank[name]
                out.addcmul_(up(down(rows)), mask)


def sum_over_ranks(
    part: torch.Tensor, group: dist.ProcessGroup, *, in_order: bool = True
) -> torch.Tensor:
    """Return the sum of the parts of all ranks; in_order: added in the order of the ranks. An
    all_reduce of gloo, and perhaps of NCCL, adds in an order that depends on the place of a row in
    the tensor. On a GPU it is what costs less.
    """
    if part.is_cuda and not in_order:
        dist.all_reduce(part, group=group)
        return part
    return gather_ranks(part, group).float().sum(dim=0).to(part.dtype)


def gather_ranks(part: torch.Tensor, group: dist.ProcessGroup) -> torch.Tensor:
    """Return the parts of all ranks, which have one shape, in their order: [tp, *part.shape]."""
    parts = part.new_empty(group.size() * part.shape[0], *part.shape[1:])
    dist.all_gather_into_tensor(parts, part.contiguous(), group=group)
    return parts.view(group.size(), *part.shape)


def full_product(weight: torch.Tensor) -> Product:
    """Build a product with a weight [out, in], in the number format of the rows."""
    onednn = torch.ops.mkldnn
    if weight.device.type == "cpu" and onednn_computes_in(weight.dtype):
        # F.linear would bring the weights into oneDNN's order for every product.
        packed = onednn._reorder_linear_weight(weight, CANDIDATE_SIZES[-1])
        product = onednn._linear_pointwise.default
        return lambda rows: product(rows, packed, None, "none", [], "")
    return lambda rows: nn.functional.linear(rows, weight)


def int8_product(weight: Int8) -> Product:
    """Build a product with bf16 rows."""
    ours = packed_8_bits(weight.values, weight.scales)
    if ours is not None:
        return ours
    values, scales = weight.values, weight.scales.bfloat16()
    return lambda rows: torch._weight_int8pack_mm(rows, values, scales)


def int4_product(weight: Int4) -> Product:
    """Build a product with bf16 rows. Scales and minima are rounded to bf16, values are not."""
    assert weight.shape[0] % INT4_ROWS == 0
    ours = packed_4_bits(weight.values, weight.scales, weight.minima)
    if ours is not None:
        return ours
    packed = torch._convert_weight_to_int4pack_for_cpu(weight.values.int(), 1)
    factors = int4_factors(weight)
    return lambda rows: torch._weight_int4pack_mm_for_cpu(rows, packed, GROUP, factors)


def int4_factors(weight: Int4) -> torch.Tensor:
    """Return scale and zero of each group, [in / 32, out, 2] bf16, for torch's kernels: these
    compute (value - 8) * scale + zero.
    """
    zeros = weight.minima + 8 * weight.scales
    return torch.stack([weight.scales, zeros], dim=-1).transpose(0, 1).bfloat16().contiguous()


def onednn_computes_in(dtype: torch.dtype) -> bool:
    # A torch that was built without oneDNN has no such operators.
    if not torch._C._has_mkldnn:
        return False
    if dtype == torch.float32:
        return True
    return dtype == torch.bfloat16 and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
