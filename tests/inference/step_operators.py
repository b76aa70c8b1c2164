"""Counts the operators of a decode step: `python -m tests.inference.step_operators <job as JSON>`.

Of the function that a GPU captures, of the step around it, and how often a step waits.
"""

import json
import sys
from pathlib import Path

import torch.distributed as dist

from inference.engine.kv_cache import PagePool
from inference.engine.scheduler import Scheduler
from inference.engine.sequence import SamplingParams, Sequence, tokens_of
from inference.engine.step_pipeline import StepPipeline
from inference.engine.step_plan import StepPlan
from inference.model.device import Device
from inference.model.gpt_model import join_ranks
from inference.model.linear import CANDIDATE_SIZES, ParallelLinear
from inference.model.row_sizes import RowSizes
from tests.inference.engine import NO_END
from tests.inference.operators import HIDDEN_READS, Calls, Reads
from tests.inference.rank import LIMIT, PAGE, PAGES, RankJob, load


def main(job: RankJob) -> None:
    dist.init_process_group("gloo", init_method=f"file://{job.store}", rank=0, world_size=1)
    join_ranks(1, LIMIT)
    (path,) = map(Path, job.models)
    runner = load(job, path, Device.choose(job, 0, 1))
    # Whatever this machine's clock has chosen: a product has any number of rows.
    runner.model.row_sizes = RowSizes(CANDIDATE_SIZES, tuple(map(float, CANDIDATE_SIZES)))
    for module in runner.model.gpt.modules():
        if isinstance(module, ParallelLinear):
            module.use(dict.fromkeys(CANDIDATE_SIZES, 0))
    runner.prepare_decode(8)
    scheduler = Scheduler(PagePool(PAGES, PAGE), NO_END, 8, 64, speculate=False, decode_rows=8)
    for i, prompt in enumerate(job.prompts):
        params = SamplingParams(top_k=40, repetition_penalty=1.1, max_tokens=20, seed=i)
        scheduler.add(Sequence(f"{i}", tokens_of(prompt), len(prompt), params))
    plans: list[StepPlan] = []
    pipeline = StepPipeline(scheduler, runner, plans.append)
    with Reads() as prefill_reads, Calls() as prefill:
        pipeline.step()
    # Until the longest prompt is computed, and all texts have their places.
    for _ in range(5):
        pipeline.step()
    with Reads() as reads, Calls() as calls:
        pipeline.step()
    assert all(chunk.tokens[0] < 0 for chunk in plans[-1].chunks), (
        "it begins before the last is read"
    )
    both = {"prefill": (prefill, prefill_reads), "decode": (calls, reads)}
    found = {
        name: {
            "operators": counted.counts.total(),
            "reads": waits.count,
            "hidden": sorted(HIDDEN_READS & set(counted.counts)),
        }
        for name, (counted, waits) in both.items()
    }
    Path(job.out).write_text(json.dumps(found))


if __name__ == "__main__":
    main(RankJob(**json.loads(sys.argv[1])))
