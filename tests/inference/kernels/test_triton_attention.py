"""Paged attention in Triton against what the book says."""

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
