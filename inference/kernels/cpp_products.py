"""Products with weights of few bits in C++, and whole layers of them in one call."""

import ctypes
from ctypes import Structure, byref, c_long, c_void_p

import torch

from inference.kernels.cpp_library import load_library

LANES, GROUP = 16, 32
# The sum of so many products of bytes is below 2^31.
MOST_COLUMNS = 65_536


class ProductStruct(Structure):
    _fields_ = (
        ("packed", c_void_p),
        ("scales", c_void_p),
        ("bias", c_void_p),
        ("in_", c_long),
        ("out", c_long),
    )


def packed_4_bits(
    values: torch.Tensor, scales: torch.Tensor, minima: torch.Tensor
) -> "PackedProduct | None":
    """Return a product with weights scale * value + minimum, or None where there is none in C++.

    values: [out, in] uint8, 0 to 15, out a multiple of 16; scales, minima: [out, in / 32] fp32.
    """
    library = library_with_products()
    if library is None:
        return None
    return PackedProduct(library, pack_4_bits(values, scales, minima), None, values.shape)


def packed_8_bits(values: torch.Tensor, scales: torch.Tensor) -> "PackedProduct | None":
    """Return a product with weights scale * value, or None where there is none in C++ for this
    shape. values: [out, in] int8; scales: [out] fp32.
    """
    library, (out, columns) = library_with_products(), values.shape
    if library is None or out % LANES or columns % GROUP or columns > MOST_COLUMNS:
        return None
    return PackedProduct(library, pack_8_bits(values), scales.contiguous(), values.shape)


def library_with_products() -> ctypes.CDLL | None:
    library = load_library()
    return library if library is not None and library.has_products() else None


class PackedProduct:
    """A `Product` of bf16 rows. The numbers of a row do not depend on how many rows there are."""

    def __init__(
        self,
        library: ctypes.CDLL,
        packed: torch.Tensor,
        scales: torch.Tensor | None,
        shape: torch.Size,
    ) -> None:
        self.library, self.packed, self.scales = library, packed, scales
        self.out, self.columns = shape
        self.struct = ProductStruct(
            packed.data_ptr(),
            None if scales is None else scales.data_ptr(),
            None,
            self.columns,
            self.out,
        )
        self._address = byref(self.struct)
        library.multiply.argtypes = (c_void_p, c_long, c_void_p, c_void_p)

    def __call__(self, rows: torch.Tensor) -> torch.Tensor:
        rows = rows.contiguous()
        out = torch.empty(rows.shape[0], self.out, dtype=torch.bfloat16)
        self.library.multiply(self._address, rows.shape[0], rows.data_ptr(), out.data_ptr())
        return out


def pack_4_bits(values: torch.Tensor, scales: torch.Tensor, minima: torch.Tensor) -> torch.Tensor:
    """Return the order that cpu_products.h reads. values: [out, in] uint8; scales, minima: [out,
    in / 32] fp32, which become fp16.
    """
    out, columns = values.shape
    blocks, groups = out // LANES, columns // GROUP
    # Block, lane, group, vector, nibble, one of four: to block, group, vector, lane, one of four.
    parts = values.view(blocks, LANES, groups, 4, 2, 4).permute(4, 0, 2, 3, 1, 5)
    weights = (parts[0] | parts[1] << 4).reshape(blocks, groups, -1)
    factors = torch.stack([scales, minima]).view(2, blocks, LANES, groups).permute(1, 3, 0, 2)
    numbers = factors.half().reshape(blocks, groups, -1).view(torch.uint8)
    return torch.cat([weights, numbers], dim=-1).contiguous()


def pack_8_bits(values: torch.Tensor) -> torch.Tensor:
    """Return the order that cpu_products.h reads. values: [out, in] int8."""
    out, columns = values.shape
    # 128 more than they are, in bytes without a sign.
    bytes_ = values.view(torch.uint8) ^ 128
    return bytes_.view(out // LANES, LANES, columns // 4, 4).transpose(1, 2).contiguous()
