"""Products of fixed order in Triton: what they compute, and that a row's bits are its own."""

from collections.abc import Callable

import pytest
import torch

from inference.model.linear import Product
from inference.model.quantized import GROUP, Int4, Int8
from tests.inference.kernels.texts import DEVICE, randn

# Whole panels and splits, and neither.
SIZES = pytest.mark.parametrize(("outputs", "inputs"), [(64, 2048), (80, 1184)])


def full(weight: torch.Tensor) -> tuple[Product, torch.Tensor]:
    from inference.kernels.triton_linear import full_product_triton  # noqa: PLC0415

    return full_product_triton(weight.bfloat16()), weight.bfloat16()


def int8(weight: torch.Tensor) -> tuple[Product, torch.Tensor]:
    from inference.kernels.triton_linear import int8_product_triton  # noqa: PLC0415

    eight = Int8.of(weight)
    return int8_product_triton(eight), eight.full()


def int4(weight: torch.Tensor) -> tuple[Product, torch.Tensor]:
    from inference.kernels.triton_linear import int4_product_triton  # noqa: PLC0415

    outputs, inputs = weight.shape
    groups = outputs, inputs // GROUP
    values = torch.randint(0, 16, weight.shape, generator=torch.Generator().manual_seed(1))
    scales, minima = randn(*groups, seed=2).abs() / 8, randn(*groups, seed=3)
    four = Int4(values.to(DEVICE, torch.uint8), scales, minima)
    return int4_product_triton(four), four.full()


KINDS = pytest.mark.parametrize("kind", [full, int8, int4])
Kind = Callable[[torch.Tensor], tuple[Product, torch.Tensor]]


def rows_of(count: int, inputs: int) -> torch.Tensor:
    return randn(count, inputs, seed=7).bfloat16()


@SIZES
@KINDS
@pytest.mark.parametrize("count", [1, 5, 130])
def test_products_are_those_of_the_numbers_that_the_weights_stand_for(
    kind: Kind, count: int, outputs: int, inputs: int
) -> None:
    product, weight = kind(randn(outputs, inputs))
    rows = rows_of(count, inputs)
    wanted = rows.double() @ weight.double().T
    out = product(rows)
    assert out.dtype == torch.bfloat16
    wrong = (out.double() - wanted).abs() / wanted.std()
    # The interpreter cuts bf16 off where a card rounds.
    assert wrong.max() < 0.04
    assert wrong.mean() < 0.008


@SIZES
@KINDS
def test_a_row_has_the_same_bits_among_however_many_rows(
    kind: Kind, outputs: int, inputs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from inference.kernels import triton_linear  # noqa: PLC0415

    product, _ = kind(randn(outputs, inputs))
    rows = rows_of(130, inputs)
    whole = product(rows)
    for count in (1, 2, 16, 17):
        assert torch.equal(product(rows[:count]), whole[:count])
    assert torch.equal(product(rows[128:]), whole[128:])
    # Where there is much to do, each program makes its whole sum.
    monkeypatch.setattr(triton_linear, "MANY_PROGRAMS", 0)
    assert torch.equal(product(rows[:3]), whole[:3])


def test_rows_in_fp32_are_multiplied_in_fp32() -> None:
    from inference.kernels.triton_linear import full_product_triton  # noqa: PLC0415

    weight, rows = randn(80, 1184), randn(17, 1184, seed=7)
    out = full_product_triton(weight)(rows)
    torch.testing.assert_close(out.double(), rows.double() @ weight.double().T, rtol=0, atol=1e-4)
    assert torch.equal(full_product_triton(weight)(rows[3:4]), out[3:4])
