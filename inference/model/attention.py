"""Attention over the paged cache: rotates, writes keys and values, reads them back.

Plain torch; knows nothing of Megatron, of scheduling or of requests.
"""

from dataclasses import dataclass

import torch
from torch.nn import functional as F  # noqa: N812

from inference.kernels.rope import Rope
from inference.model.attention_batch import CAPPED_TILE, KV_BLOCK, AttentionBatch, KVCache

Rotation = tuple[torch.Tensor, torch.Tensor]


class RotaryTable:
    """Rotary position embedding (Su et al. 2021), rotate-half form, computed once in fp32.

    The sine of the first half carries the minus sign of the rotation.
    """

    def __init__(
        self, rope: Rope, positions: int, dtype: torch.dtype, device: torch.device
    ) -> None:
        angles = torch.outer(
            torch.arange(positions, dtype=torch.float32), torch.tensor(rope.frequencies())
        )
        if rope.kind == "dynamic":
            stretch = torch.tensor([rope.stretch(position) for position in range(positions)])
            angles *= stretch[:, None] ** (torch.arange(0, -rope.dim, -2) / rope.dim)
        cos, sin = (rope.attention_factor * of for of in (angles.cos(), angles.sin()))
        self.cos = torch.cat([cos, cos], dim=-1).to(device, dtype)
        self.sin = torch.cat([-sin, sin], dim=-1).to(device, dtype)

    def at(self, positions: torch.Tensor) -> Rotation:
        """Return cosine and sine, [rows, 1, 1, head_dim]. Raises IndexError if a position exceeds
        the table.
        """
        return self.cos[positions][:, None, None], self.sin[positions][:, None, None]


def rotate_(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> None:
    """Rotate x in place. x: [rows, groups, heads, head_dim]."""
    swapped = x.roll(x.shape[-1] // 2, -1)
    x.mul_(cos).addcmul_(swapped, sin)


@dataclass(frozen=True, slots=True)
class AttentionMetadata:
    """What attention needs to know of one step, the same for all layers.

    rotations: for each pattern of the model, cosine and sine, [rows, 1, 1, head_dim]; slot_mapping:
    [rows] int64, where the keys of this step go. Rows that only fill up the step are copies of its
    last row.
    """

    cache: KVCache
    rotations: tuple[Rotation | None, ...]
    slot_mapping: torch.Tensor
    batches: tuple[AttentionBatch, ...]


@dataclass(frozen=True, slots=True)
class LayerAttention:
    """What attention needs to know of a layer: its number, which of the patterns of the model it
    has, what scores are multiplied by and softly limited to.
    """

    index: int
    pattern: int
    scale: float
    cap: float | None = None


def attend(qkv: torch.Tensor, layer: LayerAttention, metadata: AttentionMetadata) -> torch.Tensor:
    """Compute causal attention of each sequence over its own cached tokens.

    qkv: [rows, kv_heads, group + 2, head_dim], for each key the queries that share it, then key and
    value; it is overwritten. Returns [rows, heads * head_dim].
    """
    if (rotation := metadata.rotations[layer.pattern]) is not None:
        rotate_(qkv[:, :, :-1], *rotation)
    metadata.cache.by_slot[layer.index].index_copy_(0, metadata.slot_mapping, qkv[:, :, -2:])
    cached = metadata.cache.by_page[layer.index]
    outs = [_attend_batch(qkv, cached, batch, layer) for batch in metadata.batches]
    if missing := qkv.shape[0] - metadata.batches[-1].rows.stop:
        # Rows that fill up the step stay copies of the last: all are written to one slot.
        outs.append(outs[-1][-1:].expand(missing, -1))
    return outs[0] if len(outs) == 1 else torch.cat(outs)


def _attend_batch(
    qkv: torch.Tensor, cached: torch.Tensor, batch: AttentionBatch, layer: LayerAttention
) -> torch.Tensor:
    _, kv_heads, heads, head_dim = qkv.shape
    pages = batch.pages
    past = cached[pages] if isinstance(pages, slice) else cached.index_select(0, pages)
    past = past.view(batch.chunks, -1, kv_heads, 2, head_dim)
    keys, values = past.permute(3, 0, 2, 1, 4).unbind()
    queries, mask = _queries(qkv, batch), batch.masks[layer.pattern]
    if layer.cap is None:
        out = F.scaled_dot_product_attention(
            queries, keys, values, attn_mask=mask, scale=layer.scale
        )
    else:
        out = capped_attention(queries, keys, values, mask, scale=layer.scale, cap=layer.cap)
    if batch.count == 1:
        return out[:, :, : heads - 2].reshape(batch.chunks, -1)
    out = out[:, :, : batch.count * (heads - 2)]
    out = out.reshape(batch.chunks, kv_heads, batch.count, -1)
    return out.transpose(1, 2).reshape(batch.chunks * batch.count, -1)


def _queries(qkv: torch.Tensor, batch: AttentionBatch) -> torch.Tensor:
    """Return [chunks, kv_heads, queries, head_dim] of qkv [rows, kv_heads, group + 2, head_dim]."""
    heads, wanted = qkv.shape[2], batch.queries
    if batch.count == 1 and wanted <= heads:
        # Key and value come after the queries and fill up the tile.
        return qkv[batch.rows, :, :wanted]
    queries = qkv[batch.rows, :, : heads - 2]
    queries = queries.reshape(-1, batch.count, *queries.shape[1:])
    queries = queries.transpose(1, 2).flatten(2, 3)
    return F.pad(queries, (0, 0, 0, wanted - queries.shape[2]))


def capped_attention(
    queries: torch.Tensor,
    keys: torch.Tensor,
    values: torch.Tensor,
    mask: torch.Tensor,
    *,
    scale: float,
    cap: float,
) -> torch.Tensor:
    """Compute attention with scores limited by cap * tanh(score / cap) (Gemma Team 2024), which the
    kernel of torch cannot do. Shapes as for that kernel. It computes in fp32, in tiles of one
    shape: so the bits of a row depend neither on the number of rows nor on the length of others.

    queries: a multiple of CAPPED_TILE; keys: a multiple of KV_BLOCK.
    """
    dtype = queries.dtype
    out = torch.empty(queries.shape, dtype=torch.float32, device=queries.device)
    queries, keys, values, mask = (part.float() for part in (queries, keys, values, mask))
    for at in range(0, queries.shape[2], CAPPED_TILE):
        rows = slice(at, at + CAPPED_TILE)
        tile = queries[:, :, rows] * (scale / cap)
        out[:, :, rows] = _capped_tile(tile, keys, values, mask[:, :, rows], cap)
    return out.to(dtype)


def _capped_tile(
    tile: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, mask: torch.Tensor, cap: float
) -> torch.Tensor:
    """Compute block by block. There is no maximum to keep: scores are within the cap."""
    total = torch.zeros(*tile.shape[:3], 1, device=tile.device)
    out = torch.zeros_like(tile)
    for start in range(0, keys.shape[2], KV_BLOCK):
        block = slice(start, start + KV_BLOCK)
        scores = (tile @ keys[:, :, block].transpose(2, 3)).tanh_().mul_(cap)
        weights = (scores + mask[..., block]).exp_()
        total += weights.sum(dim=-1, keepdim=True)
        out += weights @ values[:, :, block]
    return out.div_(total)
