"""Products with weights in full and in few bits: how fast, and how exact.

Each is held against double precision with the weights as they are rounded: what is told is what
the product adds, not what the bits cost in quality.
"""

import importlib
from collections.abc import Callable, Iterator
from functools import partial

import torch

from inference.gpu_check.lab import Lab
from inference.gpu_check.report import Row
from inference.model.cuda_products import int4_product_cuda
from inference.model.linear import Product, full_product, int4_product, int8_product
from inference.model.quantized import GROUP, Int4, Int8

ROWS = (1, 8, 32, 256)
CALLS = 20
TRITON = "inference.kernels.triton_linear"
Weight = torch.Tensor | Int8 | Int4


def few_bits(lab: Lab) -> Iterator[Row]:
    """Give for each kind of weight and number of rows the time, and the rate of the weights."""
    config, device = lab.sizes.shape, lab.device
    source = torch.Generator(device.name).manual_seed(5)
    size = (2 * config.ffn, config.hidden)
    full = torch.randn(*size, generator=source, device=device.name) * config.hidden**-0.5
    for name, weight, bits, make in _ways(lab, full):
        try:
            product = make()
        except (RuntimeError, ImportError, AttributeError, AssertionError) as error:
            yield {"product": name, "failed": f"{type(error).__name__}: {str(error)[:120]}"}
            continue
        exact = weight.double() if isinstance(weight, torch.Tensor) else weight.full().double()
        for count in ROWS:
            rows = torch.randn(count, config.hidden, generator=source, device=device.name)
            rows = rows.bfloat16() if bits < 16 else rows.to(device.dtype)
            wanted = rows.double() @ exact.T
            error_of = (product(rows).double() - wanted).abs().max() / wanted.abs().max()
            took = lab.seconds(partial(_again, product, rows)) / CALLS
            yield {
                "product": name,
                "rows": count,
                "us": took * 1e6,
                "TB/s of weights": size[0] * size[1] * bits / 8 / took / 1e12,
                "error": float(error_of),
                "ok": float(error_of) < 0.02,
            }


def _again(product: Product, rows: torch.Tensor) -> None:
    # One call alone would be timed with the wait for it, which takes half as long.
    for _ in range(CALLS):
        product(rows)


def _ways(
    lab: Lab, full: torch.Tensor
) -> Iterator[tuple[str, Weight, float, Callable[[], Product]]]:
    """Yield each product with its name, its weight and the bits of a number of it."""
    own, int8, int4 = full.to(lab.device.dtype), Int8.of(full), round_to_4_bits(full)
    bits = 8 * own.itemsize
    yield "full, torch", own, bits, lambda: full_product(own)
    if not lab.on_gpu:
        yield "int8, torch", int8, 8, lambda: int8_product(int8)
        yield "int4, torch", int4, 4 + 32 / GROUP, lambda: int4_product(int4)
        return
    ours: list[tuple[str, Weight, float]] = [
        ("full_product_triton", own, bits),
        ("int8_product_triton", int8, 8),
        ("int4_product_triton", int4, 4 + 32 / GROUP),
    ]
    for name, weight, size in ours:
        yield name, weight, size, partial(_triton, name, weight)
    yield "int4, torch's for CUDA", int4, 4 + 32 / GROUP, lambda: int4_product_cuda(int4)
    yield "int8, torch's for CUDA", int8, 8, lambda: torch_int8(int8)


def _triton(name: str, weight: Weight) -> Product:
    # Not at the top: triton may be missing on a CPU.
    product: Product = getattr(importlib.import_module(TRITON), name)(weight)
    return product


def torch_int8(weight: Int8) -> Product:
    """Build torch's own 8-bit product for CUDA: bf16 rows, one scale a row of weights."""
    values, scales = weight.values, weight.scales.bfloat16()
    return lambda rows: torch._weight_int8pack_mm(rows, values, scales)


def round_to_4_bits(full: torch.Tensor) -> Int4:
    """Round a matrix in groups of 32, from its least to its greatest number."""
    groups = full.view(len(full), -1, GROUP)
    least, greatest = groups.amin(-1), groups.amax(-1)
    scales = ((greatest - least) / 15).clamp(min=1e-30)
    values = ((groups - least[..., None]) / scales[..., None]).round().to(torch.uint8)
    return Int4(values.view(full.shape), scales, least)
