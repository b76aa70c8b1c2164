"""Attention over the paged cache: rotary positions, writing keys and values, reading them back.

Plain torch; knows nothing of Megatron, of scheduling or of requests.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch.nn import functional as F  # noqa: N812

# Attention rounds differently for one query than for many, and for different lengths. With at
# least this many queries and lengths in whole tiles, a token's numbers are the same whether it was
# prefilled in any chunking or decoded (measured with torch 2.13 on CPU, fp32 and bf16).
QUERY_TILE = 4
KV_TILE = 256


class KVCache:
    """Keys and values of one rank: [layers, 2, slots, kv_heads, head_dim]; slot = page * size + i.

    Allocated once and whole, so that a worker that has started cannot run out of memory later.
    """

    def __init__(
        self, shape: tuple[int, int, int, int], dtype: torch.dtype, device: torch.device
    ) -> None:
        """shape: layers, slots, kv_heads, head_dim."""
        layers, slots, kv_heads, head_dim = shape
        self.data = torch.zeros(layers, 2, slots, kv_heads, head_dim, dtype=dtype, device=device)

    def layer(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        keys, values = self.data[index]
        return keys, values


@dataclass(frozen=True, slots=True)
class Piece:
    """What a step computes of one sequence: rows [start, start + count) of the step, the first of
    which stands at `position`. slots: [position + count] int64, where all its tokens lie."""

    start: int
    count: int
    position: int
    slots: torch.Tensor

    def __post_init__(self) -> None:
        assert self.count > 0
        assert len(self.slots) == self.position + self.count


@dataclass(frozen=True, slots=True)
class Span:
    """Pieces of one size that are attended to together, each over its own tokens.

    rows: [pieces, count] int64, rows of the step; slots: [pieces, kv] int64, padded to whole tiles;
    mask: [pieces, 1, queries, kv], added to the scores; queries padded to a tile.
    """

    rows: torch.Tensor
    slots: torch.Tensor
    mask: torch.Tensor


def make_spans(pieces: Iterable[Piece], dtype: torch.dtype) -> tuple[Span, ...]:
    """All pieces; those of one size and length, in tiles, together. dtype: the queries'."""
    groups: dict[tuple[int, int], list[Piece]] = {}
    for piece in pieces:
        tiles = -(-len(piece.slots) // KV_TILE)
        groups.setdefault((piece.count, tiles), []).append(piece)
    return tuple(
        _span(group, count, tiles * KV_TILE, dtype) for (count, tiles), group in groups.items()
    )


def _span(pieces: list[Piece], count: int, kv: int, dtype: torch.dtype) -> Span:
    device = pieces[0].slots.device
    starts = torch.tensor([piece.start for piece in pieces], device=device)
    positions = torch.tensor([piece.position for piece in pieces], device=device)
    # Queries that fill up the tile look at what the last one looks at, and are thrown away.
    query = torch.arange(max(QUERY_TILE, count), device=device).clamp(max=count - 1)
    last = (positions[:, None] + query)[:, None, :, None]
    hidden = torch.arange(kv, device=device) > last
    return Span(
        rows=starts[:, None] + torch.arange(count, device=device),
        slots=torch.stack([F.pad(piece.slots, (0, kv - len(piece.slots))) for piece in pieces]),
        mask=torch.zeros(hidden.shape, dtype=dtype, device=device).masked_fill(hidden, -torch.inf),
    )


@dataclass(frozen=True, slots=True)
class Step:
    """What attention has to know of one step. It travels through Megatron as inference_context.

    cos, sin: [tokens, head_dim]; slot_mapping: [tokens] int64, where this step's keys go.
    """

    cache: KVCache
    cos: torch.Tensor
    sin: torch.Tensor
    slot_mapping: torch.Tensor
    spans: tuple[Span, ...]


class RotaryTable:
    """Rotary position embedding (Su et al. 2021), rotate-half form, computed once in fp32."""

    def __init__(self, head_dim: int, base: float, positions: int, device: torch.device) -> None:
        inverse = base ** (-torch.arange(0, head_dim, 2, dtype=torch.float32) / head_dim)
        angles = torch.outer(torch.arange(positions, dtype=torch.float32), inverse)
        angles = torch.cat([angles, angles], dim=-1)
        self.cos, self.sin = angles.cos().to(device), angles.sin().to(device)

    def at(self, positions: torch.Tensor, dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor]:
        """cos and sin, [tokens, head_dim]. Raises IndexError if a position exceeds the table."""
        return self.cos[positions].to(dtype), self.sin[positions].to(dtype)


def rotate(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """x: [tokens, heads, head_dim]; cos, sin: [tokens, head_dim]."""
    first, second = x.chunk(2, dim=-1)
    turned = torch.cat([-second, first], dim=-1)
    return x * cos[:, None] + turned * sin[:, None]


def attend(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, layer: int, step: Step
) -> torch.Tensor:
    """Causal attention of each sequence over its own cached tokens.

    query: [tokens, heads, head_dim]; key, value: [tokens, kv_heads, head_dim]; returns query's
    shape.
    """
    keys, values = step.cache.layer(layer)
    keys[step.slot_mapping] = rotate(key, step.cos, step.sin)
    values[step.slot_mapping] = value
    query = rotate(query, step.cos, step.sin)
    out = torch.empty_like(query)
    for span in step.spans:
        past_keys, past_values = take(keys, span.slots), take(values, span.slots)
        out[span.rows] = _attend_span(query[span.rows], past_keys, past_values, span)
    return out


def _attend_span(
    query: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, span: Span
) -> torch.Tensor:
    """query: [pieces, count, heads, head_dim]; keys, values: [pieces, kv, kv_heads, head_dim]."""
    count = query.shape[1]
    padded = F.pad(query, (0, 0, 0, 0, 0, span.mask.shape[2] - count))
    out = F.scaled_dot_product_attention(
        padded.transpose(1, 2),
        keys.transpose(1, 2),
        values.transpose(1, 2),
        attn_mask=span.mask,
        enable_gqa=True,
    )
    return out.transpose(1, 2)[:, :count]


def take(cached: torch.Tensor, slots: torch.Tensor) -> torch.Tensor:
    """cached[slots], several times as fast. slots: [a, b]; returns [a, b, heads, head_dim]."""
    return cached.index_select(0, slots.flatten()).view(*slots.shape, *cached.shape[1:])
