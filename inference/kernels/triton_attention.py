"""Paged attention in Triton, one kernel for prefill and decode, and the merge of its splits.

A text is cut at multiples of SPLIT tokens. Each split has a maximum, a sum and a mix of values of
its own, and they are folded in order (Dao et al. 2022; Flash-Decoding, 2023). So a row has the
same bits whether programs share its splits or one program walks over all of them, and whatever
else stands in its tile. The compiler must not fuse multiplications with additions, which it would
do differently in each variant: `enable_fp_fusion=False`.
"""

import triton
import triton.language as tl

from inference.kernels.triton_dot import dot

SPLIT = 256


@triton.jit
def exp2_from(x, top):
    """Return 2 ** (x - top); zero where nothing has been seen, top = -inf."""
    return tl.exp2(x - tl.where(top == -float("inf"), 0.0, top))


@triton.jit
def fold(mix, total, top, part, part_total, part_top):
    """Add a split to what came before. mix, part: [rows, dim]; the others: [rows]. One that a row
    does not see, with part_top = -inf, leaves the row's bits as they are.
    """
    new_top = tl.maximum(top, part_top)
    old, new = exp2_from(top, new_top), exp2_from(part_top, new_top)
    mix = tl.fma(mix, old[:, None], part * new[:, None])
    return mix, tl.fma(total, old, part_total * new), new_top


@triton.jit
def attend_split(
    queries,
    cache,
    table,
    start,
    place,
    position,
    length,
    scale,
    cap,
    DIM: tl.constexpr,
    DIM_BLOCK: tl.constexpr,
    SLOT: tl.constexpr,
    PAGE: tl.constexpr,
    WINDOW: tl.constexpr,
    CAPPED: tl.constexpr,
    TILE: tl.constexpr,
    SPLIT: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """Compute the tokens from `start` on, block by block. place: [rows], where each stands in the
    text; position: where the first does; scale: as powers of two want it.
    """
    dim = tl.arange(0, DIM_BLOCK)
    top = tl.full([TILE], -float("inf"), tl.float32)
    total = tl.zeros([TILE], tl.float32)
    mix = tl.zeros([TILE, DIM_BLOCK], tl.float32)
    for at in range(0, SPLIT, BLOCK):
        token = start + at + tl.arange(0, BLOCK)
        held = token < length
        if WINDOW > 0:
            held = held & (token > position - WINDOW)
        page = tl.load(table + token // PAGE, mask=held, other=0)
        slot = cache + (page.to(tl.int64) * PAGE + token % PAGE) * SLOT
        keys = tl.load(
            slot[None, :] + dim[:, None], mask=held[None, :] & (dim < DIM)[:, None], other=0.0
        )
        scores = dot(queries, keys, tl.zeros([TILE, BLOCK], tl.float32)) * scale
        if CAPPED:
            # tanh, which Triton has not.
            scores = cap - 2 * cap / (tl.exp2(scores) + 1)
        seen = token[None, :] <= place[:, None]
        if WINDOW > 0:
            seen = seen & (token[None, :] > place[:, None] - WINDOW)
        scores = tl.where(seen, scores, -float("inf"))
        new_top = tl.maximum(top, tl.max(scores, 1))
        weights = exp2_from(scores, new_top[:, None])
        fade = exp2_from(top, new_top)
        total = total * fade + tl.sum(weights, 1)
        values = tl.load(
            slot[:, None] + DIM + dim[None, :], mask=held[:, None] & (dim < DIM)[None, :], other=0.0
        )
        mix = dot(weights.to(values.dtype), values, mix * fade[:, None])
        top = new_top
    return mix, total, top


@triton.jit(do_not_specialize=["table_width", "splits"])
def attend_tile(
    qkv,
    cache,
    tables,
    positions,
    table_of,
    tiles,
    out,
    part_mix,
    part_stats,
    table_width,
    splits,
    scale,
    cap,
    KV_HEADS: tl.constexpr,
    GROUP: tl.constexpr,
    DIM: tl.constexpr,
    DIM_BLOCK: tl.constexpr,
    PAGE: tl.constexpr,
    WINDOW: tl.constexpr,
    CAPPED: tl.constexpr,
    TILE: tl.constexpr,
    SPLIT: tl.constexpr,
    BLOCK: tl.constexpr,
    WHOLE: tl.constexpr,
):
    """Compute a tile of rows for one key head: all its splits one after the other (WHOLE), or only
    one. Grid: tiles, kv_heads, splits or 1. The rows of TILE are the queries of the tile's rows
    that share the key. `StepRows` says what the arguments are; part_mix, part_stats: [rows, heads,
    splits, dim] and [rows, heads, splits, 2] fp32. WINDOW: 0 for none.
    """
    head, split = tl.program_id(1), tl.program_id(2)
    tile = tiles + 2 * tl.program_id(0)
    first, count = tl.load(tile), tl.load(tile + 1)
    position = tl.load(positions + first).to(tl.int32)
    length = position + count
    begin = 0
    if WINDOW > 0:
        begin = tl.maximum(position - WINDOW + 1, 0)
    if not WHOLE:
        if (split * SPLIT >= length) | ((split + 1) * SPLIT <= begin):
            return
    member = tl.arange(0, TILE)
    row, used = member // GROUP, member // GROUP < count
    place = position + row
    dim = tl.arange(0, DIM_BLOCK)
    row_index = (first + row).to(tl.int64)
    query = (row_index * KV_HEADS + head) * (GROUP + 2) + member % GROUP
    used_numbers = used[:, None] & (dim < DIM)[None, :]
    queries = tl.load(qkv + query[:, None] * DIM + dim[None, :], mask=used_numbers, other=0.0)
    cache += head * 2 * DIM
    table = tables + tl.load(table_of + first).to(tl.int64) * table_width
    target = (row_index * KV_HEADS + head) * GROUP + member % GROUP
    if WHOLE:
        top = tl.full([TILE], -float("inf"), tl.float32)
        total = tl.zeros([TILE], tl.float32)
        mix = tl.zeros([TILE, DIM_BLOCK], tl.float32)
        start = begin // SPLIT * SPLIT
        while start < length:
            part, part_total, part_top = attend_split(
                queries, cache, table, start, place, position, length, scale, cap,
                DIM, DIM_BLOCK, KV_HEADS * 2 * DIM, PAGE, WINDOW, CAPPED, TILE, SPLIT, BLOCK,
            )  # fmt: skip
            mix, total, top = fold(mix, total, top, part, part_total, part_top)
            start += SPLIT
        mix = (mix / total[:, None]).to(out.dtype.element_ty)
        tl.store(out + target[:, None] * DIM + dim[None, :], mix, mask=used_numbers)
    else:
        mix, total, top = attend_split(
            queries, cache, table, split * SPLIT, place, position, length, scale, cap,
            DIM, DIM_BLOCK, KV_HEADS * 2 * DIM, PAGE, WINDOW, CAPPED, TILE, SPLIT, BLOCK,
        )  # fmt: skip
        target = target * splits + split
        tl.store(part_mix + target[:, None] * DIM + dim[None, :], mix, mask=used_numbers)
        tl.store(part_stats + target * 2, total, mask=used)
        tl.store(part_stats + target * 2 + 1, top, mask=used)


@triton.jit(do_not_specialize=["splits"])
def merge_splits(
    part_mix,
    part_stats,
    positions,
    out,
    splits,
    KV_HEADS: tl.constexpr,
    GROUP: tl.constexpr,
    GROUP_BLOCK: tl.constexpr,
    DIM: tl.constexpr,
    DIM_BLOCK: tl.constexpr,
    WINDOW: tl.constexpr,
    SPLIT: tl.constexpr,
    AHEAD: tl.constexpr,
):
    """Fold the splits that a row sees, in order. Grid: rows, kv_heads. AHEAD: how many are read
    before the first is needed.
    """
    row = tl.program_id(0)
    position = tl.load(positions + row).to(tl.int32)
    split = 0
    if WINDOW > 0:
        split = tl.maximum(position - WINDOW + 1, 0) // SPLIT
    last = position // SPLIT
    member, dim = tl.arange(0, GROUP_BLOCK), tl.arange(0, DIM_BLOCK)
    used = member < GROUP
    used_numbers = used[:, None] & (dim < DIM)[None, :]
    target = (row.to(tl.int64) * KV_HEADS + tl.program_id(1)) * GROUP + member
    top = tl.full([GROUP_BLOCK], -float("inf"), tl.float32)
    total = tl.zeros([GROUP_BLOCK], tl.float32)
    mix = tl.zeros([GROUP_BLOCK, DIM_BLOCK], tl.float32)
    while split <= last:
        parts, totals, tops = (), (), ()
        for ahead in tl.static_range(AHEAD):
            seen = split + ahead <= last
            source = target * splits + split + ahead
            numbers = part_mix + source[:, None] * DIM + dim[None, :]
            stats = part_stats + source * 2
            parts = parts + (tl.load(numbers, mask=used_numbers & seen, other=0.0),)
            totals = totals + (tl.load(stats, mask=used & seen, other=0.0),)
            tops = tops + (tl.load(stats + 1, mask=used & seen, other=-float("inf")),)
        for ahead in tl.static_range(AHEAD):
            mix, total, top = fold(mix, total, top, parts[ahead], totals[ahead], tops[ahead])
        split += AHEAD
    mix = (mix / total[:, None]).to(out.dtype.element_ty)
    tl.store(out + target[:, None] * DIM + dim[None, :], mix, mask=used_numbers)
