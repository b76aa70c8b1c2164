"""A rank that loads a model and writes how much memory it took; `run_module` gives it a LoadJob."""

import gc
import json
import sys
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import torch.distributed as dist

from inference.checkpoint.open import Checkpoint, open_checkpoint
from inference.model.device import Device
from inference.model.gpt_model import join_ranks
from inference.model.model_shard import ModelShard
from inference.model.weight_loader import WeightLoader, rank_bytes

LIMIT = timedelta(seconds=60)


@dataclass(frozen=True)
class LoadJob:
    """out: each rank writes beside it how many bytes it holds, and how many it had at most.
    warm_up: a small model that is loaded before, with all that is loaded only once.
    """

    rank: int
    tp: int
    store: str
    out: str
    warm_up: str
    model: str
    dtype: str
    weights: str
    device: str = "cpu"
    deterministic: bool = True


def main(job: LoadJob) -> None:
    store = f"file://{job.store}"
    dist.init_process_group("gloo", init_method=store, rank=job.rank, world_size=job.tp)
    join_ranks(job.tp, LIMIT)
    device = Device.choose(job, job.rank, job.tp)
    small = opened(job.warm_up)
    ModelShard(WeightLoader(small.tensors, small.refs), small.config, device, lambda *_: None)
    checkpoint = opened(job.model)
    loader, config = WeightLoader(checkpoint.tensors, checkpoint.refs), checkpoint.config
    held = rank_bytes(loader, config, job.tp, device.form, device.dtype.itemsize)
    gc.collect()
    # Begins to count the peak anew: https://www.kernel.org/doc/html/latest/filesystems/proc.html
    Path("/proc/self/clear_refs").write_text("5")
    before = status("VmRSS")
    model = ModelShard(loader, config, device, lambda *_: None)
    numbers = {"held": held, "peak": status("VmHWM") - before, "kept": status("VmRSS") - before}
    Path(f"{job.out}-{job.rank}").write_text(json.dumps(numbers))
    dist.barrier()
    assert model.tp == job.tp


def opened(path: str) -> Checkpoint:
    return open_checkpoint(Path(path))


def status(name: str) -> int:
    """Return a line of this process's memory, in bytes. RSS counts pages of mapped files too."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


if __name__ == "__main__":
    main(LoadJob(**json.loads(sys.argv[1])))
