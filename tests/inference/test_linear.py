"""Products with weights in full and in few bits, and how many rows they are made of."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.distributed as dist
from gguf import GGMLQuantizationType
from hypothesis import given
from hypothesis import strategies as st

from inference.checkpoint.open import open_checkpoint
from inference.model import row_sizes
from inference.model.linear import ParallelLinear, full_product, int4_product, int8_product
from inference.model.quantized import Int4, Int8
from inference.model.row_sizes import RowSizes
from inference.model.weight_loader import Matrix, WeightForm, WeightLoader
from inference.model.weight_slots import WeightSlot, weight_slots

GATE, DOWN = "layers.0.gate", "layers.0.down"


@pytest.fixture(params=["Q4_0", "Q4_1"])
def few(
    request: pytest.FixtureRequest, make_tiny_gguf: Callable[..., None], tmp_path: Path
) -> Path:
    make_tiny_gguf(tmp_path / "few.gguf", kind=GGMLQuantizationType[request.param])
    return tmp_path / "few.gguf"


@pytest.fixture
def loader(few: Path) -> WeightLoader:
    checkpoint = open_checkpoint(few)
    return WeightLoader(checkpoint.tensors, checkpoint.refs)


def linear(name: str, rows: np.ndarray | None = None, columns: slice | None = None) -> WeightSlot:
    return WeightSlot("mlp.linear_fc1", ((name, rows),), columns)


def blocks_of(loader: WeightLoader, slot: WeightSlot) -> Int4:
    assert loader.held_as(slot, "file") == "int4"
    blocks = loader.load(slot, "file").weight
    assert isinstance(blocks, Int4)
    return blocks


def rows_of(count: int, columns: int) -> torch.Tensor:
    return torch.randn(count, columns, generator=torch.Generator().manual_seed(count)).bfloat16()


def test_blocks_of_4_bits_are_read_as_gguf_reads_them(loader: WeightLoader) -> None:
    some = np.array([5, 3, 99, 0] * 4)
    for rows in (None, np.arange(16, 48), some):
        blocks = blocks_of(loader, linear(GATE, rows))
        assert torch.equal(blocks.full(), loader.parameter(f"{GATE}.weight", rows, None))
    columns = slice(64, 128)
    right = blocks_of(loader, linear(DOWN, columns=columns))
    assert torch.equal(right.full(), loader.parameter(f"{DOWN}.weight", None, columns))


def test_columns_that_cut_through_a_block_and_matrices_in_full_have_no_blocks(
    loader: WeightLoader, tiny_gguf: Path
) -> None:
    assert loader.held_as(linear(DOWN, columns=slice(0, 48)), "file") == "full"
    assert loader.held_as(linear("embedding"), "file") == "full"
    full = open_checkpoint(tiny_gguf)
    assert WeightLoader(full.tensors, full.refs).held_as(linear(GATE), "file") == "full"


@pytest.mark.parametrize("rows", [1, 2, 3, 4, 7, 16, 100])
def test_products_in_few_bits_are_those_of_the_numbers_they_stand_for(
    loader: WeightLoader, rows: int
) -> None:
    blocks = blocks_of(loader, linear(GATE))
    x = rows_of(rows, blocks.shape[1])
    wanted = x.float() @ blocks.full().T
    # Scales in bf16, and results in bf16.
    assert torch.allclose(int4_product(blocks)(x).float(), wanted, rtol=0.02, atol=0.02)
    eight = Int8.of(loader.parameter(f"{GATE}.weight", None, None))
    wanted = x.float() @ eight.full().T
    assert torch.allclose(int8_product(eight)(x).float(), wanted, rtol=0.02, atol=0.02)


def test_rounding_to_8_bits_is_off_by_half_a_step_at_most_and_keeps_nothing_as_nothing() -> None:
    matrix = torch.randn(20, 64, generator=torch.Generator().manual_seed(1))
    matrix[3] = 0
    eight = Int8.of(matrix)
    assert ((eight.full() - matrix).abs() <= eight.scales[:, None] * 0.501).all()
    assert torch.equal(eight.full()[3], matrix[3])


@pytest.mark.parametrize("form", ["file", "int8", "full"])
def test_the_parts_of_two_ranks_make_up_the_whole(few: Path, form: WeightForm) -> None:
    checkpoint = open_checkpoint(few)
    loader, config = WeightLoader(checkpoint.tensors, checkpoint.refs), checkpoint.config

    def parts(rank: int, tp: int) -> dict[str, Matrix]:
        return {
            slot.path: loader.load(slot, form).weight for slot in weight_slots(config, rank, tp)
        }

    whole, halves = parts(0, 1), [parts(0, 2), parts(1, 2)]
    for name, part in whole.items():
        full = [p if isinstance(p, torch.Tensor) else p.full() for p in (h[name] for h in halves)]
        wanted = part if isinstance(part, torch.Tensor) else part.full()
        if name.endswith(("linear_proj", "linear_fc2")):
            joined = torch.cat(full, dim=1)
        elif name.endswith("linear_fc1"):
            gates, ups = zip(*(half.chunk(2) for half in full), strict=True)
            joined = torch.cat([*gates, *ups])
        elif name.endswith("norm"):
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
    found = RowSizes(tuple(usable), tuple(costs[: len(usable)]))
    padded = found.padded(rows)
    assert padded >= rows
    rest = padded % found.largest
    assert rest == 0 or rest in usable
    assert padded - rows < found.largest
    alternatives = [c for s, c in zip(usable, costs, strict=False) if s >= rows % usable[-1]]
    if rows % usable[-1]:
        wanted = rows // usable[-1] * found.costs[-1] + min(alternatives)
        assert found.cost(rows) == pytest.approx(wanted)


def test_more_rows_than_the_largest_number_are_computed_piece_by_piece() -> None:
    matrix = torch.randn(32, 64, generator=torch.Generator().manual_seed(1))
    layer = ParallelLinear().fill([full_product(matrix)], 64)
    layer.use({4: 0, 8: 0})
    x = torch.randn(28, 64, generator=torch.Generator().manual_seed(2))
    assert torch.allclose(layer(x), x @ matrix.T, atol=1e-4)


@pytest.fixture
def one_rank(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    dist.init_process_group("gloo", f"file://{tmp_path / 'rendezvous'}", rank=0, world_size=1)
    yield
    dist.destroy_process_group()


@pytest.mark.usefixtures("one_rank")
def test_where_no_product_gives_the_same_bits_twice_each_row_is_computed_by_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(row_sizes, "_same_bits", lambda *_: False)
    layer = ParallelLinear().fill([full_product(torch.ones(4, 8))], 8)
    found = row_sizes.measure([[layer]], torch.float32, deterministic=True)
    assert found.sizes == (1,)
    assert found.costs[0] < 1.0
    assert layer(torch.ones(3, 8)).tolist() == [[8.0] * 4] * 3
