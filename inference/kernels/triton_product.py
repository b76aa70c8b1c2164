"""A product of fixed order in Triton: rows times a weight in 16, 8 or 4 bits.

A row's sum is cut at multiples of SPLIT columns, and the parts are added in order: so its bits do
not depend on how many rows there are, nor on whether several programs share the sum. The weight
stands on the left of the tensor cores' product, where it fills their 64 rows, and the rows of the
step on the right, where eight are enough.
"""

import triton
import triton.language as tl

from inference.kernels.triton_dot import dot

OUT_PANEL = tl.constexpr(64)
"""Weights of 4 bits are held in panels of so many outputs."""


@triton.jit
def multiply_split(
    rows,
    weight,
    scales,
    minima,
    row,
    column,
    start,
    count,
    outputs,
    inputs,
    BITS: tl.constexpr,
    OUT_BLOCK: tl.constexpr,
    ROW_BLOCK: tl.constexpr,
    IN_BLOCK: tl.constexpr,
    SPLIT: tl.constexpr,
):
    """Return the sum over the inputs from `start` on, [OUT_BLOCK, ROW_BLOCK] fp32."""
    total = tl.zeros([OUT_BLOCK, ROW_BLOCK], tl.float32)
    is_row, is_column = (row < count)[None, :], (column < outputs)[:, None]
    # No row begins further on than a pointer of 32 bits can say.
    x = rows + row.to(tl.int64)[None, :] * inputs
    if BITS == 4:
        GROUP: tl.constexpr = 32
        inner = tl.arange(0, GROUP)
        blocks = tl.cdiv(inputs, 2 * GROUP)
        panel = (column // OUT_PANEL).to(tl.int64) * blocks * OUT_PANEL * GROUP
        packed = weight + (panel + column % OUT_PANEL * GROUP)[:, None] + inner[None, :]
        for at in range(0, SPLIT, 2 * GROUP):
            k = start + at
            both = tl.load(packed + k // 2 * OUT_PANEL, mask=(k < inputs) & is_column, other=0)
            for half in tl.static_range(2):
                inside = k + half * GROUP < inputs
                value = (both & 15 if half == 0 else both >> 4).to(tl.float32)
                factor = (k // GROUP + half).to(tl.int64) * outputs + column[:, None]
                scale = tl.load(scales + factor, mask=inside & is_column, other=0.0)
                minimum = tl.load(minima + factor, mask=inside & is_column, other=0.0)
                w = (value * scale + minimum).to(rows.dtype.element_ty)
                source = x + k + half * GROUP + inner[:, None]
                total = dot(w, tl.load(source, mask=inside & is_row, other=0.0), total)
    else:
        inner = tl.arange(0, IN_BLOCK)
        w_row = weight + column.to(tl.int64)[:, None] * inputs
        for at in range(0, SPLIT, IN_BLOCK):
            k = start + at + inner
            inside = k < inputs
            w = tl.load(w_row + k[None, :], mask=inside[None, :] & is_column, other=0)
            source = tl.load(x + k[:, None], mask=inside[:, None] & is_row, other=0.0)
            if BITS == 8:
                # The interpreter has no way from whole numbers to bf16.
                w = w.to(tl.float32).to(rows.dtype.element_ty)
            total = dot(w, source, total)
        if BITS == 8:
            total = total * tl.load(scales + column, mask=column < outputs, other=0.0)[:, None]
    return total


@triton.jit(do_not_specialize=["count"])
def multiply(
    rows,
    weight,
    scales,
    minima,
    out,
    parts,
    count,
    outputs,
    inputs,
    BITS: tl.constexpr,
    OUT_BLOCK: tl.constexpr,
    ROW_BLOCK: tl.constexpr,
    IN_BLOCK: tl.constexpr,
    SPLIT: tl.constexpr,
    WHOLE: tl.constexpr,
):
    """Compute a tile of the product: all of its sum (WHOLE), or one split. Grid: blocks of rows,
    blocks of outputs, splits or 1. rows: [count, inputs]; weight: [outputs, inputs], or of 4 bits
    as `pack_int4` holds them; parts: [splits, count, outputs] fp32.
    """
    row = tl.program_id(0) * ROW_BLOCK + tl.arange(0, ROW_BLOCK)
    column = tl.program_id(1) * OUT_BLOCK + tl.arange(0, OUT_BLOCK)
    held = (column < outputs)[:, None] & (row < count)[None, :]
    target = row.to(tl.int64)[None, :] * outputs + column[:, None]
    if WHOLE:
        total = tl.zeros([OUT_BLOCK, ROW_BLOCK], tl.float32)
        start = 0
        while start < inputs:
            total += multiply_split(
                rows, weight, scales, minima, row, column, start, count, outputs, inputs,
                BITS, OUT_BLOCK, ROW_BLOCK, IN_BLOCK, SPLIT,
            )  # fmt: skip
            start += SPLIT
        tl.store(out + target, total.to(out.dtype.element_ty), mask=held)
    else:
        split = tl.program_id(2)
        total = multiply_split(
            rows, weight, scales, minima, row, column, split * SPLIT, count, outputs, inputs,
            BITS, OUT_BLOCK, ROW_BLOCK, IN_BLOCK, SPLIT,
        )  # fmt: skip
        tl.store(parts + split.to(tl.int64) * count * outputs + target, total, mask=held)


@triton.jit(do_not_specialize=["size", "splits"])
def sum_parts(parts, out, size, splits, BLOCK: tl.constexpr, AHEAD: tl.constexpr):
    """Add the parts in order. Grid: blocks of the result. parts: [splits, size]."""
    at = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    total = tl.zeros([BLOCK], tl.float32)
    split = 0
    while split < splits:
        for ahead in tl.static_range(AHEAD):
            held = (at < size) & (split + ahead < splits)
            source = parts + (split + ahead).to(tl.int64) * size + at
            total += tl.load(source, mask=held, other=0.0)
        split += AHEAD
    tl.store(out + at, total.to(out.dtype.element_ty), mask=at < size)
