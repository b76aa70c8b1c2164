"""The product of two tiles in Triton, on a card and under the interpreter."""

import os

import triton
import triton.language as tl

INTERPRETED = tl.constexpr(os.environ.get("TRITON_INTERPRET") == "1")


@triton.jit
def dot(a, b, total):
    """Return total + a @ b. a: [m, k]; b: [k, n]; total: [m, n] fp32."""
    if INTERPRETED:
        # The interpreter would multiply the bits of bf16 as whole numbers.
        a, b = a.to(tl.float32), b.to(tl.float32)
    return tl.dot(a, b, total, input_precision="ieee")
