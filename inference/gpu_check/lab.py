"""What checks have in common: the device, its measured limits, and the model on it."""

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median

import torch

from inference.gpu_check.local_engine import LocalEngine, load_model
from inference.gpu_check.shapes import Sizes
from inference.model.device import Device, Limits
from inference.model.model_shard import ModelShard

# Of the data sheet: HBM3e, and bf16 on dense tensor cores.
H200_BANDWIDTH, H200_FLOPS = 4.8e12, 989e12


@dataclass(slots=True)
class Lab:
    """read: bytes a second, and flops: operations a second, as far as they have been measured."""

    device: Device
    limits: Limits
    sizes: Sizes
    out: Path
    read: float = H200_BANDWIDTH
    flops: float = H200_FLOPS
    _engines: dict[bool, LocalEngine] = field(default_factory=dict)

    @property
    def on_gpu(self) -> bool:
        return self.device.name == "cuda"

    def engine(self, *, deterministic: bool | None = None) -> LocalEngine:
        """Return the engine of the large shape. The one of the other mode is given up: two would
        need the memory that is measured.
        """
        mode = self.device.deterministic if deterministic is None else deterministic
        if mode not in self._engines:
            self.give_up()
            model = self.model(deterministic=mode)
            self._engines[mode] = LocalEngine(model, self.limits, self.sizes.cache)
        return self._engines[mode]

    def model(self, *, deterministic: bool) -> ModelShard:
        """Return a new model of the large shape."""
        return load_model(self.sizes.shape, replace(self.device, deterministic=deterministic))

    def give_up(self) -> None:
        """Free the memory of models that are not needed any more."""
        self._engines.clear()
        gc.collect()
        if self.on_gpu:
            torch.cuda.empty_cache()

    def seconds(self, work: Callable[[], object], times: int = 5) -> float:
        """Return what a piece of work takes, the median of some times after one to warm up."""
        work()
        found = []
        for _ in range(times):
            self.wait()
            began = time.perf_counter()
            work()
            self.wait()
            found.append(time.perf_counter() - began)
        return median(found)

    def wait(self) -> None:
        """Wait until the device has done all that it was told."""
        if self.on_gpu:
            torch.cuda.synchronize()
