"""The functions of a layer in C++, for CPUs with a compiler at hand."""

import ctypes
from ctypes import Structure, byref, c_float, c_int, c_long, c_void_p

import torch

from inference import rank_log
from inference.kernels.activation import Activation
from inference.kernels.cpp_library import load_library
from inference.kernels.layer_kernels import (
    HeadNorm,
    LayerAttention,
    Norm,
    QueryChunk,
    StepRows,
    step_rows,
)
from inference.kernels.paged_cache import KVCache
from inference.kernels.rope import Rope
from inference.kernels.rotary import RotaryTable
from inference.kernels.torch_kernels import TorchKernels

DTYPES = {torch.float32: 0, torch.bfloat16: 1}
ACTIVATIONS = {"silu": 0, "gelu": 1, "gelu_tanh": 2}
TILE_ROWS = 32
CHECK_DIM = 32


def compile_kernels(dtype: torch.dtype) -> "CppKernels | None":
    """Return the kernels, compiled now or before; None, with a line in the log, where there is no
    compiler, no OpenMP, or they do not compute what plain torch does.
    """
    library = load_library()
    if library is None:
        return None
    kernels = CppKernels(library, dtype)
    if not agrees_with_torch(kernels):
        rank_log.say("the kernels in C++ compute something else, torch computes the layers")
        return None
    return kernels


def agrees_with_torch(kernels: "CppKernels") -> bool:
    """Compute one small layer, and say whether the result is what plain torch gives."""
    reference = TorchKernels(kernels.dtype, 2, CHECK_DIM, frozenset({None}), capped=True)
    ours, theirs = _small_layer(kernels), _small_layer(reference)
    tolerance = 2e-2 if kernels.dtype == torch.bfloat16 else 1e-4
    return all(
        torch.allclose(a.float(), b.float(), rtol=tolerance, atol=tolerance)
        for a, b in zip(ours, theirs, strict=True)
    )


def _small_layer(kernels: "CppKernels | TorchKernels") -> list[torch.Tensor]:
    """Return what each function gives for a text of 70 tokens on two key heads."""
    random, cpu = torch.Generator().manual_seed(0), torch.device("cpu")
    dtype, dim = kernels.dtype, CHECK_DIM
    cache = KVCache((1, 5, 16, 2, dim), dtype, cpu)
    step = step_rows([QueryChunk(70, 0, [4, 1, 3, 0, 2])], cache, kernels.tile_rows)
    rotary = RotaryTable(Rope(dim, 10000.0), 70, dtype, cpu)
    head_norm = HeadNorm(torch.rand(3, dim, generator=random) + 0.5, 1e-5)
    layer = LayerAttention(0, dim**-0.5, 20.0, None, rotary, head_norm)
    qkv = torch.randn(70, 2, 4, dim, generator=random).to(dtype)
    kernels.store(qkv, layer, step)
    mixed = kernels.attend(qkv, layer, step)
    hidden = torch.randn(70, mixed.shape[1], generator=random)
    norm = Norm(torch.rand(mixed.shape[1], generator=random), None, 1e-5)
    normed = kernels.add_norm(hidden, mixed, norm, norm)
    return [cache.data, mixed, hidden, normed, kernels.activate(normed, "silu", True)]


class NormStruct(Structure):
    _fields_ = (("weight", c_void_p), ("bias", c_void_p), ("eps", c_float))


class AttentionStruct(Structure):
    _fields_ = (
        *((name, c_long) for name in ("kv_heads", "group", "head_dim", "page_size", "window")),
        ("scale", c_float),
        ("cap", c_float),
        ("cos", c_void_p),
        ("sin", c_void_p),
        ("head_weight", c_void_p),
        ("head_eps", c_float),
        ("cache", c_void_p),
    )


class StepStruct(Structure):
    _fields_ = (
        *((name, c_long) for name in ("rows", "tiles", "table_width", "longest")),
        *((name, c_void_p) for name in ("positions", "slots")),
        *((name, c_void_p) for name in ("block_tables", "table_of", "tile_list", "partials")),
    )


class CppKernels:
    """`LayerKernels` in C++, with the threads that torch has.

    Structures are made once for each norm, layer and step; they hold addresses, so what they point
    to is kept beside them.
    """

    tile_rows = TILE_ROWS

    def __init__(self, library: ctypes.CDLL, dtype: torch.dtype) -> None:
        self.library, self.dtype, self.code = library, dtype, DTYPES[dtype]
        rows, flag, data = c_long, c_int, c_void_p
        library.add_norm_rows.argtypes = (flag, rows, rows, *[data] * 5)
        library.store_keys.argtypes = (flag, *[data] * 3)
        library.attend_rows.argtypes = (flag, *[data] * 4)
        library.activate_rows.argtypes = (flag, rows, rows, data, flag, flag, data)
        self._norms: dict[int, tuple[Norm, NormStruct]] = {}
        self._layers: dict[tuple[int, int], tuple[LayerAttention, KVCache, AttentionStruct]] = {}
        self._step: StepRows | None = None
        self._step_struct = StepStruct()

    def add_norm(
        self, hidden: torch.Tensor, added: torch.Tensor | None, post: Norm | None, norm: Norm
    ) -> torch.Tensor:
        rows, count = hidden.shape
        out = torch.empty(rows, count, dtype=self.dtype)
        self.library.add_norm_rows(
            self.code,
            rows,
            count,
            hidden.data_ptr(),
            None if added is None else added.data_ptr(),
            None if post is None else byref(self.norm_struct(post)),
            byref(self.norm_struct(norm)),
            out.data_ptr(),
        )
        return out

    def store(self, qkv: torch.Tensor, layer: LayerAttention, step: StepRows) -> None:
        self.library.store_keys(
            self.code,
            qkv.data_ptr(),
            byref(self.attention_struct(_shape(qkv), layer, step.cache)),
            byref(self.step_struct(step)),
        )

    def attend(self, qkv: torch.Tensor, layer: LayerAttention, step: StepRows) -> torch.Tensor:
        rows, kv_heads, heads, head_dim = qkv.shape
        out = torch.empty(rows, kv_heads * (heads - 2) * head_dim, dtype=self.dtype)
        self.library.attend_rows(
            self.code,
            qkv.data_ptr(),
            byref(self.attention_struct(_shape(qkv), layer, step.cache)),
            byref(self.step_struct(step)),
            out.data_ptr(),
        )
        return out

    def activate(self, rows: torch.Tensor, activation: Activation, gated: bool) -> torch.Tensor:
        count, width = rows.shape
        out = torch.empty(count, width // 2 if gated else width, dtype=self.dtype)
        self.library.activate_rows(
            self.code,
            count,
            out.shape[1],
            rows.data_ptr(),
            ACTIVATIONS[activation],
            gated,
            out.data_ptr(),
        )
        return out

    def norm_struct(self, norm: Norm) -> NormStruct:
        if id(norm) not in self._norms:
            bias = None if norm.bias is None else norm.bias.data_ptr()
            self._norms[id(norm)] = norm, NormStruct(norm.weight.data_ptr(), bias, norm.eps)
        return self._norms[id(norm)][1]

    def attention_struct(
        self, shape: tuple[int, int, int], layer: LayerAttention, cache: KVCache
    ) -> AttentionStruct:
        """shape: kv_heads, queries that share a key, head_dim."""
        key = id(layer), id(cache)
        if key not in self._layers:
            self._layers[key] = layer, cache, _attention_struct(shape, layer, cache)
        return self._layers[key][2]

    def step_struct(self, step: StepRows) -> StepStruct:
        if step is not self._step:
            self._step = step
            self._step_struct = StepStruct(
                len(step.positions),
                len(step.tiles),
                step.block_tables.shape[1],
                step.longest,
                step.positions.data_ptr(),
                step.slots.data_ptr(),
                step.block_tables.data_ptr(),
                step.table_of.data_ptr(),
                step.tiles.data_ptr(),
            )
        return self._step_struct


def _shape(qkv: torch.Tensor) -> tuple[int, int, int]:
    _, kv_heads, heads, head_dim = qkv.shape
    return kv_heads, heads - 2, head_dim


def _attention_struct(
    shape: tuple[int, int, int], layer: LayerAttention, cache: KVCache
) -> AttentionStruct:
    rotary, head_norm = layer.rotary, layer.head_norm
    return AttentionStruct(
        *shape,
        cache.page_size,
        layer.window or 0,
        layer.scale,
        layer.cap or 0.0,
        None if rotary is None else rotary.cos.data_ptr(),
        None if rotary is None else rotary.sin.data_ptr(),
        None if head_norm is None else head_norm.weight.data_ptr(),
        0.0 if head_norm is None else head_norm.eps,
        cache.data[layer.index].data_ptr(),
    )
