"""The functions of a layer in C++, and products of few bits: exact, and each row by itself."""

import ctypes
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F  # noqa: N812

from inference import rank_log
from inference.kernels import cpp_library
from inference.kernels.activation import Activation
from inference.kernels.cpp_kernels import CppKernels, agrees_with_torch, compile_kernels
from inference.kernels.cpp_library import load_library
from inference.kernels.cpp_products import packed_4_bits, packed_8_bits
from inference.kernels.cpp_stack import CppStack, PackedLinear, StackedLayer
from inference.kernels.layer_kernels import (
    HeadNorm,
    LayerAttention,
    Norm,
    QueryChunk,
    step_rows,
)
from inference.kernels.machine_cache import NoCache, cache_directory
from inference.kernels.paged_cache import KVCache
from inference.kernels.rope import Rope
from inference.kernels.rotary import RotaryTable
from inference.kernels.torch_kernels import apply
from inference.model.quantized import Int4, Int8

PAGES, KV_HEADS = 256, 2
CPU = torch.device("cpu")
DTYPES = [torch.float32, torch.bfloat16]


@pytest.fixture(scope="session")
def library() -> ctypes.CDLL:
    loaded = load_library()
    if loaded is None:
        pytest.skip("No kernels in C++: there is no compiler here.")
    return loaded


@pytest.fixture(params=[1, 2])
def _threads(request: pytest.FixtureRequest) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield
    torch.set_num_threads(before)


class Texts:
    """Random texts on scattered pages of one cache, computed in whatever pieces."""

    def __init__(
        self,
        kernels: CppKernels,
        lengths: Sequence[int],
        group: int,
        dim: int,
        page: int = 16,
        window: int | None = None,
        cap: float | None = None,
        normed: bool = False,
    ) -> None:
        self.kernels, self.group, self.dim, self.window, self.cap = kernels, group, dim, window, cap
        dtype = kernels.dtype
        random = torch.Generator().manual_seed(dim + group)
        self.inputs = [
            torch.randn(n, KV_HEADS, group + 2, dim, generator=random).to(dtype) for n in lengths
        ]
        # What nobody has written must not count.
        self.cache = KVCache((1, PAGES, page, KV_HEADS, dim), dtype, CPU)
        self.cache.data.fill_(1e4)
        order = torch.randperm(PAGES, generator=random).tolist()
        self.tables = [order[i :: len(lengths)] for i in range(len(lengths))]
        rotary = RotaryTable(Rope(dim, 10000.0), max(lengths), dtype, CPU)
        weight = torch.rand(group + 1, dim, generator=random) + 0.5
        self.norm = HeadNorm(weight, 1e-5) if normed else None
        self.layer = LayerAttention(0, dim**-0.5, cap, window, rotary, self.norm)
        self.done = [0] * len(lengths)
        self.outputs: list[list[torch.Tensor]] = [[] for _ in lengths]

    def compute(self, counts: Sequence[int]) -> None:
        """Compute so many tokens of each text in one step."""
        pieces = [(i, self.done[i], n) for i, n in enumerate(counts) if n]
        chunks = [QueryChunk(n, at, self.tables[i]) for i, at, n in pieces]
        step = step_rows(chunks, self.cache, self.kernels.tile_rows)
        qkv = torch.cat([self.inputs[i][at : at + n] for i, at, n in pieces])
        self.kernels.store(qkv, self.layer, step)
        rows = self.kernels.attend(qkv, self.layer, step)
        for (i, _, n), out in zip(pieces, torch.split(rows, [n for *_, n in pieces]), strict=True):
            self.outputs[i].append(out)
            self.done[i] += n

    def output(self, index: int) -> torch.Tensor:
        return torch.cat(self.outputs[index])

    def by_the_book(self, index: int) -> torch.Tensor:
        """Compute the whole text in double precision."""
        qkv, length = self.inputs[index].double(), len(self.inputs[index])
        heads = qkv[:, :, :-1]
        if self.norm is not None:
            scale = heads.square().mean(-1, keepdim=True).add(self.norm.eps).rsqrt()
            heads = heads * scale * self.norm.weight.double()
        rotary = self.layer.rotary
        assert rotary is not None
        cos, sin = (of[:length, None, None].double() for of in (rotary.cos, rotary.sin))
        heads = heads * cos + heads.roll(self.dim // 2, -1) * sin
        scores = torch.einsum("qhgd,khd->hgqk", heads[:, :, :-1], heads[:, :, -1])
        scores *= self.dim**-0.5
        if self.cap is not None:
            scores = self.cap * (scores / self.cap).tanh()
        hidden = torch.ones(length, length).triu(1).bool()
        if self.window is not None:
            hidden |= torch.ones(length, length).tril(-self.window).bool()
        weights = scores.masked_fill(hidden, -torch.inf).softmax(-1)
        return torch.einsum("hgqk,khd->qhgd", weights, qkv[:, :, -1]).flatten(1)


SHAPES = [
    # group, dim, page, window, cap, normed
    (3, 64, 16, None, None, False),
    (1, 128, 16, None, None, True),
    (7, 16, 8, 100, None, False),
    (2, 80, 16, None, 5.0, False),
    (4, 8, 32, 300, 5.0, True),
    (1, 20, 1, 1, None, False),
]


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_attention_is_what_the_book_says(
    dtype: torch.dtype, shape: tuple[int, int, int, int | None, float | None, bool]
) -> None:
    kernels = kernels_of(dtype)
    lengths = (120, 5) if shape[2] == 1 else (700, 5)
    texts = Texts(kernels, lengths, *shape)
    texts.compute([64, 5])
    texts.compute([1, 0])
    texts.compute([lengths[0] - 65, 0])
    for index in (0, 1):
        wanted = texts.by_the_book(index)
        tolerance = 1e-5 if dtype == torch.float32 else 4e-2
        assert torch.allclose(texts.output(index).double(), wanted, atol=tolerance, rtol=0)


@pytest.mark.usefixtures("library", "_threads")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES[:5])
def test_a_token_has_the_same_numbers_in_whatever_pieces_and_company(
    dtype: torch.dtype, shape: tuple[int, int, int, int | None, float | None, bool]
) -> None:
    kernels = kernels_of(dtype)
    whole, pieces = (Texts(kernels, (600, 40, 9), *shape) for _ in range(2))
    whole.compute([600, 0, 0])
    whole.compute([0, 40, 0])
    whole.compute([0, 0, 9])
    for counts in ([3, 1, 0], [60, 30, 2], [1, 1, 1], [1, 1, 1], [200, 0, 5], [334, 7, 0]):
        pieces.compute(counts)
    pieces.compute([1, 0, 0])
    for index in range(3):
        assert torch.equal(whole.output(index), pieces.output(index))


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize("dtype", DTYPES)
def test_one_row_of_a_long_text_is_the_same_by_one_thread_and_by_two(dtype: torch.dtype) -> None:
    before, outputs = torch.get_num_threads(), []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        texts = Texts(kernels_of(dtype), (1500,), 3, 64)
        texts.compute([1499])
        # Few tiles: two threads share the splits of each.
        texts.compute([1])
        outputs.append(texts.output(0))
    torch.set_num_threads(before)
    assert torch.equal(*outputs)


@pytest.mark.usefixtures("library", "_threads")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("hidden", [576, 40])
@pytest.mark.parametrize("biased", [False, True])
@pytest.mark.parametrize("posted", [False, True])
def test_sums_and_norms_are_what_the_book_says_and_each_row_is_by_itself(
    dtype: torch.dtype, hidden: int, biased: bool, posted: bool
) -> None:
    kernels = kernels_of(dtype)
    rows, added = torch.randn(50, hidden) + 1, torch.randn(50, hidden).to(dtype)
    norm = Norm(torch.rand(hidden), torch.randn(hidden) if biased else None, 1e-5)
    post = Norm(torch.rand(hidden), None, 1e-6) if posted else None
    alone, together = rows[7:8].clone(), rows.clone()
    out = kernels.add_norm(together, added, post, norm)
    wanted = rows.double() + (normed(added.double(), post) if post else added.double())
    assert torch.allclose(together.double(), wanted, atol=1e-5)
    tolerance = 1e-5 if dtype == torch.float32 else 3e-2
    assert torch.allclose(out.double(), normed(wanted, norm), atol=tolerance)
    assert torch.equal(kernels.add_norm(alone, added[7:8], post, norm), out[7:8])
    assert torch.equal(alone, together[7:8])


def normed(rows: torch.Tensor, norm: Norm) -> torch.Tensor:
    shape, weight = rows.shape[-1:], norm.weight.double()
    if norm.bias is None:
        return F.rms_norm(rows, shape, weight, norm.eps)
    return F.layer_norm(rows, shape, weight, norm.bias.double(), norm.eps)


@pytest.mark.usefixtures("library", "_threads")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", ["silu", "gelu", "gelu_tanh"])
@pytest.mark.parametrize("gated", [False, True])
def test_activations_are_what_the_book_says(
    dtype: torch.dtype, activation: Activation, gated: bool
) -> None:
    rows = (torch.randn(30, 72) * 10).to(dtype)
    left, right = rows.double().chunk(2, dim=-1) if gated else (rows.double(), 1.0)
    wanted = apply(left, activation) * right
    out = kernels_of(dtype).activate(rows, activation, gated)
    tolerance = 1e-5 if dtype == torch.float32 else 1e-2
    assert torch.allclose(out.double(), wanted, rtol=tolerance, atol=tolerance)


def int4_of(out: int, columns: int) -> Int4:
    scales, minima = torch.rand(2, out, columns // 32) * 0.1
    return Int4(torch.randint(16, (out, columns), dtype=torch.uint8), scales, -minima * 8)


def test_products_of_few_bits_are_exact_to_the_last_bit_of_bf16_but_one(
    products: ctypes.CDLL,
) -> None:
    rows = torch.randn(40, 576).bfloat16()
    four, eight = int4_of(96, 576), Int8.of(torch.randn(96, 576))
    for ours, weight in (
        (packed_4_bits(four.values, four.scales, four.minima), four),
        (packed_8_bits(eight.values, eight.scales), eight),
    ):
        assert ours is not None
        wanted = rows.double() @ weight.full().double().T
        error = (ours(rows).double() - wanted).norm() / wanted.norm()
        assert error < 0.002  # what bf16 itself costs


@pytest.mark.usefixtures("products", "_threads")
@pytest.mark.parametrize("bits", [4, 8])
def test_a_row_of_a_product_is_the_same_alone_and_among_any_number(bits: int) -> None:
    torch.manual_seed(0)
    four, eight = int4_of(112, 1536), Int8.of(torch.randn(112, 1536))
    product = (
        packed_4_bits(four.values, four.scales, four.minima)
        if bits == 4
        else packed_8_bits(eight.values, eight.scales)
    )
    assert product is not None
    rows = torch.randn(37, 1536).bfloat16()
    rows[3] = 0
    whole = product(rows)
    for count in (1, 2, 3, 5, 8, 13):
        for at in range(0, 37, count):
            assert torch.equal(product(rows[at : at + count]), whole[at : at + count])


@pytest.fixture(scope="session")
def products(library: ctypes.CDLL) -> ctypes.CDLL:
    if not library.has_products():
        pytest.skip("This CPU does not multiply bytes (AVX512-VNNI).")
    return library


@pytest.mark.usefixtures("products", "_threads")
@pytest.mark.parametrize("rows", [1, 8, 70])
@pytest.mark.parametrize("posted", [False, True])
def test_layers_in_one_call_give_the_bits_of_layers_one_by_one(rows: int, posted: bool) -> None:
    kernels, group, dim, hidden = kernels_of(torch.bfloat16), 2, 16, 64
    torch.manual_seed(rows)
    rotary = RotaryTable(Rope(dim, 10000.0), 100, torch.bfloat16, CPU)

    def norm() -> Norm:
        return Norm(torch.rand(hidden), None, 1e-5)

    def linear(out: int, columns: int, biased: bool = False) -> PackedLinear:
        weight = int4_of(out, columns)
        product = packed_4_bits(weight.values, weight.scales, weight.minima)
        assert product is not None
        return PackedLinear(product, torch.randn(out).bfloat16() if biased else None)

    layers = [
        StackedLayer(
            (norm(), norm()),
            (norm() if posted and index else None, norm() if posted else None),
            (
                linear(KV_HEADS * (group + 2) * dim, hidden, biased=True),
                linear(hidden, KV_HEADS * group * dim),
                linear(256, hidden),
                linear(hidden, 128, biased=True),
            ),
            LayerAttention(index, dim**-0.5, rotary=rotary),
            (KV_HEADS, group, dim),
            ("silu", True),
        )
        for index in range(3)
    ]
    cache = KVCache((3, 8, 16, KV_HEADS, dim), torch.bfloat16, CPU)
    step = step_rows([QueryChunk(rows, 0, [5, 2, 7, 1, 0])], cache, kernels.tile_rows)
    start = torch.randn(rows, hidden)
    hidden_rows, added = start.clone(), None
    for layer in layers:
        qkv_linear, proj, fc1, fc2 = layer.linears
        normed_rows = kernels.add_norm(hidden_rows, added, layer.posts[0], layer.norms[0])
        qkv = compute(qkv_linear, normed_rows).view(rows, KV_HEADS, group + 2, dim)
        kernels.store(qkv, layer.attention, step)
        mixed = compute(proj, kernels.attend(qkv, layer.attention, step))
        normed_rows = kernels.add_norm(hidden_rows, mixed, layer.posts[1], layer.norms[1])
        added = compute(fc2, kernels.activate(compute(fc1, normed_rows), "silu", True))
    together = start.clone()
    out = CppStack(kernels, layers).compute(together, step)
    assert added is not None
    assert torch.equal(out, added)
    assert torch.equal(together, hidden_rows)


def compute(linear: PackedLinear, rows: torch.Tensor) -> torch.Tensor:
    out = linear.product(rows)
    return out if linear.bias is None else out.add_(linear.bias)


def kernels_of(dtype: torch.dtype) -> CppKernels:
    kernels = compile_kernels(dtype)
    assert kernels is not None
    return kernels


class Broken(CppKernels):
    """One of its functions is wrong by one part in a hundred."""

    def activate(self, rows: torch.Tensor, activation: Activation, gated: bool) -> torch.Tensor:
        return super().activate(rows, activation, gated) * 1.1


def test_kernels_that_compute_something_else_are_not_used(library: ctypes.CDLL) -> None:
    assert agrees_with_torch(CppKernels(library, torch.float32))
    assert not agrees_with_torch(Broken(library, torch.float32))


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    load_library.cache_clear()
    yield tmp_path / "draftsmith"
    load_library.cache_clear()


def test_without_a_compiler_torch_computes_and_a_line_says_why(
    empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    monkeypatch.setattr(rank_log, "said", [])
    assert compile_kernels(torch.float32) is None
    assert [facts["reason"] for _, facts in rank_log.said] == [
        "There is no C++ compiler: no-such-compiler."
    ]


def test_a_compiler_that_fails_leaves_torch_and_no_file(
    empty_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiler = tmp_path / "c++"
    compiler.write_text('#!/bin/sh\n[ "$1" = --version ] && exit\necho "error: no" >&2\nexit 1\n')
    compiler.chmod(0o700)
    monkeypatch.setenv("CXX", str(compiler))
    monkeypatch.setattr(rank_log, "said", [])
    assert compile_kernels(torch.float32) is None
    assert [facts["reason"] for _, facts in rank_log.said] == [f"{compiler} has failed: error: no"]
    assert list(empty_cache.iterdir()) == []


def test_a_cache_that_others_can_write_to_is_not_used(empty_cache: Path) -> None:
    assert stat.S_IMODE(cache_directory().stat().st_mode) == 0o700
    empty_cache.chmod(0o770)
    with pytest.raises(NoCache, match="0700"):
        cache_directory()
    assert compile_kernels(torch.float32) is None


def test_a_library_is_compiled_once(
    library: ctypes.CDLL, empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load_library() is not None
    [file] = empty_cache.iterdir()
    written = os.stat(file).st_mtime_ns
    load_library.cache_clear()
    monkeypatch.setattr(cpp_library, "_compile", None)
    assert load_library() is not None
    assert os.stat(file).st_mtime_ns == written
