"""All layers of a step in one call: the threads stay together, and Python does not come in."""

from collections.abc import Sequence
from ctypes import POINTER, Structure, byref, c_int, c_long, c_void_p, pointer
from dataclasses import dataclass

import torch

from inference.kernels.activation import Activation
from inference.kernels.cpp_kernels import ACTIVATIONS, AttentionStruct, CppKernels, NormStruct
from inference.kernels.cpp_products import PackedProduct, ProductStruct
from inference.kernels.layer_kernels import LayerAttention, Norm, StepRows
from inference.kernels.paged_cache import KVCache


class LayerStruct(Structure):
    _fields_ = (
        ("norm", NormStruct),
        ("mlp_norm", NormStruct),
        ("post_of_previous", POINTER(NormStruct)),
        ("post_of_attention", POINTER(NormStruct)),
        ("qkv", ProductStruct),
        ("proj", ProductStruct),
        ("fc1", ProductStruct),
        ("fc2", ProductStruct),
        ("attention", AttentionStruct),
        ("activation", c_int),
        ("gated", c_int),
    )


@dataclass(frozen=True, slots=True)
class PackedLinear:
    """A product whose rows nobody else adds to, and its bias, [out] bf16."""

    product: PackedProduct
    bias: torch.Tensor | None

    @property
    def struct(self) -> ProductStruct:
        product = self.product
        scales = None if product.scales is None else product.scales.data_ptr()
        bias = None if self.bias is None else self.bias.data_ptr()
        return ProductStruct(product.packed.data_ptr(), scales, bias, product.columns, product.out)


@dataclass(frozen=True, slots=True)
class StackedLayer:
    """What a decoder layer computes with.

    norms: of attention and of the feed-forward; posts: of what the layer before gives, and of what
    attention gives; linears: qkv, projection, and the two of the feed-forward; shape: kv_heads,
    queries that share a key, head_dim; activation: as `LayerKernels.activate` takes it.
    """

    norms: tuple[Norm, Norm]
    posts: tuple[Norm | None, Norm | None]
    linears: tuple[PackedLinear, ...]
    attention: LayerAttention
    shape: tuple[int, int, int]
    activation: tuple[Activation, bool]

    def __post_init__(self) -> None:
        assert len(self.linears) == 4


class CppStack:
    """Layers that follow one another. It gives the same bits as they do one by one."""

    def __init__(self, kernels: CppKernels, layers: Sequence[StackedLayer]) -> None:
        assert layers
        self.kernels, self.layers = kernels, tuple(layers)
        qkv, proj, fc1, fc2 = (linear.product for linear in layers[0].linears)
        # Numbers of a row: normed, qkv, attention, projected, before and after the activation.
        self.room = 2 * qkv.columns + qkv.out + proj.columns + fc1.out + fc2.columns
        self._cache: KVCache | None = None
        kernels.library.compute_layers.argtypes = (c_void_p, c_long, *[c_void_p] * 5)

    def compute(self, hidden: torch.Tensor, step: StepRows) -> torch.Tensor:
        """Compute all layers. hidden: [rows, hidden] fp32, added to in place. Returns what the last
        layer gives, which is not in hidden yet: [rows, hidden] bf16.
        """
        if step.cache is not self._cache:
            self._cache = step.cache
            self._structs = (LayerStruct * len(self.layers))(*map(self._struct, self.layers))
        rows = hidden.shape[0]
        out = torch.empty(hidden.shape, dtype=torch.bfloat16)
        room = torch.empty(rows * self.room, dtype=torch.bfloat16)
        self.kernels.library.compute_layers(
            self._structs,
            len(self.layers),
            hidden.data_ptr(),
            None,
            byref(self.kernels.step_struct(step)),
            out.data_ptr(),
            room.data_ptr(),
        )
        return out

    def _struct(self, layer: StackedLayer) -> LayerStruct:
        assert self._cache is not None
        activation, gated = layer.activation
        return LayerStruct(
            *map(self.kernels.norm_struct, layer.norms),
            *map(self._pointer, layer.posts),
            *(linear.struct for linear in layer.linears),
            self.kernels.attention_struct(layer.shape, layer.attention, self._cache),
            ACTIVATIONS[activation],
            gated,
        )

    def _pointer(self, norm: Norm | None) -> object:
        return None if norm is None else pointer(self.kernels.norm_struct(norm))
