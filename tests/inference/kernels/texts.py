"""Texts at random on pages that lie anywhere, attended to by the kernels and by the book."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from inference.kernels.layer_kernels import LayerAttention, LayerKernels, QueryChunk, step_rows
from inference.kernels.paged_cache import KVCache

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
PAGE = 16
Piece = tuple[int, int]
"""Where a piece of a text begins, and how many tokens it has."""


def triton_kernels(dtype: torch.dtype, group: int = 1) -> LayerKernels:
    # Not for who has no triton.
    from inference.kernels.triton_kernels import TritonKernels  # noqa: PLC0415

    return TritonKernels(dtype, group)


def randn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).to(DEVICE)


@dataclass(frozen=True)
class Shape:
    """What the attention of a layer looks like."""

    group: int
    dim: int
    window: int | None = None
    cap: float | None = None
    kv_heads: int = 2
    dtype: torch.dtype = torch.bfloat16

    @property
    def layer(self) -> LayerAttention:
        return LayerAttention(1, self.dim**-0.5, self.cap, self.window)

    def rows(self, length: int, seed: int) -> torch.Tensor:
        """Return [length, kv_heads, group + 2, dim]. Scores are far enough apart to matter."""
        rows = randn(length, self.kv_heads, self.group + 2, self.dim, seed=seed)
        rows[:, :, :-1] *= 1.5
        return rows.to(self.dtype)


def attend(shape: Shape, pieces: Sequence[Piece], padding: int = 0) -> list[torch.Tensor]:
    """Return the rows of one step, [count, heads * dim] for each piece, the i-th of text i.
    padding: rows that fill up the step.
    """
    kernels = triton_kernels(shape.dtype, shape.group)
    pages = sum(-(-(at + count) // PAGE) for at, count in pieces) + 3
    cache = KVCache((2, pages, PAGE, shape.kv_heads, shape.dim), shape.dtype, DEVICE)
    # What nobody has written must not matter.
    cache.data.fill_(torch.nan)
    free = torch.randperm(pages, generator=torch.Generator().manual_seed(5)).tolist()
    chunks, queries = [], []
    for seed, (at, count) in enumerate(pieces):
        table = [free.pop() for _ in range(-(-(at + count) // PAGE))]
        text = shape.rows(at + count, seed)
        slots = [table[p // PAGE] * PAGE + p % PAGE for p in range(at + count)]
        cache.by_slot[1][slots] = text[:, :, -2:]
        chunks.append(QueryChunk(count, at, table))
        queries.append(text[at:])
    step = replace(step_rows(chunks, cache, kernels.tile_rows, padding), chunks=())
    qkv = torch.cat([*queries, *[queries[-1][-1:]] * padding])
    counts = [count for _, count in pieces]
    *outs, rest = torch.split(kernels.attend(qkv, shape.layer, step), [*counts, padding])
    assert torch.equal(rest, outs[-1][-1:].expand_as(rest))
    return outs


def by_the_book(shape: Shape, piece: Piece, seed: int) -> torch.Tensor:
    """Compute the softmax of q.k over all earlier tokens in double precision."""
    at, count = piece
    qkv = shape.rows(at + count, seed).double()
    query, key, value = qkv[at:, :, :-2], qkv[:, :, -2], qkv[:, :, -1]
    scores = torch.einsum("qhgd,khd->hgqk", query, key) * shape.layer.scale
    if shape.cap is not None:
        scores = shape.cap * (scores / shape.cap).tanh()
    all_rows = torch.ones(at + count, at + count, device=DEVICE)
    scores.masked_fill_(all_rows.triu(1).bool()[at:], -torch.inf)
    if shape.window is not None:
        scores.masked_fill_(all_rows.tril(-shape.window).bool()[at:], -torch.inf)
    return torch.einsum("hgqk,khd->qhgd", scores.softmax(-1), value).flatten(1)
