"""Torch's own product for 4 bits on a GPU: what goes into it, without a GPU."""

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from inference.model.cuda_products import int4_product_cuda, pack_nibbles
from inference.model.linear import int4_factors
from inference.model.quantized import GROUP, Int4


def random_int4(out: int, columns: int, *, symmetric: bool) -> Int4:
    random = torch.Generator().manual_seed(columns)
    values = torch.randint(0, 16, (out, columns), generator=random, dtype=torch.uint8)
    scales = torch.rand(out, columns // GROUP, generator=random) + 0.1
    minima = torch.randn(scales.shape, generator=random)
    return Int4(values, scales, -8 * scales if symmetric else minima)


@pytest.mark.parametrize("symmetric", [True, False], ids=["Q4_0", "Q4_1"])
def test_nibbles_and_factors_stand_for_the_weight(symmetric: bool) -> None:
    weight = random_int4(24, 96, symmetric=symmetric)
    packed = pack_nibbles(weight.values)
    assert packed.shape == (24, 48)
    values = torch.stack([packed >> 4, packed & 15], dim=-1).flatten(1)
    assert torch.equal(values, weight.values)
    scales, zeros = int4_factors(weight).float().unbind(dim=-1)
    # The zero is the value 8; Q4_0 has none beside it, and what is nothing is not rounded.
    assert torch.equal(zeros, torch.zeros_like(zeros)) == symmetric
    numbers = values.view(24, 3, GROUP) - 8.0
    full = numbers * scales.T[..., None] + zeros.T[..., None]
    assert torch.allclose(full.view(24, 96), weight.full(), atol=8 * 2**-8 + 12 * 2**-8)


@pytest.mark.parametrize("columns", [32, 64, 96, 128, 576, 4096])
def test_torch_takes_what_is_packed_for_it(columns: int) -> None:
    with FakeTensorMode():
        values = torch.empty(48, columns, dtype=torch.uint8)
        scales = torch.empty(48, columns // GROUP)
        rows = torch.empty(5, columns, dtype=torch.bfloat16)
        out = int4_product_cuda(Int4(values, scales, scales))(rows)
    assert (out.shape, out.dtype) == ((5, 48), torch.bfloat16)
