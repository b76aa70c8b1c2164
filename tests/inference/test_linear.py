"""Products with weights in full and in few bits, and how many rows they are made of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from gguf import GGMLQuantizationType
from hypothesis import given
from hypothesis import strategies as st

from inference.gguf_file import read_gguf
from inference.linear import (
    Int4,
    Int8,
    Linear,
    RowSizes,
    full_product,
    int4_product,
    int8_product,
)
from inference.shape import shape_of
from inference.weights import Weights, load_parts

Q4_0, Q4_1, Q8_0 = (GGMLQuantizationType[name] for name in ("Q4_0", "Q4_1", "Q8_0"))
GATE, DOWN = "blk.0.ffn_gate.weight", "blk.0.ffn_down.weight"


@pytest.fixture(params=[Q4_0, Q4_1], ids=["Q4_0", "Q4_1"])
def weights(request, make_tiny_gguf, tmp_path: Path) -> Weights:
    make_tiny_gguf(tmp_path / "few.gguf", kind=request.param)
    file = read_gguf(tmp_path / "few.gguf")
    return Weights(file, shape_of(file))


def rows_of(count: int, columns: int) -> torch.Tensor:
    return torch.randn(count, columns, generator=torch.Generator().manual_seed(count)).bfloat16()


def test_blocks_of_4_bits_are_read_as_gguf_reads_them(weights: Weights) -> None:
    some = np.array([5, 3, 99, 0])
    for rows in (slice(None), slice(16, 48), some):
        blocks = weights.int4(GATE, rows)
        assert blocks is not None
        assert torch.equal(blocks.full(), weights.rows(GATE, rows))
    right = weights.int4(DOWN, columns=slice(64, 128))
    assert right is not None
    assert torch.equal(right.full(), weights.columns(DOWN, 64, 128))


def test_columns_that_cut_through_a_block_and_matrices_in_full_have_no_blocks(
    weights: Weights, tiny_gguf: Path
) -> None:
    assert weights.int4(DOWN, columns=slice(0, 48)) is None
    assert weights.int4("token_embd.weight") is None
    file = read_gguf(tiny_gguf)
    assert Weights(file, shape_of(file)).int4(GATE) is None


@pytest.mark.parametrize("rows", [1, 2, 3, 4, 7, 16, 100])
def test_products_in_few_bits_are_those_of_the_numbers_they_stand_for(
    weights: Weights, rows: int
) -> None:
    blocks = weights.int4(GATE)
    assert blocks is not None
    x = rows_of(rows, blocks.shape[1])
    wanted = x.float() @ blocks.full().T
    # Scales in bf16, and results in bf16.
    assert torch.allclose(int4_product(blocks)(x).float(), wanted, rtol=0.02, atol=0.02)
    eight = Int8.of(weights.rows(GATE))
    wanted = x.float() @ eight.full().T
    assert torch.allclose(int8_product(eight)(x).float(), wanted, rtol=0.02, atol=0.02)


def test_rounding_to_8_bits_is_off_by_half_a_step_at_most_and_keeps_nothing_as_nothing() -> None:
    matrix = torch.randn(20, 64, generator=torch.Generator().manual_seed(1))
    matrix[3] = 0
    eight = Int8.of(matrix)
    assert ((eight.full() - matrix).abs() <= eight.scales[:, None] * 0.501).all()
    assert torch.equal(eight.full()[3], matrix[3])


@pytest.mark.parametrize("form", ["file", "int8", "full"])
def test_the_parts_of_two_ranks_make_up_the_whole(weights: Weights, form: str) -> None:
    shape = shape_of(weights.file)
    (whole,) = (dict(load_parts(weights, shape, 0, 1, form)),)
    halves = [dict(load_parts(weights, shape, rank, 2, form)) for rank in (0, 1)]
    for name, part in whole.items():
        full = [p if isinstance(p, torch.Tensor) else p.full() for p in (h[name] for h in halves)]
        wanted = part if isinstance(part, torch.Tensor) else part.full()
        if name.endswith(("linear_proj.weight", "linear_fc2.weight")):
            joined = torch.cat(full, dim=1)
        elif name.endswith("linear_fc1.weight"):
            gates, ups = zip(*(half.chunk(2) for half in full), strict=True)
            joined = torch.cat([*gates, *ups])
        elif name.endswith("norm.weight"):
            joined = full[0]
        else:
            joined = torch.cat(full)
        # Eight bits have one scale a row, and a half of a row has its own.
        assert torch.allclose(joined[: len(wanted)], wanted, atol=0.02 if form == "int8" else 0)
        assert isinstance(part, Int4) == (form == "file" and ".linear_" in name)


sizes = st.lists(st.integers(1, 64), min_size=1, max_size=6, unique=True).map(sorted)


@given(sizes, st.lists(st.floats(0.1, 9), min_size=6, max_size=6), st.integers(1, 300))
def test_rows_are_filled_up_to_the_cheapest_numbers_that_hold_them(
    usable: list[int], costs: list[float], rows: int
) -> None:
    row_sizes = RowSizes(tuple(usable), tuple(costs[: len(usable)]))
    padded = row_sizes.padded(rows)
    assert padded >= rows
    rest = padded % row_sizes.largest
    assert rest == 0 or rest in usable
    assert padded - rows < row_sizes.largest
    alternatives = [c for s, c in zip(usable, costs, strict=False) if s >= rows % usable[-1]]
    if rows % usable[-1]:
        wanted = rows // usable[-1] * row_sizes.costs[-1] + min(alternatives)
        assert row_sizes.cost(rows) == pytest.approx(wanted)


def test_more_rows_than_the_largest_number_are_computed_piece_by_piece() -> None:
    matrix = torch.randn(32, 64, generator=torch.Generator().manual_seed(1))
    layer = Linear([full_product(matrix)], 64)
    layer.use({4: 0, 8: 0})
    x = torch.randn(28, 64, generator=torch.Generator().manual_seed(2))
    assert torch.allclose(layer(x), x @ matrix.T, atol=1e-4)
