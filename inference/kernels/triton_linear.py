"""Products on a CUDA device whose rows do not depend on one another: see `triton_product`.

Slower than cuBLAS for weights in full; for those of 8 and 4 bits there is nothing else.
"""

from dataclasses import dataclass

import torch
import triton
from torch.nn import functional as F  # noqa: N812

from inference.kernels.triton_kernels import UNFUSED
from inference.kernels.triton_product import OUT_PANEL, multiply, sum_parts
from inference.model.linear import Product
from inference.model.quantized import GROUP, Int4, Int8

SPLIT = 1024
FEW_ROWS = 16
# A decode of up to so many rows has programs for the whole card too.
SOME_ROWS = 64
# From so many programs on the card is full, and each makes its whole sum.
MANY_PROGRAMS = 1024
SUMMED, SUMMED_AHEAD = 256, 16


@dataclass(frozen=True, slots=True)
class CardWeight:
    """A weight of `outputs` rows, as `multiply` reads it.

    values: [out, in], 16 or 32 bits or int8; of 4 bits [panels, in / 64, 64, 32] uint8: of a panel
    of 64 outputs and a block of 64 inputs, for each output one byte for an input of the first group
    (low bits) and of the second (high bits). scales: [out] or of 4 bits, as minima, [in / 32, out],
    fp32.
    """

    bits: int
    outputs: int
    values: torch.Tensor
    scales: torch.Tensor
    minima: torch.Tensor

    def __post_init__(self) -> None:
        assert self.bits in (4, 8, 16)
        assert all(of.is_contiguous() for of in (self.values, self.scales, self.minima))


def full_product_triton(weight: torch.Tensor) -> Product:
    """Build a product with a weight [out, in], in the number format of the rows."""
    weight = weight.contiguous()
    held = CardWeight(16, len(weight), weight, weight, weight)
    return lambda rows: _multiply(rows, held)


def int8_product_triton(weight: Int8) -> Product:
    """Build a product with bf16 rows; the scales stay fp32."""
    scales = weight.scales.contiguous()
    held = CardWeight(8, len(scales), weight.values.contiguous(), scales, scales)
    return lambda rows: _multiply(rows, held)


def int4_product_triton(weight: Int4) -> Product:
    """Build a product with bf16 rows. A weight is rounded to bf16 on its way to the product."""
    outputs, inputs = weight.shape
    panel = OUT_PANEL.value
    filled = F.pad(weight.values, (0, -inputs % (2 * GROUP), 0, -outputs % panel))
    groups = filled.view(-1, panel, filled.shape[1] // (2 * GROUP), 2, GROUP)
    values = (groups[..., 0, :] | groups[..., 1, :] << 4).transpose(1, 2).contiguous()
    scales, minima = (of.T.contiguous() for of in (weight.scales, weight.minima))
    held = CardWeight(4, outputs, values, scales, minima)
    return lambda rows: _multiply(rows, held)


def _multiply(rows: torch.Tensor, weight: CardWeight) -> torch.Tensor:
    assert rows.is_contiguous()
    (count, inputs), outputs = rows.shape, weight.outputs
    # Without tensor cores, in fp32, the order of sums depends on the tile.
    exact = rows.dtype == torch.float32
    few = exact or count <= SOME_ROWS
    row_block = 16 if exact or count <= FEW_ROWS else SOME_ROWS
    out_block, row_block = (64, row_block) if few else (128, 128)
    grid = triton.cdiv(count, row_block), triton.cdiv(outputs, out_block)
    splits = triton.cdiv(inputs, SPLIT)
    whole = splits == 1 or grid[0] * grid[1] >= MANY_PROGRAMS or not few
    out = torch.empty(count, outputs, dtype=rows.dtype, device=rows.device)
    shape = (1,) if whole else (splits, count, outputs)
    parts = torch.empty(shape, dtype=torch.float32, device=rows.device)
    multiply[(*grid, 1 if whole else splits)](
        rows,
        weight.values,
        weight.scales,
        weight.minima,
        out,
        parts,
        count,
        outputs,
        inputs,
        BITS=weight.bits,
        OUT_BLOCK=out_block,
        ROW_BLOCK=row_block,
        IN_BLOCK=128 if weight.bits == 8 and few else 64,
        SPLIT=SPLIT,
        WHOLE=whole,
        num_warps=4 if few else 8,
        num_stages=4 if few else 3,
        **UNFUSED,
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
            **UNFUSED,
        )
    return out
