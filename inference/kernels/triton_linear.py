"""Products on a CUDA device whose rows do not depend on one another: see `triton_product`.

Slower than cuBLAS for weights in full; for those of 8 and 4 bits there is nothing else.
"""

from dataclasses import dataclass

import torch
import triton

from inference.kernels.triton_product import OUT_PANEL, multiply, sum_parts
from inference.model.linear import Product
from inference.model.quantized import GROUP, Int4, Int8

SPLIT = 1024
FEW_ROWS = 16
# From so many programs on the card is full, and each makes its whole sum.
MANY_PROGRAMS = 1024
SUMMED, SUMMED_AHEAD = 256, 16


@dataclass(frozen=True, slots=True)
class PackedInt4:
    """A weight of 4 bits, as `multiply` reads it.

    values: [panels, in / 64, 64, 32] uint8: of a panel of 64 outputs and a block of 64 inputs, for
    each output one byte for an input of the first group (low bits) and of the second (high bits).
    scales, minima: [in / 32, out] fp32.
    """

    values: torch.Tensor
    scales: torch.Tensor
    minima: torch.Tensor


def pack_int4(weight: Int4) -> PackedInt4:
    """Bring a weight into the order of the kernel, filled up to whole panels and blocks."""
    outputs, inputs = weight.shape
    panel = OUT_PANEL.value
    missing = (0, -inputs % (2 * GROUP), 0, -outputs % panel)
    values = torch.nn.functional.pad(weight.values, missing)
    groups = values.view(-1, panel, values.shape[1] // (2 * GROUP), 2, GROUP)
    packed = (groups[..., 0, :] | groups[..., 1, :] << 4).transpose(1, 2).contiguous()
    return PackedInt4(packed, *(of.T.contiguous() for of in (weight.scales, weight.minima)))


def full_product_triton(weight: torch.Tensor) -> Product:
    """Build a product with a weight [out, in], in the number format of the rows."""
    outputs = len(weight)
    weight = weight.contiguous()
    return lambda rows: _multiply(rows, weight, weight, weight, outputs, 16)


def int8_product_triton(weight: Int8) -> Product:
    """Build a product with bf16 rows; the scales stay fp32."""
    outputs, values, scales = len(weight.values), weight.values.contiguous(), weight.scales
    return lambda rows: _multiply(rows, values, scales, scales, outputs, 8)


def int4_product_triton(weight: Int4) -> Product:
    """Build a product with bf16 rows. A weight is rounded to bf16 on its way to the product."""
    outputs, packed = len(weight.values), pack_int4(weight)
    return lambda rows: _multiply(
        rows, packed.values, packed.scales, packed.minima, outputs, 4
    )


def _multiply(
    rows: torch.Tensor,
    weight: torch.Tensor,
    scales: torch.Tensor,
    minima: torch.Tensor,
    outputs: int,
    bits: int,
) -> torch.Tensor:
    assert rows.is_contiguous()
    count, inputs = rows.shape
    # Tiles of few and of many rows. In fp32, without tensor cores, only the first has a fixed order.
    few = count <= FEW_ROWS or rows.dtype == torch.float32
    out_block, row_block = (64, 16) if few else (128, 128)
    grid = triton.cdiv(count, row_block), triton.cdiv(outputs, out_block)
    splits = triton.cdiv(inputs, SPLIT)
    whole = splits == 1 or grid[0] * grid[1] >= MANY_PROGRAMS or not few
    out = torch.empty(count, outputs, dtype=rows.dtype, device=rows.device)
    shape = (1,) if whole else (splits, count, outputs)
    parts = torch.empty(shape, dtype=torch.float32, device=rows.device)
    multiply[(*grid, 1 if whole else splits)](
        rows,
        weight,
        scales,
        minima,
        out,
        parts,
        count,
        outputs,
        inputs,
        BITS=bits,
        OUT_BLOCK=out_block,
        ROW_BLOCK=row_block,
        IN_BLOCK=128 if bits == 8 and few else 64,
        SPLIT=SPLIT,
        WHOLE=whole,
        num_warps=4 if few else 8,
        num_stages=4 if few else 3,
        enable_fp_fusion=False,
    )
    if not whole:
        sum_parts[(triton.cdiv(out.numel(), SUMMED),)](
            parts,
            out,
            out.numel(),
            splits,
            BLOCK=SUMMED,
            AHEAD=SUMMED_AHEAD,
            num_warps=2,
            enable_fp_fusion=False,
        )
    return out
