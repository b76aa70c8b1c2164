"""Attention over the paged cache: rotary positions, writing keys and values, reading them back.

Plain torch; knows nothing of Megatron, of scheduling or of requests.
"""

from __future__ import annotations

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
class Span:
    """The rows of a step that belong to one sequence, and what they may look at.

    slots: [kv] int64, the slots of tokens 0 .. kv, this step's own included, padded to whole tiles;
    mask: [queries, kv] bool, queries padded to a tile.
    """

    start: int
    stop: int
    slots: torch.Tensor
    mask: torch.Tensor


def make_span(start: int, stop: int, first_position: int, slots: torch.Tensor) -> Span:
    """The span of rows [start, stop), whose tokens stand at first_position and after.

    slots: [first_position + stop - start] int64.
    """
    queries = max(QUERY_TILE, stop - start)
    slots = F.pad(slots, (0, -len(slots) % KV_TILE))
    last = torch.arange(queries, device=slots.device).clamp(max=stop - start - 1) + first_position
    mask = torch.arange(len(slots), device=slots.device) <= last[:, None]
    return Span(start, stop, slots, mask)


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
    """Causal attention of each span over its own cached tokens.

    query: [tokens, heads, head_dim]; key, value: [tokens, kv_heads, head_dim]; returns query's
    shape. Each sequence is attended to alone: its numbers then do not depend on the batch.
    """
    keys, values = step.cache.layer(layer)
    keys[step.slot_mapping] = rotate(key, step.cos, step.sin)
    values[step.slot_mapping] = value
    query = rotate(query, step.cos, step.sin)
    return torch.cat([_attend_span(query, keys, values, span) for span in step.spans])


def _attend_span(
    query: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, span: Span
) -> torch.Tensor:
    rows = query[span.start : span.stop]
    padded = F.pad(rows, (0, 0, 0, 0, 0, len(span.mask) - len(rows)))
    out = F.scaled_dot_product_attention(
        padded.transpose(0, 1)[None],
        keys[span.slots].transpose(0, 1)[None],
        values[span.slots].transpose(0, 1)[None],
        attn_mask=span.mask,
        enable_gqa=True,
    )
    return out[0].transpose(0, 1)[: len(rows)]
