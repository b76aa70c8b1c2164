"""A rank for tests of kept trials: `python -m tests.inference.trials_rank <job as JSON>`.

Each rank has a cache of its own. All measure twice; before the second time the last rank loses what
it has kept. Each writes how often it has tried, and the sizes that it has found.
"""

import json
import os
import sys
from datetime import timedelta
from pathlib import Path

import torch
import torch.distributed as dist

from inference.model import row_sizes
from inference.model.linear import ParallelLinear, full_product


def main(store: str, directory: str, tp: int, rank: int) -> None:
    cache = Path(directory, str(rank))
    os.environ["XDG_CACHE_HOME"] = str(cache)
    dist.init_process_group(
        "gloo", f"file://{store}", timedelta(seconds=30), rank=rank, world_size=tp
    )
    tries, real = 0, row_sizes._try

    def counted(*args: object) -> object:
        nonlocal tries
        tries += 1
        return real(*args)  # type: ignore[arg-type]

    row_sizes._try = counted  # type: ignore[assignment]
    layer = ParallelLinear().fill([full_product(torch.ones(16, 32))], 32)
    found = []
    for _ in range(2):
        measured = row_sizes.measure([[layer]], torch.float32, deterministic=True)
        found.append([measured.sizes, measured.costs])
        if rank == tp - 1:
            for file in (cache / "draftsmith").glob("trials-*"):
                file.unlink()
        dist.barrier()
    Path(directory, f"{rank}.json").write_text(json.dumps({"tries": tries, "found": found}))


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))
