"""What the device can do at most: all other rows are read against these."""

from collections.abc import Iterator

import torch

from inference.gpu_check.lab import H200_BANDWIDTH, H200_FLOPS, Lab
from inference.gpu_check.report import Row

LAUNCHES = 200


def ceilings(lab: Lab) -> Iterator[Row]:
    """Give the rates of copying, reading and multiplying, and what a small launch takes."""
    device = lab.device.name
    one = torch.ones(lab.sizes.copied // 4, device=device)
    other = torch.empty_like(one)
    copied = 2 * one.nbytes / lab.seconds(lambda: other.copy_(one))
    yield {
        "what": "copy, read and written",
        "TB/s": copied / 1e12,
        "of 4.8": copied / H200_BANDWIDTH,
    }
    read = one.nbytes / lab.seconds(lambda: one.sum())
    yield {"what": "read (a sum)", "TB/s": read / 1e12, "of 4.8": read / H200_BANDWIDTH}
    lab.read = max(copied, read)
    del one, other
    size, dtype = lab.sizes.square, lab.device.dtype
    a, b = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))
    flops = 2 * size**3 / lab.seconds(lambda: a @ b)
    lab.flops = flops
    yield {
        "what": f"matmul of {size}, {dtype}",
        "TFLOP/s": flops / 1e12,
        "of 989": flops / H200_FLOPS,
    }
    small = torch.ones(16, device=device)

    def launch() -> None:
        for _ in range(LAUNCHES):
            small.add_(1)

    yield {"what": "a small launch", "us": lab.seconds(launch) / LAUNCHES * 1e6}
