"""Products with a weight matrix: in full, in 8 bits, or in the 4-bit blocks of a GGUF file.

Plain torch; knows nothing of Megatron or of files. A product is a function of rows, [rows, in] to
[rows, out]. Its numbers may depend on how many rows there are, and its speed always does; what this
machine does is measured when the model is loaded (`RowSizes`), not guessed from its name.
"""

import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Self

import torch
import torch.distributed as dist
from torch import nn

Product = Callable[[torch.Tensor], torch.Tensor]

GROUP = 32
# torch's kernel for 4 bits takes so many rows of weights at once.
INT4_ROWS = 16
# Up to the last of these a product is made in one call; more rows are cut into pieces of it.
CANDIDATE_SIZES = (1, 2, 4, 8, 12, 16, 24, 32, 48, 64, 96, 128, 160, 192, 224, 256)
# No GPU has been measured: there all products have this many rows.
GPU_SIZE = 16
MEMORY_BOUND = 8
TRIALS = 3
TRIED_NUMBERS = 200_000


@dataclass(frozen=True, slots=True)
class Int4:
    """Rows of 4-bit numbers in groups of 32: weight = scale * value + minimum.

    values: [out, in] uint8, 0 to 15; scales, minima: [out, in / 32], fp32.
    """

    values: torch.Tensor
    scales: torch.Tensor
    minima: torch.Tensor

    @classmethod
    def cat(cls, parts: "Sequence[Int4]") -> "Int4":
        fields = ([p.values for p in parts], [p.scales for p in parts], [p.minima for p in parts])
        return cls(*(torch.cat(field) for field in fields))

    @property
    def shape(self) -> torch.Size:
        return self.values.shape

    def full(self) -> torch.Tensor:
        """[out, in], fp32."""
        values = self.values.view(len(self.values), -1, GROUP).float()
        full = values * self.scales[..., None] + self.minima[..., None]
        return full.view(self.shape)


@dataclass(frozen=True, slots=True)
class Int8:
    """Rows of 8-bit numbers with one scale each. values: [out, in] int8; scales: [out], fp32."""

    values: torch.Tensor
    scales: torch.Tensor

    @classmethod
    def of(cls, weight: torch.Tensor) -> "Int8":
        """The nearest to a matrix in fp32."""
        scales = (weight.abs().amax(dim=-1) / 127).clamp(min=1e-30)
        return cls((weight / scales[:, None]).round().to(torch.int8), scales)

    @property
    def shape(self) -> torch.Size:
        return self.values.shape

    def full(self) -> torch.Tensor:
        """[out, in], fp32."""
        return self.values.float() * self.scales[:, None]


def full_product(weight: torch.Tensor) -> Product:
    """weight: [out, in], in the number format of the rows."""
    onednn = torch.ops.mkldnn
    if weight.device.type == "cpu" and onednn_computes_in(weight.dtype):
        # The weights in oneDNN's own order, once; F.linear would reorder them for every product.
        packed = onednn._reorder_linear_weight(weight, CANDIDATE_SIZES[-1])
        product = onednn._linear_pointwise.default
        return lambda rows: product(rows, packed, None, "none", [], "")
    return lambda rows: nn.functional.linear(rows, weight)


def int8_product(weight: Int8) -> Product:
    """The rows are bf16."""
    values, scales = weight.values, weight.scales.bfloat16()
    return lambda rows: torch._weight_int8pack_mm(rows, values, scales)


def int4_product(weight: Int4) -> Product:
    """The weights as the file has them, but for scales and minima, rounded to bf16. The rows are
    bf16.
    """
    assert weight.shape[0] % INT4_ROWS == 0
    packed = torch._convert_weight_to_int4pack_for_cpu(weight.values.int(), 1)
    # The kernel's form is (value - 8) * scale + zero.
    zeros = weight.minima + 8 * weight.scales
    factors = torch.stack([weight.scales, zeros], dim=-1).transpose(0, 1).bfloat16().contiguous()
    return lambda rows: torch._weight_int4pack_mm_for_cpu(rows, packed, GROUP, factors)


def onednn_computes_in(dtype: torch.dtype) -> bool:
    # Where torch was built without oneDNN there are no such operators.
    if not torch._C._has_mkldnn:
        return False
    if dtype == torch.float32:
        return True
    return dtype == torch.bfloat16 and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


@dataclass(slots=True)
class RowSizes:
    """How many rows products are made of, on this machine and with this model.

    sizes, ascending; costs[i]: seconds that all products of a step with sizes[i] rows take.
    """

    sizes: tuple[int, ...]
    costs: tuple[float, ...]

    def __post_init__(self) -> None:
        assert self.sizes == tuple(sorted(self.sizes))
        assert len(self.sizes) == len(self.costs) > 0

    @property
    def largest(self) -> int:
        return self.sizes[-1]

    def padded(self, rows: int) -> int:
        """The number of rows, at least `rows`, that takes the least time. No more than twice as
        many, where there is a choice: that would be a mistake of the clock.
        """
        whole, rest = divmod(rows, self.largest)
        if not rest:
            return rows
        first = bisect_left(self.sizes, rest)
        last = max(first, bisect_right(self.sizes, 2 * rest) - 1)
        best = min(range(first, last + 1), key=self.costs.__getitem__)
        return whole * self.largest + self.sizes[best]

    def cost(self, rows: int) -> float:
        """Seconds for `rows` rows."""
        whole, rest = divmod(rows, self.largest)
        first = bisect_left(self.sizes, rest)
        return whole * self.costs[-1] + (min(self.costs[first:]) if rest else 0.0)


@dataclass(slots=True)
class ActiveAdapters:
    """The adapters that the current step needs, each with the rows that it changes: [rows, 1], one
    or zero, in the number format of the rows.
    """

    masks: dict[str, torch.Tensor] = field(default_factory=dict)


class ParallelLinear(nn.Module):
    """A linear layer; with a group, the sum of what its ranks compute. `fill` makes it whole.

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
        """products: the ways to compute it; which one takes how many rows is said by `use`."""
        self.products, self.columns, self.bias = tuple(products), columns, bias
        self.use({GPU_SIZE: 0})
        return self

    def adapt(self, name: str, down: "ParallelLinear", up: "ParallelLinear") -> None:
        """Adds up(down(rows)) where the adapter `name` is wanted (Hu et al. 2021)."""
        self.low_rank[name] = LoraLinears(down, up)

    def all_products(self) -> "Iterator[tuple[str, ParallelLinear]]":
        """This layer and those of its adapters, each with a name that tells it from the others."""
        yield "", self
        for name, adapter in self.low_rank.items():
            yield f"{name}.down", adapter.down
            yield f"{name}.up", adapter.up

    def use(self, choices: dict[int, int]) -> None:
        """choices: for each number of rows the index of its product."""
        self.by_rows = {rows: self.products[index] for rows, index in choices.items()}
        self.largest = max(choices)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """rows: [rows, in], as many as `RowSizes.padded` says; returns [rows, out]."""
        if (product := self.by_rows.get(rows.shape[0])) is not None:
            out = product(rows)
        else:
            pieces = torch.split(rows, self._pieces(rows.shape[0]))
            out = torch.cat([self.by_rows[piece.shape[0]](piece) for piece in pieces])
        if self.low_rank and self.active.masks:
            self._add_adapters(rows, out)
        if self.group is not None:
            out = sum_over_ranks(out, self.group)
        return out if self.bias is None else out.add_(self.bias)

    # No hooks: there are none, and looking for them takes as long as a small operator.
    __call__ = forward

    def _add_adapters(self, rows: torch.Tensor, out: torch.Tensor) -> None:
        """All rows are computed, and those of others added as zero: so a row's bits do not depend
        on how many have the same adapter.
        """
        for name, mask in self.active.masks.items():
            if (adapter := self.low_rank.get(name)) is not None:
                out.addcmul_(adapter.up(adapter.down(rows)), mask)

    def _pieces(self, rows: int) -> list[int]:
        whole, rest = divmod(rows, self.largest)
        return [self.largest] * whole + ([rest] if rest else [])


@dataclass(frozen=True, slots=True)
class LoraLinears:
    """What an adapter adds to a product."""

    down: ParallelLinear
    up: ParallelLinear


def measure(
    kinds: Sequence[Sequence[ParallelLinear]], dtype: torch.dtype, deterministic: bool
) -> RowSizes:
    """Finds out which numbers of rows to use, and tells the layers. Every rank must call it; all
    come to the same result.

    kinds: layers of one shape each. Deterministic: only where a row's numbers are bit for bit the
    same in each, by the first product alone; otherwise whatever is fastest.
    """
    costs = torch.full((len(CANDIDATE_SIZES),), torch.inf)
    picks: list[list[int]] = [[] for _ in kinds]
    random = torch.Generator().manual_seed(0)
    inputs = [
        torch.randn(CANDIDATE_SIZES[-1], kind[0].columns, generator=random).to(dtype)
        for kind in kinds
    ]
    wholes = [kind[0].products[0](rows) for kind, rows in zip(kinds, inputs, strict=True)]
    for i, size in enumerate(CANDIDATE_SIZES):
        total = 0.0
        for kind, rows, whole, pick in zip(kinds, inputs, wholes, picks, strict=True):
            count = 1 if deterministic else len(kind[0].products)
            times = [_seconds(kind, index, rows[:size]) for index in range(count)]
            usable = not deterministic or _same_bits(kind[0].products[0], rows, whole, size)
            total += min(times) if usable else torch.inf
            pick.append(times.index(min(times)))
        costs[i] = total
    dist.all_reduce(costs, op=dist.ReduceOp.MAX)
    found = [i for i, cost in enumerate(costs.tolist()) if cost < torch.inf]
    for kind, pick in zip(kinds, picks, strict=True):
        for layer in kind:
            layer.use({CANDIDATE_SIZES[i]: pick[i] for i in found})
    return RowSizes(tuple(CANDIDATE_SIZES[i] for i in found), tuple(costs[i].item() for i in found))


def _same_bits(product: Product, rows: torch.Tensor, whole: torch.Tensor, size: int) -> bool:
    """Whether `size` rows at a time give `whole`, what all at once give, by any number of threads.
    In bf16 few numbers show another order of a sum: it takes many to be sure.
    """
    enough = min(len(rows), -(-TRIED_NUMBERS // whole.shape[1]))
    starts = range(0, max(enough - size, 0) + 1, size)

    def same() -> bool:
        pieces = ((product(rows[at : at + size]), whole[at : at + size]) for at in starts)
        return all(torch.equal(piece, wanted) for piece, wanted in pieces)

    with one_thread():
        alone = same()
    return alone and same()


def _seconds(kind: Sequence[ParallelLinear], index: int, rows: torch.Tensor) -> float:
    """What all layers of a kind take. Few rows wait for the weights, which come from memory: they
    are measured layer by layer. Many rows compute, and one layer stands for all.

    By one thread: two wait for each other, and for how long tells more of who else is there.
    """
    few = rows.shape[0] <= MEMORY_BOUND
    some = kind if few else kind[:1]
    times = []
    with one_thread():
        for _ in range(TRIALS if few else 1):
            start = time.perf_counter()
            for layer in some:
                layer.products[index](rows)
            times.append(time.perf_counter() - start)
    return min(times) / len(some) * len(kind)


@contextmanager
def one_thread() -> Iterator[None]:
    """Computes with one thread for as long as it lasts."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def sum_over_ranks(part: torch.Tensor, group: dist.ProcessGroup) -> torch.Tensor:
    """The sum of every rank's part. On CPU always in the order of the ranks: gloo's all_reduce adds
    in an order that depends on where a row lies in the tensor.
    """
    if part.is_cuda:
        dist.all_reduce(part, group=group)
        return part
    return gather_ranks(part, group).float().sum(dim=0).to(part.dtype)


def gather_ranks(part: torch.Tensor, group: dist.ProcessGroup) -> torch.Tensor:
    """Every rank's part of the same shape, in the order of the ranks: [tp, *part.shape]."""
    parts = part.new_empty(group.size() * part.shape[0], *part.shape[1:])
    dist.all_gather_into_tensor(parts, part.contiguous(), group=group)
    return parts.view(group.size(), *part.shape)
