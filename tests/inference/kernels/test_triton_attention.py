"""Paged attention in Triton: what it computes, and that a row's bits are its own."""

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.inference.kernels.texts import Piece, Shape, attend, by_the_book

DTYPES = [torch.bfloat16, torch.float32]


def assert_right(shape: Shape, pieces: list[Piece], padding: int = 0) -> None:
    # The interpreter cuts bf16 off where a card rounds.
    most, on_average = (0.06, 0.006) if shape.dtype == torch.bfloat16 else (1e-4, 1e-5)
    for seed, (piece, rows) in enumerate(zip(pieces, attend(shape, pieces, padding), strict=True)):
        wrong = (rows.double() - by_the_book(shape, piece, seed)).abs()
        assert wrong.max() < most
        assert wrong.mean() < on_average


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("group", "dim", "window", "cap"),
    [
        (1, 64, None, None),
        (2, 96, None, 2.0),
        (3, 128, 300, None),
        (4, 128, None, None),
        (7, 64, 40, 2.0),
        (8, 256, None, None),
        (20, 64, None, None),
    ],
)
def test_attention_is_what_the_book_says(
    group: int, dim: int, window: int | None, cap: float | None, dtype: torch.dtype
) -> None:
    shape = Shape(group, dim, window, cap, dtype=dtype)
    # A prompt, a piece over the border of a split, a decode; then decodes alone.
    assert_right(shape, [(0, 40), (500, 20), (300, 1)])
    assert_right(shape, [(600, 1), (0, 1), (255, 1), (256, 1)], padding=2)


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.builds(
        Shape,
        group=st.sampled_from([1, 2, 3, 4, 7, 8]),
        dim=st.sampled_from([16, 64, 96, 128, 256]),
        window=st.sampled_from([None, 1, 17, 256, 300]),
        cap=st.sampled_from([None, 1.0, 30.0]),
        kv_heads=st.integers(1, 2),
        dtype=st.sampled_from(DTYPES),
    ),
    st.lists(
        st.tuples(st.integers(0, 900), st.one_of(st.just(1), st.integers(1, 12))),
        min_size=1,
        max_size=3,
    ),
    st.integers(0, 2),
)
def test_attention_is_what_the_book_says_of_any_texts(
    shape: Shape, pieces: list[Piece], padding: int
) -> None:
    assert_right(shape, pieces, padding)


SHAPES = pytest.mark.parametrize(
    ("group", "dim", "window", "cap"),
    [(4, 32, None, None), (3, 64, 270, 2.0), (8, 256, None, None), (20, 16, None, None)],
)


@pytest.mark.parametrize("dtype", DTYPES)
@SHAPES
def test_a_row_has_the_same_bits_alone_and_in_a_batch_and_in_whatever_pieces(
    group: int, dim: int, window: int | None, cap: float | None, dtype: torch.dtype
) -> None:
    shape = Shape(group, dim, window, cap, kv_heads=1, dtype=dtype)
    (whole,) = attend(shape, [(500, 20)])
    for at, count in [(500, 1), (501, 3), (511, 1), (512, 1), (505, 15), (519, 1)]:
        (alone,) = attend(shape, [(at, count)])
        together, *_ = attend(shape, [(at, count), (100, 11), (0, 1), (700, 1)])
        decoded, *_ = attend(shape, [(at + count - 1, 1), (900, 1)])
        wanted = whole[at - 500 : at - 500 + count]
        assert torch.equal(alone, wanted)
        assert torch.equal(together, wanted)
        assert torch.equal(decoded, wanted[-1:])


@pytest.mark.parametrize("dtype", DTYPES)
@SHAPES
def test_splits_computed_side_by_side_are_those_computed_one_after_the_other(
    group: int,
    dim: int,
    window: int | None,
    cap: float | None,
    dtype: torch.dtype,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from inference.kernels import triton_kernels  # noqa: PLC0415

    shape = Shape(group, dim, window, cap, kv_heads=1, dtype=dtype)
    for pieces in ([(600, 20), (10, 1), (250, 9)], [(1100, 1), (10, 1)]):
        side_by_side = attend(shape, pieces)
        with monkeypatch.context() as patch:
            patch.setattr(triton_kernels, "FEW_PROGRAMS", 0)
            in_a_row = attend(shape, pieces)
        for a, b in zip(side_by_side, in_a_row, strict=True):
            assert torch.equal(a, b)
