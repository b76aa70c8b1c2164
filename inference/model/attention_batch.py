"""The KV cache of a rank, and which chunks of a step read it together.

Plain torch; knows nothing of Megatron, of scheduling or of requests.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional as F  # noqa: N812

# torch's kernel walks over the keys in blocks of this many, and rounds differently for some
# lengths of the last block, and for fewer than four queries.
KV_BLOCK = 512
CANDIDATE_TAILS = (32, 64, 128, 192, 256, 384, KV_BLOCK)
QUERY_TILE = 4
CAPPED_TILE = 32
TRIED_QUERIES = 32
TRIED_NUMBERS = 200_000


class KVCache:
    """Keys and values of one rank: [layers, pages, page_size, kv_heads, 2, head_dim].

    Allocated once and whole, so that a worker that has started cannot run out of memory later.
    """

    def __init__(
        self, shape: tuple[int, int, int, int, int], dtype: torch.dtype, device: torch.device
    ) -> None:
        """shape: layers, pages, page_size, kv_heads, head_dim."""
        layers, pages, page_size, kv_heads, head_dim = shape
        self.page_count, self.page_size = pages, page_size
        self.data = torch.zeros(
            layers, pages, page_size, kv_heads, 2, head_dim, dtype=dtype, device=device
        )
        self.by_page = [layer.flatten(1) for layer in self.data]
        self.by_slot = [layer.flatten(0, 1) for layer in self.data]

    def copy(self, pairs: Sequence[tuple[int, int]]) -> None:
        """Copy pages, (from, to), one after the other."""
        for source, target in pairs:
            self.data[:, target] = self.data[:, source]


@dataclass(frozen=True, slots=True)
class QueryChunk:
    """What a step computes of one sequence: `count` tokens, the first of them at `position`.
    pages: of all tokens of the sequence, in order.
    """

    count: int
    position: int
    pages: Sequence[int]

    def __post_init__(self) -> None:
        assert self.count > 0

    @property
    def length(self) -> int:
        return self.position + self.count


@dataclass(frozen=True, slots=True)
class AttentionBatch:
    """Chunks of one count that are computed together: `rows` of the step, one chunk after another.

    pages: [chunks * pages] int64, with the pages of each chunk filled up to one number, or a slice
    if there is one chunk whose pages are in a row; masks: for each pattern of the model, [chunks,
    1, queries, kv], added to the scores. The queries of all heads that share a key are side by
    side, filled up to `queries`, a multiple of the tile.
    """

    rows: slice
    count: int
    chunks: int
    queries: int
    pages: torch.Tensor | slice
    masks: tuple[torch.Tensor, ...]


class AttentionBatcher:
    """Makes batches for `queries_per_kv` queries a key, on this machine. windows: for each pattern,
    how many tokens it sees (None: all); capped: whether scores are limited.
    """

    def __init__(
        self,
        queries_per_kv: int,
        cache: KVCache,
        windows: Sequence[int | None] = (None,),
        *,
        capped: bool = False,
    ) -> None:
        self.queries_per_kv, self.windows = queries_per_kv, tuple(windows)
        self.tile = CAPPED_TILE if capped else QUERY_TILE
        self.page_count, self.page_size = cache.page_count, cache.page_size
        self.dtype, self.device = cache.data.dtype, cache.data.device
        whole = capped or self.device.type != "cpu"
        self.tails = (KV_BLOCK,) if whole else equal_tails(cache.data.shape[-1], self.dtype)
        assert all(tail % self.page_size == 0 for tail in self.tails)

    def group(self, chunks: Sequence[QueryChunk]) -> list[list[int]]:
        """Return the indices of chunks that go together: of one count, and of about one length."""
        groups: dict[tuple[int, int], list[int]] = {}
        for index, chunk in enumerate(chunks):
            key = (chunk.count, self._padded(chunk.length).bit_length())
            groups.setdefault(key, []).append(index)
        return list(groups.values())

    def batches(self, groups: Iterable[Sequence[QueryChunk]]) -> tuple[AttentionBatch, ...]:
        """Return a batch for each group. The groups have the rows of the step in this order."""
        batches, start = [], 0
        for group in groups:
            batches.append(self._batch(group, start))
            start += len(group) * group[0].count
        return tuple(batches)

    def _batch(self, chunks: Sequence[QueryChunk], start: int) -> AttentionBatch:
        count, kv = chunks[0].count, self._padded(max(chunk.length for chunk in chunks))
        queries = -(-count * self.queries_per_kv // self.tile) * self.tile
        query = torch.arange(queries, device=self.device) // self.queries_per_kv
        positions = torch.tensor([chunk.position for chunk in chunks], device=self.device)
        last = (positions[:, None] + query.clamp(max=count - 1))[:, None, :, None]
        masks = {window: self._mask(last, kv, window) for window in set(self.windows)}
        return AttentionBatch(
            slice(start, start + len(chunks) * count),
            count,
            len(chunks),
            queries,
            self._pages(chunks, kv // self.page_size),
            tuple(masks[window] for window in self.windows),
        )

    def _mask(self, last: torch.Tensor, kv: int, window: int | None) -> torch.Tensor:
        """Hide what each query does not see. last: its last position, [chunks, 1, queries, 1]."""
        position = torch.arange(kv, device=self.device)
        hidden = position > last
        if window is not None:
            hidden |= position <= last - window
        mask = torch.zeros(hidden.shape, dtype=self.dtype, device=self.device)
        return mask.masked_fill_(hidden, -torch.inf)

    def _pages(self, chunks: Sequence[QueryChunk], count: int) -> torch.Tensor | slice:
        """Return `count` pages of each chunk. Those that fill up are masked: any page will do."""
        held = [chunk.pages[: -(-chunk.length // self.page_size)] for chunk in chunks]
        first = held[0][0]
        in_a_row = first + count <= self.page_count and list(held[0]) == list(
            range(first, first + len(held[0]))
        )
        if len(chunks) == 1 and in_a_row:
            # They can be read where they are.
            return slice(first, first + count)
        filled = [[*pages, *[0] * (count - len(pages))] for pages in held]
        return torch.tensor(filled, device=self.device).flatten()

    def _padded(self, length: int) -> int:
        whole, rest = divmod(length, KV_BLOCK)
        return whole * KV_BLOCK + (self.tails[bisect_left(self.tails, rest)] if rest else 0)


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
