"""Attention over the paged cache."""

from __future__ import annotations

import pytest
import torch

from inference.attention import KVCache, Piece, RotaryTable, Step, attend, make_spans, rotate

HEADS, KV_HEADS, DIM, SLOTS = 6, 2, 16, 2048
CPU = torch.device("cpu")


def tensors(count: int, dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(count)
    query = torch.randn(count, HEADS, DIM, generator=random)
    key = torch.randn(count, KV_HEADS, DIM, generator=random)
    value = torch.randn(count, KV_HEADS, DIM, generator=random)
    return query.to(dtype), key.to(dtype), value.to(dtype)


def run(sizes: list[list[int]], dtype: torch.dtype) -> list[torch.Tensor]:
    """Output of each sequence; sizes[i][j] tokens of sequence i are computed in step j."""
    cache = KVCache((1, SLOTS, KV_HEADS, DIM), dtype, CPU)
    rotary = RotaryTable(DIM, 10000.0, 1024, CPU)
    places = torch.randperm(SLOTS, generator=torch.Generator().manual_seed(0)).split(1024)
    inputs = [tensors(sum(size), dtype) for size in sizes]
    outputs: list[list[torch.Tensor]] = [[] for _ in sizes]
    done = [0] * len(sizes)
    for j in range(len(sizes[0])):
        pieces, slots, positions, parts = [], [], [], []
        row = 0
        for i, size in enumerate(sizes):
            end = done[i] + size[j]
            pieces.append(Piece(row, size[j], done[i], places[i][:end]))
            slots.append(places[i][done[i] : end])
            positions += range(done[i], end)
            parts.append([t[done[i] : end] for t in inputs[i]])
            row, done[i] = row + size[j], end
        cos, sin = rotary.at(torch.tensor(positions), dtype)
        step = Step(cache, cos, sin, torch.cat(slots), make_spans(pieces, dtype))
        query, key, value = (torch.cat(list(t)) for t in zip(*parts, strict=True))
        out = attend(query, key, value, 0, step)
        for piece, output in zip(pieces, outputs, strict=True):
            output.append(out[piece.start : piece.start + piece.count])
    return [torch.cat(output) for output in outputs]


def by_the_book(count: int) -> torch.Tensor:
    """Softmax of q.k over all earlier tokens, written out in double precision."""
    query, key, value = (t.double() for t in tensors(count, torch.float32))
    rotary = RotaryTable(DIM, 10000.0, 1024, CPU)
    cos, sin = rotary.at(torch.arange(count), torch.float64)
    query, key = rotate(query, cos, sin), rotate(key, cos, sin)
    key, value = (t.repeat_interleave(HEADS // KV_HEADS, dim=1) for t in (key, value))
    scores = torch.einsum("qhd,khd->hqk", query, key) / DIM**0.5
    scores.masked_fill_(torch.ones(count, count).triu(1).bool(), -torch.inf)
    return torch.einsum("hqk,khd->qhd", scores.softmax(-1), value)


def test_attention_is_what_the_book_says_over_scattered_pages_and_ragged_batches() -> None:
    first, second = run([[5, 1, 1, 300], [40, 7, 2, 1]], torch.float32)
    assert torch.allclose(first.double(), by_the_book(307), atol=1e-5)
    assert torch.allclose(second.double(), by_the_book(50), atol=1e-5)


def test_rotary_turns_as_the_paper_says() -> None:
    rotary = RotaryTable(4, 100.0, 8, CPU)
    cos, sin = rotary.at(torch.tensor([3]), torch.float32)
    x = torch.tensor([[[1.0, 0.0, 0.0, 0.0]]])
    turned = rotate(x, cos, sin)[0, 0]
    angle = torch.tensor(3.0)
    assert torch.allclose(turned, torch.tensor([angle.cos(), 0.0, angle.sin(), 0.0]))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_token_has_the_same_numbers_in_whatever_pieces_it_was_computed(dtype) -> None:
    whole, other = run([[300], [20]], dtype)
    pieces, _ = run([[100, 1, 1, 163, 35], [9, 8, 1, 1, 1]], dtype)
    assert torch.equal(whole, pieces)
    alone, _ = run([[20], [300]], dtype)
    assert torch.equal(alone, other)
