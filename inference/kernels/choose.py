"""Which functions a rank computes its layers with."""

from importlib import import_module

import torch

from inference.kernels.cpp_kernels import compile_kernels
from inference.kernels.layer_kernels import LayerKernels
from inference.kernels.torch_kernels import TorchKernels


def choose_kernels(
    device: torch.device,
    dtype: torch.dtype,
    group: int,
    head_dim: int,
    windows: frozenset[int | None],
    *,
    capped: bool,
) -> LayerKernels:
    """Return those for the device: Triton's on a GPU; on a CPU those in C++, or torch's where there
    is no compiler. group: queries that share a key; windows: of all layers;
    capped: whether scores are limited.
    """
    if device.type == "cuda":
        # Only where there is a GPU is triton sure to be there.
        triton = import_module("inference.kernels.triton_kernels")
        kernels: LayerKernels = triton.TritonKernels(dtype, group)
        return kernels
    return compile_kernels(dtype) or TorchKernels(dtype, group, head_dim, windows, capped=capped)
