"""Attention over the paged cache."""

from itertools import pairwise

import pytest
import torch

from inference.kernels.layer_kernels import LayerAttention, QueryChunk, step_rows
from inference.kernels.paged_cache import KVCache
from inference.kernels.rope import Rope
from inference.kernels.rotary import RotaryTable
from inference.kernels.torch_batches import pages_of
from inference.kernels.torch_kernels import TorchKernels, rotate_

KV_HEADS, DIM, PAGE, PAGES = 2, 16, 16, 256
CPU = torch.device("cpu")
ROPE = Rope(DIM, 10000.0)
# A layer that sees all, and one that sees a window.
WINDOWS = (None, 600)


def qkv_of(length: int, group: int, dtype: torch.dtype) -> torch.Tensor:
    random = torch.Generator().manual_seed(length * 10 + group)
    return torch.randn(length, KV_HEADS, group + 2, DIM, generator=random).to(dtype)


def run(
    lengths: list[list[int]],
    dtype: torch.dtype,
    group: int = 3,
    pattern: int = 0,
    cap: float | None = None,
) -> list[torch.Tensor]:
    """Return the output of each sequence. lengths[i][j] tokens of sequence i are computed in step
    j, on pages that lie anywhere.
    """
    cache = KVCache((1, PAGES, PAGE, KV_HEADS, DIM), dtype, CPU)
    kernels = TorchKernels(dtype, group, DIM, frozenset(WINDOWS), capped=cap is not None)
    layer = LayerAttention(0, DIM**-0.5, cap, WINDOWS[pattern], RotaryTable(ROPE, 2048, dtype, CPU))
    scattered = torch.randperm(PAGES, generator=torch.Generator().manual_seed(0)).tolist()
    tables = [scattered[i::2] for i in range(2)]
    inputs = [qkv_of(sum(steps), group, dtype) for steps in lengths]
    outputs: list[list[torch.Tensor]] = [[] for _ in lengths]
    done = [0] * len(lengths)
    for counts in zip(*lengths, strict=True):
        chunks = [
            QueryChunk(n, at, table) for n, at, table in zip(counts, done, tables, strict=False)
        ]
        order = sorted(range(len(chunks)), key=lambda index: chunks[index].kind)
        step = step_rows([chunks[i] for i in order], cache, kernels.tile_rows)
        places = [(i, p) for i in order for p in range(done[i], done[i] + counts[i])]
        qkv = torch.stack([inputs[i][p] for i, p in places])
        kernels.store(qkv, layer, step)
        rows = kernels.attend(qkv, layer, step)
        for (i, _), row in zip(places, rows, strict=True):
            outputs[i].append(row)
        done = [at + n for at, n in zip(done, counts, strict=True)]
    return [torch.stack(output) for output in outputs]


def by_the_book(
    length: int, group: int = 3, window: int | None = None, cap: float | None = None
) -> torch.Tensor:
    """Compute the softmax of q.k over all earlier tokens in double precision."""
    qkv = qkv_of(length, group, torch.float32).double()
    rotary = RotaryTable(ROPE, 2048, torch.float64, CPU)
    rotate_(qkv[:, :, :-1], rotary.cos[:length, None, None], rotary.sin[:length, None, None])
    query, key, value = qkv[:, :, :group], qkv[:, :, -2], qkv[:, :, -1]
    scores = torch.einsum("qhgd,khd->hgqk", query, key) / DIM**0.5
    if cap is not None:
        scores = cap * (scores / cap).tanh()
    scores.masked_fill_(torch.ones(length, length).triu(1).bool(), -torch.inf)
    if window is not None:
        scores.masked_fill_(torch.ones(length, length).tril(-window).bool(), -torch.inf)
    return torch.einsum("hgqk,khd->qhgd", scores.softmax(-1), value).flatten(1)


KINDS = [(0, None), (1, None), (0, 2.0), (1, 2.0)]


@pytest.mark.parametrize(("pattern", "cap"), KINDS)
@pytest.mark.parametrize("group", [1, 2, 3, 7])
def test_attention_is_what_the_book_says_over_scattered_pages_and_ragged_batches(
    group: int, pattern: int, cap: float | None
) -> None:
    first, second = run([[5, 1, 1, 1300], [40, 7, 2, 1]], torch.float32, group, pattern, cap)
    for rows in (first, second):
        wanted = by_the_book(len(rows), group, WINDOWS[pattern], cap)
        assert torch.allclose(rows.double(), wanted, atol=1e-5)


def test_rotary_turns_as_the_paper_says() -> None:
    rotary = RotaryTable(Rope(4, 100.0), 8, torch.float32, CPU)
    x = torch.tensor([[[[1.0, 0.0, 0.0, 0.0]]]])
    rotate_(x, rotary.cos[3], rotary.sin[3])
    angle = torch.tensor(3.0)
    assert torch.allclose(x[0, 0, 0], torch.tensor([angle.cos(), 0.0, angle.sin(), 0.0]))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("group", [2, 3])
@pytest.mark.parametrize(("pattern", "cap"), KINDS)
def test_a_token_has_the_same_numbers_in_whatever_pieces_it_was_computed(
    dtype: torch.dtype, group: int, pattern: int, cap: float | None
) -> None:
    whole, other = run([[1100], [20]], dtype, group, pattern, cap)
    # A few at a time, one at a time, and across the kernel's blocks of 512.
    cuts = [0, 100, 101, 102, 200, 256, 257, 300, 500, 512, 513, 770, 1023, 1024, 1100]
    pieces, _ = run(
        [[b - a for a, b in pairwise(cuts)], [7] + [1] * 13], dtype, group, pattern, cap
    )
    assert torch.equal(whole, pieces)
    alone, _ = run([[20], [1100]], dtype, group, pattern, cap)
    assert torch.equal(alone, other)


def test_pages_in_a_row_are_read_where_they_are_and_scattered_ones_are_gathered() -> None:
    cache = KVCache((1, PAGES, PAGE, KV_HEADS, DIM), torch.float32, CPU)
    in_a_row = pages_of([QueryChunk(1, 40, [7, 8, 9])], 4, cache)
    assert isinstance(in_a_row, slice)
    assert in_a_row.start == 7
    for chunk in (QueryChunk(1, 40, [7, 9, 8]), QueryChunk(1, 20, [PAGES - 1, 0])):
        assert isinstance(pages_of([chunk], 4, cache), torch.Tensor)


def test_copied_pages_hold_the_same_and_chains_of_copies_are_made_in_order() -> None:
    cache = KVCache((2, 4, PAGE, KV_HEADS, DIM), torch.float32, CPU)
    cache.data.normal_(generator=torch.Generator().manual_seed(1))
    before = cache.data.clone()
    cache.copy([(0, 1), (1, 2)])
    for page in (1, 2):
        assert torch.equal(cache.data[:, page], before[:, 0])
    assert torch.equal(cache.data[:, 3], before[:, 3])
