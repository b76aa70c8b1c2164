"""Attention over the paged cache: rotary positions, writing keys and values, reading them back.

Plain torch; knows nothing of Megatron, of scheduling or of requests.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional as F  # noqa: N812

from inference.model.rope import Rope

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
        """Copies pages, (from, to), one after the other."""
        for source, target in pairs:
            self.data[:, target] = self.data[:, source]


@dataclass(frozen=True, slots=True)
class QueryChunk:
    """What a step computes of one sequence: `count` tokens, the first of which stands at
    `position`. pages: where all its tokens lie, in order.
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
    """Pieces of one count that are attended to together: `rows` of the step, one piece after the
    other.

    pages: [pieces * pages] int64, those of each piece filled up to one number, or the slice that
    one piece has; masks: of each view of the model, [pieces, 1, queries, kv], added to the scores.
    The queries of all heads that share a key lie side by side, filled up to `queries`, a tile.
    """

    rows: slice
    count: int
    pieces: int
    queries: int
    pages: torch.Tensor | slice
    masks: tuple[torch.Tensor, ...]


class AttentionBatcher:
    """Makes spans for queries of `group` heads a key, on this machine. windows: of each view, how
    many tokens it sees (None: all); capped: whether scores are.
    """

    def __init__(
        self,
        group: int,
        cache: KVCache,
        windows: Sequence[int | None] = (None,),
        *,
        capped: bool = False,
    ) -> None:
        self.group, self.windows = group, tuple(windows)
        self.tile = CAPPED_TILE if capped else QUERY_TILE
        self.page_count, self.page_size = cache.page_count, cache.page_size
        self.dtype, self.device = cache.data.dtype, cache.data.device
        whole = capped or self.device.type != "cpu"
        self.tails = (KV_BLOCK,) if whole else equal_tails(cache.data.shape[-1], self.dtype)
        assert all(tail % self.page_size == 0 for tail in self.tails)

    def order(self, pieces: Sequence[QueryChunk]) -> list[list[int]]:
        """Which pieces go together: indices of those of one count and about one length."""
        groups: dict[tuple[int, int], list[int]] = {}
        for index, piece in enumerate(pieces):
            key = (piece.count, self._padded(piece.length).bit_length())
            groups.setdefault(key, []).append(index)
        return list(groups.values())

    def make(self, groups: Iterable[Sequence[QueryChunk]]) -> tuple[AttentionBatch, ...]:
        """One span for each group, whose rows follow one another."""
        spans, start = [], 0
        for group in groups:
            spans.append(self._span(group, start))
            start += len(group) * group[0].count
        return tuple(spans)

    def _span(self, pieces: Sequence[QueryChunk], start: int) -> AttentionBatch:
        count, kv = pieces[0].count, self._padded(max(piece.length for piece in pieces))
        queries = -(-count * self.group // self.tile) * self.tile
        query = torch.arange(queries, device=self.device) // self.group
        positions = torch.tensor([piece.position for piece in pieces], device=self.device)
        last = (positions[:, None] + query.clamp(max=count - 1))[:, None, :, None]
        masks = {window: self._mask(last, kv, window) for window in set(self.windows)}
        return AttentionBatch(
            slice(start, start + len(pieces) * count),
            count,
            len(pieces),
            queries,
            self._pages(pieces, kv // self.page_size),
            tuple(masks[window] for window in self.windows),
        )

    def _mask(self, last: torch.Tensor, kv: int, window: int | None) -> torch.Tensor:
        """last: the last position that each query sees, [pieces, 1, queries, 1]."""
        position = torch.arange(kv, device=self.device)
        hidden = position > last
        if window is not None:
            hidden |= position <= last - window
        mask = torch.zeros(hidden.shape, dtype=self.dtype, device=self.device)
        return mask.masked_fill_(hidden, -torch.inf)

    def _pages(self, pieces: Sequence[QueryChunk], count: int) -> torch.Tensor | slice:
        """`count` pages of each. What fills up is never looked at: any page will do."""
        held = [piece.pages[: -(-piece.length // self.page_size)] for piece in pieces]
        first = held[0][0]
        in_a_row = first + count <= self.page_count and list(held[0]) == list(
            range(first, first + len(held[0]))
        )
        if len(pieces) == 1 and in_a_row:
            # They can be read where they are.
            return slice(first, first + count)
        filled = [[*pages, *[0] * (count - len(pages))] for pages in held]
        return torch.tensor(filled, device=self.device).flatten()

    def _padded(self, length: int) -> int:
        whole, rest = divmod(length, KV_BLOCK)
        return whole * KV_BLOCK + (self.tails[bisect_left(self.tails, rest)] if rest else 0)


def equal_tails(head_dim: int, dtype: torch.dtype) -> tuple[int, ...]:
    """Lengths of the last block of keys with which attention has the same bits as with a whole one,
    found by trying. A length that fails is not used.
    """
    random = torch.Generator().manual_seed(0)
    # In bf16 few numbers show another order of a sum: it takes many to be sure.
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


@dataclass(frozen=True, slots=True)
class AttentionMetadata:
    """What attention has to know of one step. It travels through the layers.

    rotations: of each view of the model, cosine and sine, [rows, 1, 1, head_dim]; slot_mapping:
    [rows] int64, where this step's keys go. Rows that only fill up the step are copies of its last
    row.
    """

    cache: KVCache
    rotations: "tuple[Rotation | None, ...]"
    slot_mapping: torch.Tensor
    spans: tuple[AttentionBatch, ...]


@dataclass(frozen=True, slots=True)
class LayerAttention:
    """What attention has to know of a layer: its number, which of the model's views it has, what
    scores are multiplied with and softly limited to.
    """

    layer: int
    pattern: int
    scale: float
    cap: float | None = None


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
        """cos and sin, [rows, 1, 1, head_dim]. Raises IndexError if one exceeds the table."""
        return self.cos[positions][:, None, None], self.sin[positions][:, None, None]


def rotate_(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> None:
    """Turns x in place. x: [rows, groups, heads, head_dim]."""
    swapped = x.roll(x.shape[-1] // 2, -1)
    x.mul_(cos).addcmul_(swapped, sin)


def attend(qkv: torch.Tensor, place: LayerAttention, step: AttentionMetadata) -> torch.Tensor:
    """Causal attention of each sequence over its own cached tokens.

    qkv: [rows, kv_heads, group + 2, head_dim], for each key the queries that share it, then key and
    value; it is overwritten. Returns [rows, heads * head_dim].
    """
    if (rotation := step.rotations[place.pattern]) is not None:
        rotate_(qkv[:, :, :-1], *rotation)
    step.cache.by_slot[place.layer].index_copy_(0, step.slot_mapping, qkv[:, :, -2:])
    cached = step.cache.by_page[place.layer]
    outs = [_attend_span(qkv, cached, span, place) for span in step.spans]
    if missing := qkv.shape[0] - step.spans[-1].rows.stop:
        # Rows that fill up the step stay copies of its last: they are written where that one is.
        outs.append(outs[-1][-1:].expand(missing, -1))
    return outs[0] if len(outs) == 1 else torch.cat(outs)


def _attend_span(
    qkv: torch.Tensor, cached: torch.Tensor, span: AttentionBatch, place: LayerAttention
) -> torch.Tensor:
    _, kv_heads, heads, head_dim = qkv.shape
    pages = span.pages
    past = cached[pages] if isinstance(pages, slice) else cached.index_select(0, pages)
    past = past.view(span.pieces, -1, kv_heads, 2, head_dim)
    keys, values = past.permute(3, 0, 2, 1, 4).unbind()
    queries, mask = _queries(qkv, span), span.masks[place.pattern]
    if place.cap is None:
        out = F.scaled_dot_product_attention(
            queries, keys, values, attn_mask=mask, scale=place.scale
        )
    else:
        out = capped_attention(queries, keys, values, mask, scale=place.scale, cap=place.cap)
    if span.count == 1:
        return out[:, :, : heads - 2].reshape(span.pieces, -1)
    out = out[:, :, : span.count * (heads - 2)]
    out = out.reshape(span.pieces, kv_heads, span.count, -1)
    return out.transpose(1, 2).reshape(span.pieces * span.count, -1)


def _queries(qkv: torch.Tensor, span: AttentionBatch) -> torch.Tensor:
    """[pieces, kv_heads, queries, head_dim] of qkv [rows, kv_heads, group + 2, head_dim]."""
    heads, wanted = qkv.shape[2], span.queries
    if span.count == 1 and wanted <= heads:
        # Key and value lie behind the queries and fill up the tile.
        return qkv[span.rows, :, :wanted]
    queries = qkv[span.rows, :, : heads - 2]
    queries = queries.reshape(-1, span.count, *queries.shape[1:])
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
    """Attention whose scores are limited by cap * tanh(score / cap) (Gemma Team 2024): torch's
    kernel cannot do it. Shapes as for that; computed in fp32, in tiles of one shape, so that the
    bits of a row depend neither on how many there are nor on how long others are.

    queries: as many as a multiple of CAPPED_TILE; keys: of KV_BLOCK.
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
    """Block by block, with no maximum to keep: scores are within the cap."""
    total = torch.zeros(*tile.shape[:3], 1, device=tile.device)
    out = torch.zeros_like(tile)
    for start in range(0, keys.shape[2], KV_BLOCK):
        block = slice(start, start + KV_BLOCK)
        scores = (tile @ keys[:, :, block].transpose(2, 3)).tanh_().mul_(cap)
        weights = (scores + mask[..., block]).exp_()
        total += weights.sum(dim=-1, keepdim=True)
        out += weights @ values[:, :, block]
    return out.div_(total)
