"""Norms, rotation and storing, activations in Triton."""

import pytest
import torch
from torch.nn import functional as F  # noqa: N812

from inference.kernels.activation import Activation
from inference.kernels.layer_kernels import HeadNorm, LayerAttention, Norm, QueryChunk, step_rows
from inference.kernels.paged_cache import KVCache
from inference.kernels.rope import Rope
from inference.kernels.rotary import RotaryTable
from tests.inference.kernels.texts import DEVICE, PAGE, randn, triton_kernels

EPS = 1e-3
DTYPES = [torch.bfloat16, torch.float32]


def assert_close(got: torch.Tensor, wanted: torch.Tensor, absolute: float = 1e-5) -> None:
    """Compare with what the book says. absolute: how far bf16 may be off where numbers cancel out;
    it holds 8 bits, and the interpreter cuts off where a card rounds.
    """
    bf16 = got.dtype == torch.bfloat16
    torch.testing.assert_close(
        got.double(), wanted, rtol=2**-7 if bf16 else 1e-5, atol=absolute if bf16 else 1e-5
    )


def norm_of(width: int, bias: bool, seed: int) -> Norm:
    weight = 1 + randn(width, seed=seed) / 4
    return Norm(weight, randn(width, seed=seed + 1) if bias else None, EPS)


def normalised(rows: torch.Tensor, norm: Norm) -> torch.Tensor:
    """Return what the book says, in double precision."""
    rows, weight = rows.double(), norm.weight.double()
    if norm.bias is not None:
        rows = rows - rows.mean(-1, keepdim=True)
    rows = rows / (rows.square().mean(-1, keepdim=True) + norm.eps).sqrt() * weight
    return rows if norm.bias is None else rows + norm.bias.double()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("post", [None, "rms", "layer"])
@pytest.mark.parametrize("kind", ["rms", "layer"])
@pytest.mark.parametrize("width", [48, 576])
def test_what_is_added_and_the_norm_of_the_sum_are_what_the_book_says(
    width: int, kind: str, post: str | None, dtype: torch.dtype
) -> None:
    hidden, added = 3 * randn(3, width) + 1, randn(3, width, seed=1).to(dtype)
    norm = norm_of(width, kind == "layer", 2)
    post_norm = None if post is None else norm_of(width, post == "layer", 4)
    wanted = hidden.double() + (
        added.double() if post_norm is None else normalised(added, post_norm)
    )
    out = triton_kernels(dtype).add_norm(hidden, added, post_norm, norm)
    assert out.dtype == dtype
    assert_close(hidden, wanted)
    assert_close(out, normalised(wanted, norm))


def test_where_nothing_is_added_the_rows_stay_as_they_are() -> None:
    hidden, norm = randn(2, 64), norm_of(64, False, 2)
    before = hidden.clone()
    out = triton_kernels(torch.float32).add_norm(hidden, None, None, norm)
    assert torch.equal(hidden, before)
    assert_close(out, normalised(before, norm))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("head_norm", [False, True])
@pytest.mark.parametrize("rotary", [False, True])
@pytest.mark.parametrize(("group", "dim"), [(1, 64), (3, 96), (4, 128)])
def test_heads_are_normalised_then_turned_then_stored(
    group: int, dim: int, rotary: bool, head_norm: bool, dtype: torch.dtype
) -> None:
    cache = KVCache((2, 5, PAGE, 2, dim), dtype, DEVICE)
    table = RotaryTable(Rope(dim, 10000.0), 64, dtype, DEVICE)
    weight = 1 + randn(group + 1, dim, seed=1) / 4
    norm = HeadNorm(weight, EPS) if head_norm else None
    layer = LayerAttention(1, 1.0, rotary=table if rotary else None, head_norm=norm)
    step = step_rows([QueryChunk(3, 15, [4, 1]), QueryChunk(1, 20, [0, 3])], cache, 2)
    qkv = randn(4, 2, group + 2, dim, seed=2).to(dtype)
    turned, value = qkv[:, :, :-1].double(), qkv[:, :, -1].clone()
    if head_norm:
        turned = turned / (turned.square().mean(-1, keepdim=True) + EPS).sqrt() * weight.double()
    if rotary:
        cos, sin = (of[step.positions][:, None, None].double() for of in (table.cos, table.sin))
        turned = turned * cos + turned.roll(dim // 2, -1) * sin
    triton_kernels(dtype, group).store(qkv, layer, step)
    stored = cache.by_slot[1][step.slots]
    assert_close(qkv[:, :, :-2], turned[:, :, :-1], absolute=0.02)
    assert_close(stored[:, :, 0], turned[:, :, -1], absolute=0.02)
    assert torch.equal(stored[:, :, 1], value)
    cache.by_slot[1][step.slots] = 0
    assert cache.data.abs().max() == 0


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("gated", [False, True])
@pytest.mark.parametrize("activation", ["silu", "gelu", "gelu_tanh"])
def test_activations_are_those_of_torch(
    activation: Activation, gated: bool, dtype: torch.dtype
) -> None:
    rows = (3 * randn(3, 2100)).to(dtype)
    gate, up = rows.double().chunk(2, dim=1) if gated else (rows.double(), 1)
    approximate = "tanh" if activation == "gelu_tanh" else "none"
    wanted = F.silu(gate) if activation == "silu" else F.gelu(gate, approximate=approximate)
    out = triton_kernels(dtype).activate(rows, activation, gated)
    assert_close(out, wanted * up)
