"""Which chunks of a step attend together in torch's own kernel, and which keys each row sees."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

import torch
from torch.nn import functional as F  # noqa: N812

from inference.kernels.layer_kernels import QueryChunk
from inference.kernels.paged_cache import KVCache
from inference.kernels.upload import upload

# torch's kernel walks over the keys in blocks of this many, and rounds differently for some
# lengths of the last block, and for fewer than four queries.
KV_BLOCK = 512
CANDIDATE_TAILS = (32, 64, 128, 192, 256, 384, KV_BLOCK)
QUERY_TILE = 4
CAPPED_TILE = 32
TRIED_QUERIES = 32
TRIED_NUMBERS = 200_000


@dataclass(frozen=True, slots=True)
class AttentionBatch:
    """Chunks of one count that are computed together: `rows` of the step, one chunk after another.

    pages: [chunks * pages] int64, with the pages of each chunk filled up to one number, or a slice
    if there is one chunk whose pages are in a row; masks: for each window of the model, [chunks, 1,
    queries, kv], added to the scores. The queries of all heads that share a key are side by
    side, filled up to `queries`, a multiple of the tile.
    """

    rows: slice
    count: int
    chunks: int
    queries: int
    pages: torch.Tensor | slice
    masks: dict[int | None, torch.Tensor]


class AttentionBatcher:
    """Makes batches for `queries_per_kv` queries a key, on this machine. windows: how many tokens
    layers see (None: all); tails: lengths of the last block of keys that give the same bits.
    """

    def __init__(
        self, queries_per_kv: int, windows: frozenset[int | None], tails: tuple[int, ...], tile: int
    ) -> None:
        self.queries_per_kv, self.windows, self.tails, self.tile = (
            queries_per_kv,
            windows,
            tails,
            tile,
        )

    def batches(self, chunks: Sequence[QueryChunk], cache: KVCache) -> tuple[AttentionBatch, ...]:
        """Return the batches of a step, whose rows are in the order of its chunks."""
        batches, start = [], 0
        for _, alike in groupby(chunks, key=attrgetter("kind")):
            group = list(alike)
            batches.append(self._batch(group, start, cache))
            start += len(group) * group[0].count
        return tuple(batches)

    def _batch(self, chunks: Sequence[QueryChunk], start: int, cache: KVCache) -> AttentionBatch:
        device = cache.data.device
        count, kv = chunks[0].count, self._padded(max(chunk.length for chunk in chunks))
        queries = -(-count * self.queries_per_kv // self.tile) * self.tile
        query = torch.arange(queries, device=device) // self.queries_per_kv
        positions = upload([chunk.position for chunk in chunks], device)
        last = (positions[:, None] + query.clamp(max=count - 1))[:, None, :, None]
        dtype = cache.data.dtype
        masks = {window: mask_of(last, kv, window, dtype) for window in self.windows}
        return AttentionBatch(
            slice(start, start + len(chunks) * count),
            count,
            len(chunks),
            queries,
            pages_of(chunks, kv // cache.page_size, cache),
            masks,
        )

    def _padded(self, length: int) -> int:
        whole, rest = divmod(length, KV_BLOCK)
        return whole * KV_BLOCK + (self.tails[bisect_left(self.tails, rest)] if rest else 0)


def mask_of(last: torch.Tensor, kv: int, window: int | None, dtype: torch.dtype) -> torch.Tensor:
    """Return what hides the keys that a query does not see: [chunks, 1, queries, kv]. last: the
    last position that each sees, [chunks, 1, queries, 1].
    """
    position = torch.arange(kv, device=last.device)
    hidden = position > last
    if window is not None:
        hidden |= position <= last - window
    mask = torch.zeros(hidden.shape, dtype=dtype, device=last.device)
    return mask.masked_fill_(hidden, -torch.inf)


def pages_of(chunks: Sequence[QueryChunk], count: int, cache: KVCache) -> torch.Tensor | slice:
    """Return `count` pages of each chunk. Those that fill up are masked: any page will do."""
    held = [chunk.pages[: -(-chunk.length // cache.page_size)] for chunk in chunks]
    first = held[0][0]
    in_a_row = first + count <= cache.page_count and list(held[0]) == list(
        range(first, first + len(held[0]))
    )
    if len(chunks) == 1 and in_a_row:
        # They can be read where they are.
        return slice(first, first + count)
    filled = [[*pages, *[0] * (count - len(pages))] for pages in held]
    return upload(filled, cache.data.device).flatten()


def equal_tails(head_dim: int, dtype: torch.dtype) -> tuple[int, ...]:
    """Try lengths of the last block of keys, and return those with which attention has the same
    bits as with a whole block.
    """
    random = torch.Generator().manual_seed(0)
    # In bf16 another order of a sum shows in few numbers: it takes many to be sure.
    heads = TRIED_NUMBERS // (TRIED_QUERIES * head_dim)
    query, keys, values = (
        torch.randn(1, heads, length, head_dim, generator=random).to(dtype)
        for length in (TRIED_QUERIES, KV_BLOCK, KV_BLOCK)
    )
    equal = []
    for tail in CANDIDATE_TAILS:
        mask = torch.zeros(1, 1, TRIED_QUERIES, KV_BLOCK, dtype=dtype)
        mask[..., tail - 5 :] = -torch.inf
        whole = F.scaled_dot_product_attention(query, keys, values, attn_mask=mask)
        part = F.scaled_dot_product_attention(
            query, keys[:, :, :tail], values[:, :, :tail], attn_mask=mask[..., :tail]
        )
        if torch.equal(whole, part):
            equal.append(tail)
    return tuple(equal)
