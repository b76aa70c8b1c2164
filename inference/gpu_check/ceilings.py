"""What the device can do at most: all other rows are read against these."""

from collections.abc import Iterator

import torch

from inference.gpu_check.lab import H200_BANDWIDTH, H200_FLOPS, Lab
from inference.gpu_check.report import Row

LAUNCHES = 200


def ceilings(lab: Lab) -> Iterator[Row]:
    """Give the rates of copying, reading and multiplying, and what a small launch takes."""
    device, dtype, size = lab.device.name, lab.device.dtype, lab.sizes.square
    copied, read = _memory_rates(lab)
    lab.read = max(copied, read)
    for what, rate in (("copy, read and written", copied), ("read (a sum)", read)):
        yield {"what": what, "TB/s": rate / 1e12, "of 4.8": rate / H200_BANDWIDTH}
    a, b = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))
    lab.flops = 2 * size**3 / lab.seconds(lambda: a @ b)
    what = f"matmul of {size}, {dtype}"
    yield {"what": what, "TFLOP/s": lab.flops / 1e12, "of 989": lab.flops / H200_FLOPS}
    small = torch.ones(16, device=device)

    def launch() -> None:
        for _ in range(LAUNCHES):
            small.add_(1)

    yield {"what": "a small launch", "us": lab.seconds(launch) / LAUNCHES * 1e6}


def _memory_rates(lab: Lab) -> tuple[float, float]:
    """Return bytes a second, of copying and of reading."""
    one = torch.ones(lab.sizes.copied // 4, device=lab.device.name)
    other = torch.empty_like(one)
    return 2 * one.nbytes / lab.seconds(lambda: other.copy_(one)), one.nbytes / lab.seconds(one.sum)
