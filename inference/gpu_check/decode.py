"""How fast texts are written, by how many there are at once and how long they are."""

from collections.abc import Iterator
from statistics import median

import torch

from inference.gpu_check.lab import H200_BANDWIDTH, Lab
from inference.gpu_check.local_engine import weight_bytes
from inference.gpu_check.report import Row


def decode(lab: Lab) -> Iterator[Row]:
    """Give the time of a step, drawing included, and the share of the bandwidth that it uses: it
    has to read all weights, and the keys and values of all texts.
    """
    engine, config, dtype = lab.engine(), lab.sizes.shape, lab.device.dtype
    engine.runner.cache.data.normal_()
    for context in lab.sizes.contexts:
        for rows in lab.sizes.decode_rows:
            point: Row = {"texts": rows, "context": context}
            try:
                took = median(engine.step_seconds(rows, context, lab.sizes.steps))
            except torch.OutOfMemoryError:
                yield point | {"failed": "out of memory"}
                continue
            cached = config.cache_bytes(rows * context, 1, dtype.itemsize)
            read = weight_bytes(config, dtype) + cached
            yield point | {
                "ms": took * 1e3,
                "tokens/s": rows / took,
                "GB read": read / 1e9,
                "MBU of measured": read / took / lab.read,
                "MBU of 4.8 TB/s": read / took / H200_BANDWIDTH,
            }
