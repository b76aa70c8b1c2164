"""That the bits of a row of attention depend on the row alone."""

import pytest
import torch

from tests.inference.kernels.texts import Shape, attend

SHAPES = pytest.mark.parametrize(
    ("group", "dim", "window", "cap"),
    [(4, 32, None, None), (3, 64, 270, 2.0), (8, 256, None, None), (20, 16, None, None)],
)


@SHAPES
def test_a_row_has_the_same_bits_alone_and_in_a_batch_and_in_whatever_pieces(
    group: int, dim: int, window: int | None, cap: float | None
) -> None:
    shape = Shape(group, dim, window, cap, kv_heads=1)
    (whole,) = attend(shape, [(500, 20)])
    for at, count in [(500, 1), (505, 15), (512, 1)]:
        (alone,) = attend(shape, [(at, count)])
        together, *_ = attend(shape, [(at, count), (100, 11), (0, 1), (700, 1)])
        decoded, *_ = attend(shape, [(at + count - 1, 1), (900, 1)])
        wanted = whole[at - 500 : at - 500 + count]
        assert torch.equal(alone, wanted)
        assert torch.equal(together, wanted)
        assert torch.equal(decoded, wanted[-1:])


@SHAPES
def test_splits_computed_side_by_side_are_those_computed_one_after_the_other(
    group: int,
    dim: int,
    window: int | None,
    cap: float | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from inference.kernels import triton_kernels  # noqa: PLC0415

    shape = Shape(group, dim, window, cap, kv_heads=1)
    for pieces in ([(600, 20), (10, 1), (250, 9)], [(1100, 1), (10, 1)]):
        side_by_side = attend(shape, pieces)
        with monkeypatch.context() as patch:
            patch.setattr(triton_kernels, "FEW_PROGRAMS", 0)
            in_a_row = attend(shape, pieces)
        for a, b in zip(side_by_side, in_a_row, strict=True):
            assert torch.equal(a, b)
