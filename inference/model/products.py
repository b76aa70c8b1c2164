"""Products with a weight matrix: in full, in 8 bits, or in 4 bits. Plain torch.

A product is a function of rows, [rows, in] to [rows, out]. Its numbers may depend on how many rows
there are, and its speed always does: see `row_sizes`.
"""

from collections.abc import Callable

import torch
from torch import nn

from inference.model.quantized import GROUP, Int4, Int8

Product = Callable[[torch.Tensor], torch.Tensor]

# The kernel of torch for 4 bits takes so many rows of weights at once.
INT4_ROWS = 16
# Up to the last of these a product is made in one call; more rows are cut into pieces of it.
CANDIDATE_SIZES = (1, 2, 4, 8, 12, 16, 24, 32, 48, 64, 96, 128, 160, 192, 224, 256)


def full_product(weight: torch.Tensor) -> Product:
    """Build a product with a weight [out, in], in the number format of the rows."""
    onednn = torch.ops.mkldnn
    if weight.device.type == "cpu" and onednn_computes_in(weight.dtype):
        # F.linear would bring the weights into oneDNN's order for every product.
        packed = onednn._reorder_linear_weight(weight, CANDIDATE_SIZES[-1])
        product = onednn._linear_pointwise.default
        return lambda rows: product(rows, packed, None, "none", [], "")
    return lambda rows: nn.functional.linear(rows, weight)


def int8_product(weight: Int8) -> Product:
    """Build a product with bf16 rows."""
    values, scales = weight.values, weight.scales.bfloat16()
    return lambda rows: torch._weight_int8pack_mm(rows, values, scales)


def int4_product(weight: Int4) -> Product:
    """Build a product with bf16 rows. Scales and minima are rounded to bf16, values are not."""
    assert weight.shape[0] % INT4_ROWS == 0
    packed = torch._convert_weight_to_int4pack_for_cpu(weight.values.int(), 1)
    # The kernel computes (value - 8) * scale + zero.
    zeros = weight.minima + 8 * weight.scales
    factors = torch.stack([weight.scales, zeros], dim=-1).transpose(0, 1).bfloat16().contiguous()
    return lambda rows: torch._weight_int4pack_mm_for_cpu(rows, packed, GROUP, factors)


def onednn_computes_in(dtype: torch.dtype) -> bool:
    # A torch that was built without oneDNN has no such operators.
    if not torch._C._has_mkldnn:
        return False
    if dtype == torch.float32:
        return True
    return dtype == torch.bfloat16 and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
