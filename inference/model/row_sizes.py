"""How many rows a product is made of: measured when the model is loaded, not guessed from its name.

The numbers of a product may depend on how many rows it has, and its speed always does.
"""

import time
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist

from inference.model import kept_trials
from inference.model.kept_trials import Trials
from inference.model.linear import CANDIDATE_SIZES, ParallelLinear, Product

MEMORY_BOUND = 8
TRIALS = 3
TRIED_NUMBERS = 200_000
# A decode step on a GPU is captured for so many rows; a step has the next of them.
DECODE_ROWS = (1, 2, 4, 8, 16, 24, 32, 48, 64)
MOST_CARD_ROWS = 8192


@dataclass(slots=True)
class RowSizes:
    """The numbers of rows that products are made of, on this machine and with this model.

    sizes: ascending; costs[i]: seconds that all products of a step with sizes[i] rows take.
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
        """Return the number of rows, at least `rows`, that takes the least time. It is at most
        twice as many, where there is a choice: more would be a mistake of the clock.
        """
        whole, rest = divmod(rows, self.largest)
        if not rest:
            return rows
        first = bisect_left(self.sizes, rest)
        last = max(first, bisect_right(self.sizes, 2 * rest) - 1)
        best = min(range(first, last + 1), key=self.costs.__getitem__)
        return whole * self.largest + self.sizes[best]

    def cost(self, rows: int) -> float:
        """Return the seconds for `rows` rows."""
        whole, rest = divmod(rows, self.largest)
        first = bisect_left(self.sizes, rest)
        return whole * self.costs[-1] + (min(self.costs[first:]) if rest else 0.0)


def card_sizes() -> RowSizes:
    """Return the numbers of rows of a GPU, which nobody has to measure: products take any number,
    but a decode step is captured for a few. It waits for the weights up to some 200 rows.
    """
    sizes = (*DECODE_ROWS, *range(128, MOST_CARD_ROWS + 1, 64))
    return RowSizes(sizes, tuple(1 + rows / 200 for rows in sizes))


def measure(
    kinds: Sequence[Sequence[ParallelLinear]], dtype: torch.dtype, deterministic: bool
) -> RowSizes:
    """Find out which numbers of rows to use, and tell the layers. Every rank must call it, and all
    get the same result.

    kinds: layers of one shape each. deterministic: use only numbers of rows with which the numbers
    in a row are bit for bit the same, and only the first product; otherwise whatever is fastest.
    """
    key = kept_trials.key_of(kinds, dtype, deterministic)
    trials = kept_trials.read(key, kinds)
    kept = torch.tensor([trials is not None], dtype=torch.int32)
    # A rank alone would wait for the others: all of them take what is kept, or none.
    dist.all_reduce(kept, op=dist.ReduceOp.MIN)
    if trials is None or not kept:
        trials = _try(kinds, dtype, deterministic)
        kept_trials.write(key, trials)
    dist.all_reduce(trials.costs, op=dist.ReduceOp.MAX)
    return _use(kinds, trials)


def _use(kinds: Sequence[Sequence[ParallelLinear]], trials: Trials) -> RowSizes:
    costs, usable = trials.costs.tolist()
    # Where no number is the same by any number of threads, a row that is always computed by itself
    # depends at least on no other row.
    found = [i for i, cost in enumerate(usable) if cost < torch.inf] or [0]
    for kind, pick in zip(kinds, trials.picks, strict=True):
        for layer in kind:
            layer.use({CANDIDATE_SIZES[i]: pick[i] for i in found})
    return RowSizes(tuple(CANDIDATE_SIZES[i] for i in found), tuple(costs[i] for i in found))


def _try(
    kinds: Sequence[Sequence[ParallelLinear]], dtype: torch.dtype, deterministic: bool
) -> Trials:
    costs = torch.full((2, len(CANDIDATE_SIZES)), torch.inf)
    picks: list[list[int]] = [[] for _ in kinds]
    random = torch.Generator().manual_seed(0)
    inputs = [
        torch.randn(CANDIDATE_SIZES[-1], kind[0].columns, generator=random).to(dtype)
        for kind in kinds
    ]
    # With one thread: several part the largest product between them, on AMX in another order.
    with one_thread():
        wholes = [kind[0].products[0](rows) for kind, rows in zip(kinds, inputs, strict=True)]
    for i, size in enumerate(CANDIDATE_SIZES):
        total, usable = 0.0, True
        for kind, rows, whole, pick in zip(kinds, inputs, wholes, picks, strict=True):
            count = 1 if deterministic else len(kind[0].products)
            times = [_seconds(kind, index, rows[:size]) for index in range(count)]
            usable &= not deterministic or _same_bits(kind[0].products[0], rows, whole, size)
            total += min(times)
            pick.append(times.index(min(times)))
        costs[:, i] = torch.tensor([total, total if usable else torch.inf])
    return Trials(costs, picks)


def _same_bits(product: Product, rows: torch.Tensor, whole: torch.Tensor, size: int) -> bool:
    """Say whether `size` rows at a time give the same as all at once, `whole`, by any number of
    threads. In bf16 another order of a sum shows in few numbers: it takes many to be sure.
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
    """Return what all layers of a kind take. Few rows wait for the weights, which come from memory:
    they are measured layer by layer. Many rows compute, and one layer stands for all.

    With one thread: two wait for each other, for a time that depends on other processes.
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
    """Compute with one thread inside."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
