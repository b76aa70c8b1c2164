"""Which functions a rank computes its layers with."""

import torch

from inference.kernels.cpp_kernels import compile_kernels
from inference.kernels.layer_kernels import LayerKernels
from inference.kernels.torch_kernels import TorchKernels


def choose_kernels(
    dtype: torch.dtype,
    group: int,
    head_dim: int,
    windows: frozenset[int | None],
    *,
    capped: bool,
) -> LayerKernels:
    """Return those for this device. group: queries that share a key; windows: of all layers;
    capped: whether scores are limited.
    """
    return compile_kernels(dtype) or TorchKernels(dtype, group, head_dim, windows, capped=capped)
