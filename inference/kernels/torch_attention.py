"""Attention over the paged cache in plain torch: gathers the pages, and calls torch's kernel."""

import torch
from torch.nn import functional as F  # noqa: N812

from inference.kernels.layer_kernels import LayerAttention
from inference.kernels.torch_batches import CAPPED_TILE, KV_BLOCK, AttentionBatch


def attend_batch(
    qkv: torch.Tensor, cached: torch.Tensor, batch: AttentionBatch, layer: LayerAttention
) -> torch.Tensor:
    """Compute the rows of a batch. qkv: as `LayerKernels.attend` takes it; cached: the pages of the
    layer, [pages, page_size * kv_heads * 2 * head_dim]. Returns [rows, heads * head_dim].
    """
    _, kv_heads, heads, head_dim = qkv.shape
    pages = batch.pages
    past = cached[pages] if isinstance(pages, slice) else cached.index_select(0, pages)
    past = past.view(batch.chunks, -1, kv_heads, 2, head_dim)
    keys, values = past.permute(3, 0, 2, 1, 4).unbind()
    queries, mask = _queries(qkv, batch), batch.masks[layer.window]
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
