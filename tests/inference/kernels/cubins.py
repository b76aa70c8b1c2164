"""Compiles what `TritonKernels` launches for a model of 8B, for an H100 or H200, without one.

Prints for each launch one line of JSON: its kernel, registers a thread, bytes of stack (where
spilled registers go), shared memory, and how the tensor cores share a tile. No interpreter may be
set.
"""

import json
import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Any
from unittest import mock

import torch
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from triton.runtime.jit import JITFunction

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
from inference.kernels.triton_kernels import TritonKernels
from inference.kernels.triton_linear import (
    full_product_triton,
    int4_product_triton,
    int8_product_triton,
)
from inference.model.quantized import GROUP, Int4, Int8

HOPPER = GPUTarget("cuda", 90, 32)
CPU = torch.device("cpu")
TYPES = {
    torch.bfloat16: "*bf16",
    torch.float32: "*fp32",
    torch.int8: "*i8",
    torch.uint8: "*u8",
    torch.int32: "*i32",
    torch.int64: "*i64",
}
BF16 = torch.bfloat16
HIDDEN, HEADS, KV_HEADS, DIM = 4096, 32, 8, 128


def compile_launch(
    kernel: Any, name: str, *args: Any, grid: Any, warmup: bool, **options: Any
) -> None:
    """Compile a launch as Triton would specialise it, and print what came out."""
    given = dict(zip(kernel.arg_names, args, strict=False))
    given |= {key: options.pop(key) for key in list(options) if key in kernel.arg_names}
    signature, constants, attributes = {}, {}, {}
    for place, parameter in enumerate(kernel.params):
        value = given[parameter.name]
        special = not parameter.do_not_specialize
        if parameter.is_constexpr or (special and isinstance(value, int) and value == 1):
            signature[parameter.name], constants[parameter.name] = "constexpr", value
            continue
        if isinstance(value, torch.Tensor):
            signature[parameter.name] = TYPES[value.dtype]
        else:
            signature[parameter.name] = "fp32" if isinstance(value, float) else "i32"
        number = value.data_ptr() if isinstance(value, torch.Tensor) else value
        if special and isinstance(number, int) and number % 16 == 0:
            attributes[place,] = [["tt.divisibility", 16]]
    source = ASTSource(kernel, signature, constants, attributes)
    compiled = triton.compile(source, target=HOPPER, options=options)
    layouts = re.findall(
        r"nvidia_mma<{versionMajor = (\d).*?warpsPerCTA = \[(\d), (\d)\]", compiled.asm["ttgir"]
    )
    print(
        json.dumps(
            {
                "launch": name,
                "kernel": kernel.fn.__name__,
                **resources(compiled.asm["cubin"]),
                "shared": compiled.metadata.shared,
                "mma": sorted({tuple(map(int, layout)) for layout in layouts}),
            }
        )
    )


def resources(cubin: bytes) -> dict[str, int]:
    """Return the registers and the bytes of stack of a thread."""
    tool = Path(triton.__file__).parent / "backends/nvidia/bin/cuobjdump"
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(cubin)
        file.flush()
        command = [str(tool), "-res-usage", file.name]
        out = subprocess.run(command, check=True, capture_output=True, text=True)
    (found,) = re.findall(r"REG:(\d+) STACK:(\d+)", out.stdout + out.stderr)
    return {"registers": int(found[0]), "stack": int(found[1])}


@contextmanager
def launches(name: str) -> Iterator[None]:
    """Compile what would be launched."""

    def run(kernel: Any, *args: Any, **options: Any) -> None:
        compile_launch(kernel, name, *args, **options)

    with mock.patch.object(JITFunction, "run", run):
        yield


def step(rows: int, count: int, dim: int) -> StepRows:
    """Return a step of texts of 2,048 tokens that all lie on the same pages."""
    cache = KVCache((1, 128, 16, KV_HEADS, dim), BF16, CPU)
    chunks = [QueryChunk(count, 2048 - count, range(128))] * (rows // count)
    return step_rows(chunks, cache, TritonKernels(BF16, HEADS // KV_HEADS).tile_rows)


def attention(name: str, rows: int, count: int, dim: int = DIM, **layer: Any) -> None:
    kernels, group = TritonKernels(BF16, HEADS // KV_HEADS), HEADS // KV_HEADS
    qkv = torch.empty(rows, KV_HEADS, group + 2, dim, dtype=BF16)
    with launches(name):
        kernels.attend(qkv, LayerAttention(0, 0.1, **layer), step(rows, count, dim))


def rows() -> None:
    kernels, group = TritonKernels(BF16, HEADS // KV_HEADS), HEADS // KV_HEADS
    hidden, added = torch.empty(4, HIDDEN), torch.empty(4, HIDDEN, dtype=BF16)
    norm = Norm(torch.ones(HIDDEN), None, 1e-5)
    qkv = torch.empty(4, KV_HEADS, group + 2, DIM, dtype=BF16)
    rotary = RotaryTable(Rope(DIM, 500000.0), 32, BF16, CPU)
    head_norm = HeadNorm(torch.ones(group + 1, DIM), 1e-6)
    with launches("rows"):
        kernels.add_norm(hidden, added, None, norm)
        kernels.add_norm(hidden, added, norm, norm)
        kernels.store(
            qkv, LayerAttention(0, 0.1, rotary=rotary, head_norm=head_norm), step(4, 1, DIM)
        )
        kernels.activate(torch.empty(4, 28672, dtype=BF16), "silu", True)
        kernels.activate(torch.empty(4, 28672, dtype=BF16), "gelu_tanh", True)


def products() -> None:
    out, inputs = 4096, HIDDEN
    groups = torch.ones(out, inputs // GROUP)
    made = {
        "full": full_product_triton(torch.empty(out, inputs, dtype=BF16)),
        "int8": int8_product_triton(Int8(torch.empty(out, inputs, dtype=torch.int8), groups[:, 0])),
        "int4": int4_product_triton(
            Int4(torch.zeros(out, inputs, dtype=torch.uint8), groups, groups)
        ),
    }
    for name, multiply in made.items():
        for count in (4, 48, 2048):
            with launches(f"{name}, {count} rows"):
                multiply(torch.empty(count, inputs, dtype=BF16))


if __name__ == "__main__":
    for window, cap in product((None, 1024), (None, 50.0)):
        attention("decode", 32, 1, window=window, cap=cap)
        attention("prefill", 2048, 2048, window=window, cap=cap)
    attention("decode, wide heads", 32, 1, 256, window=1024, cap=50.0)
    attention("prefill, wide heads", 2048, 2048, 256, window=1024, cap=50.0)
    rows()
    products()
