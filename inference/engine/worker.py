"""The loop of a rank. Rank 0 schedules and samples; every rank executes the plan that it is sent.

The supervisor starts it as `python -m inference.engine.worker <RankArgs as JSON>`.
"""

import json
import os
import signal
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import NoReturn

import torch
import torch.distributed as dist

from inference import rank_log
from inference.checkpoint.lora import open_adapter
from inference.checkpoint.open import open_checkpoint
from inference.engine.kv_cache import PagePool
from inference.engine.memory_profile import profile
from inference.engine.messages import (
    Add,
    Cancel,
    Failed,
    Loading,
    MessageSocket,
    OutputBatcher,
    RankArgs,
    Ready,
    Said,
)
from inference.engine.model_runner import ModelRunner
from inference.engine.parent_death import die_with_parent
from inference.engine.scheduler import Scheduler
from inference.engine.step_pipeline import StepPipeline
from inference.engine.step_plan import StepPlan
from inference.engine.thread_tuner import ThreadTuner
from inference.errors import ModelError, model_errors
from inference.model.config import check_cache
from inference.model.device import Device, Limits, pin_to_cores
from inference.model.gpt_model import join_ranks
from inference.model.model_shard import ModelShard
from inference.model.weight_loader import WeightLoader, check_memory, rank_bytes

IDLE_SECONDS = 1.0


def main() -> int:
    """Run a rank. Exit codes: 0 the supervisor ended, 2 the model cannot be loaded (a sentence was
    sent).
    """
    args = RankArgs(**json.loads(sys.argv[1]))
    die_with_parent(args.parent)
    # The ranks inherit the policy of the supervisor, which gives way to them.
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    # Ctrl-C reaches the whole group; the supervisor alone answers it, after the drain.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    supervisor = MessageSocket(args.fd)
    try:
        _serve(args, supervisor)
    except ModelError as error:
        supervisor.send(Failed(error.sentence))
        return error.exit_code
    except (EOFError, BrokenPipeError):
        return 0


def _serve(args: RankArgs, supervisor: MessageSocket) -> NoReturn:
    if args.device != "cuda":
        pin_to_cores(args.rank, args.tp)
    device = Device.choose(args, args.rank, args.tp)
    limits = Limits.choose(args, device)
    hang = timedelta(seconds=args.hang_seconds)
    dist.init_process_group(
        device.backend(args.tp),
        init_method=f"file://{args.store}",
        rank=args.rank,
        world_size=args.tp,
        timeout=timedelta(seconds=args.loading_seconds),
    )
    join_ranks(args.tp, hang)
    plans = PlanBroadcast(args.rank, args.tp, hang)
    runner = _load(args, device, limits, supervisor)
    # All ranks are there before the timeouts that are shorter than that of loading begin.
    dist.barrier()
    while args.rank > 0:
        runner.follow(plans.receive())
    for event, facts in rank_log.said:
        supervisor.send(Said(event, facts))
    pages = runner.page_count
    running = limits.max_running
    supervisor.send(Ready(device.name, device.description, device.threads, pages, running))
    scheduler = Scheduler(
        PagePool(pages, args.page_size),
        frozenset(args.end_ids),
        running,
        limits.max_step_tokens,
        runner.model.row_sizes.cost,
        args.speculate,
        runner.decode_rows,
    )
    _lead(supervisor, StepPipeline(scheduler, runner, plans.send))


def _lead(supervisor: MessageSocket, pipeline: StepPipeline) -> NoReturn:
    scheduler = pipeline.scheduler
    tuner = ThreadTuner(torch.get_num_threads(), scheduler.cost)
    batcher = OutputBatcher(supervisor)
    while True:
        _take_commands(supervisor, scheduler)
        began = time.monotonic()
        rows, outputs = pipeline.step(tuner.threads)
        batcher.add(outputs, scheduler.stats)
        if rows:
            tuner.observe(rows, time.monotonic() - began)


def _take_commands(supervisor: MessageSocket, scheduler: Scheduler) -> None:
    """Take all commands that have come; wait for one if there is nothing else to do."""
    timeout = 0.0 if scheduler.has_work else IDLE_SECONDS
    while (message := supervisor.receive(timeout)) is not None:
        timeout = 0.0
        match message:
            case Add():
                scheduler.add(message.sequence())
            case Cancel():
                scheduler.cancel(message.id)


def _load(args: RankArgs, device: Device, limits: Limits, supervisor: MessageSocket) -> ModelRunner:
    """Load the model of this rank and make its cache. Raises ModelError for what is wrong with the
    file or the memory.
    """
    path = Path(args.model)

    def progress(done: int, of: int) -> None:
        if args.rank == 0:
            supervisor.send(Loading(done, of))

    with model_errors(path, "the model"):
        checkpoint = open_checkpoint(path)
        config, loader = checkpoint.config, WeightLoader(checkpoint.tensors, checkpoint.refs)
        number = device.dtype.itemsize
        needed = rank_bytes(loader, config, args.tp, device.form, number, device=device.name)
        check_memory(needed, args.tp, device.memory(args.tp))
        adapters = [open_adapter(n, Path(p), config) for n, p in args.adapters.items()]
        model = ModelShard(loader, config, device, progress, adapters)
    # Not inside: these speak to the other ranks, and if one dies the file is not to blame.
    model.measure(device.deterministic)
    # Before Megatron's groups, whose timeout is shorter: ranks may have loaded at different speeds.
    dist.barrier()
    pages = args.page_count or _page_count(args, device, limits, model)
    tokens = pages * args.page_size
    check_cache(config, args.tp, tokens, device.dtype.itemsize, device.memory(args.tp))
    size = config.cache_bytes(tokens, args.tp, device.dtype.itemsize) / 1e9
    with model_errors(path, f"a cache for {tokens:,} tokens ({size:,.1f} GB on each rank)"):
        runner = ModelRunner(model, args.page_size, pages)
    # On a CPU a static step has nothing to save.
    if device.name == "cuda":
        runner.prepare_decode(limits.max_running)
    return runner


def _page_count(args: RankArgs, device: Device, limits: Limits, model: ModelShard) -> int:
    """Return how many pages the rank with the least memory can hold. Raises ModelError."""
    page = model.config.cache_bytes(args.page_size, args.tp, device.dtype.itemsize)
    if device.name == "cuda":
        mine = profile(model, limits, args.page_size).pages(limits, page)
    else:
        mine = int(device.free_memory(args.tp) * limits.kv_fraction) // page
    # On the host: it is one number, and gloo is there at any TP.
    least = torch.tensor(mine)
    dist.all_reduce(least, op=dist.ReduceOp.MIN)
    if least < limits.max_running:
        raise ModelError(
            f"KV_FRACTION={limits.kv_fraction} of the free memory holds {int(least)} pages of "
            f"{args.page_size} tokens, fewer than MAX_RUNNING={limits.max_running}; raise the one "
            "or lower the other."
        )
    return int(least)


class PlanBroadcast:
    """A group of all ranks. Rank 0 sends at least once a second, the others receive.

    JSON in a uint8 tensor over gloo, which every torch has, with the timeout of the group: a rank
    notices when its leader has died, and we need no port or socket of our own.
    """

    def __init__(self, rank: int, tp: int, timeout: timedelta) -> None:
        self.rank, self.tp = rank, tp
        self.group = dist.new_group(backend="gloo", timeout=timeout) if tp > 1 else None

    def send(self, plan: StepPlan) -> None:
        """Send the plan to all other ranks.

        Raises RuntimeError if a rank is gone, or takes no plans for longer than the timeout.
        """
        assert self.rank == 0
        if self.tp == 1:
            return
        body = torch.frombuffer(bytearray(plan.to_bytes()), dtype=torch.uint8)
        dist.broadcast(torch.tensor([len(body)]), src=0, group=self.group)
        dist.broadcast(body, src=0, group=self.group)

    def receive(self) -> StepPlan:
        """Return the next plan.

        Raises RuntimeError if rank 0 is gone, or silent for longer than the timeout.
        """
        assert self.rank > 0
        length = torch.zeros(1, dtype=torch.int64)
        dist.broadcast(length, src=0, group=self.group)
        body = torch.empty(int(length), dtype=torch.uint8)
        dist.broadcast(body, src=0, group=self.group)
        return StepPlan.from_bytes(body.numpy().tobytes())


if __name__ == "__main__":
    sys.exit(main())
