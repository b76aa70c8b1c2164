"""Products on a GPU: which one a weight gets, and torch's own kernel for 4 bits."""

import torch

from inference.model.device import Device
from inference.model.linear import Product, full_product, int4_factors
from inference.model.quantized import GROUP, Int4, Int8

# torch's kernel takes so many rows of weights at once, and 16 times so many columns.
OUT_TILE, INNER_TILES = 8, (8, 4, 2)


def gpu_product(weight: torch.Tensor | Int4 | Int8, device: Device) -> Product:
    """Build the product of a weight on the device. In full numbers it is cuBLAS's, or with
    `deterministic` one in which rows do not depend on one another, as they never do in few bits.
    """
    # Only where there is a GPU is triton sure to be there.
    from inference.kernels.triton_linear import (  # noqa: PLC0415
        full_product_triton,
        int4_product_triton,
        int8_product_triton,
    )

    if isinstance(weight, Int4):
        return int4_product_triton(weight)
    if isinstance(weight, Int8):
        return int8_product_triton(weight)
    weight = weight.to(device.name, device.dtype)
    return full_product_triton(weight) if device.deterministic else full_product(weight)


def int4_product_cuda(weight: Int4) -> Product:
    """Build torch's own product for 4 bits on a GPU (sm_80 or later) with bf16 rows. Scales and
    zeros are rounded to bf16, values are not. Out must be a multiple of 8, in one of 32.
    """
    out, columns = weight.shape
    assert out % OUT_TILE == 0
    tiles = next(tiles for tiles in INNER_TILES if columns % (16 * tiles) == 0)
    packed = torch._convert_weight_to_int4pack(pack_nibbles(weight.values), tiles)
    factors = int4_factors(weight)
    return lambda rows: torch._weight_int4pack_mm(rows, packed, GROUP, factors)


def pack_nibbles(values: torch.Tensor) -> torch.Tensor:
    """Return two values in a byte, the first in the high bits: [out, in / 2] uint8, as torch's
    kernel wants them before it brings them into its own order.
    """
    return values[:, ::2] << 4 | values[:, 1::2]
