"""The loop of a rank. Rank 0 schedules and samples; every rank executes the plan that it is sent.

Started by the supervisor as `python -m inference.engine.worker <RankArgs as JSON>`, never by hand.
"""

import os
import signal
import sys
import time
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import NoReturn

import torch
import torch.distributed as dist

from inference.checkpoint.check import check_tensors
from inference.checkpoint.errors import ModelError, model_errors
from inference.checkpoint.lora import open_adapter
from inference.checkpoint.open import open_checkpoint
from inference.engine.drawing import draw
from inference.engine.kv_cache import PagePool
from inference.engine.messages import (
    Add,
    Cancel,
    Failed,
    Loading,
    MessageSocket,
    Outputs,
    RankArgs,
    Ready,
    SampleOutput,
    SchedulerStats,
)
from inference.engine.model_runner import ModelRunner
from inference.engine.parent_death import die_with_parent
from inference.engine.plan_broadcast import PlanBroadcast
from inference.engine.scheduler import Scheduler
from inference.engine.thread_tuner import ThreadTuner
from inference.model.config import ModelConfig, check_cache
from inference.model.device import Device, pin_to_cores
from inference.model.gpt_model import ModelShard, join_ranks
from inference.model.weights import WeightLoader, check_memory, rank_bytes

CANNOT_LOAD = 2
IDLE_SECONDS = 1.0
TELL_SECONDS = 0.02


@dataclass(slots=True)
class OutputBatcher:
    """Tells the supervisor what the steps bring: the beginning and the end of a sample at once, the
    rest some times a second. For each telling the supervisor and its clients need a core, which a
    rank has to give away in the midst of a step.
    """

    channel: MessageSocket
    untold: dict[str, SampleOutput] = field(default_factory=dict)
    told_at: float = 0.0

    def tell(self, items: list[SampleOutput], load: SchedulerStats) -> None:
        """Nothing to say is said as well: the supervisor ends ranks that are silent."""
        for item in items:
            before = self.untold.get(item.id)
            self.untold[item.id] = before.then(item) if before else item
        at_once = not items or any(item.finish or item.cached is not None for item in items)
        if at_once or time.monotonic() - self.told_at > TELL_SECONDS:
            self.channel.send(Outputs(list(self.untold.values()), load))
            self.untold, self.told_at = {}, time.monotonic()


def main() -> int:
    """Exit codes: 0 the supervisor ended, 2 the model cannot be loaded (a sentence was sent)."""
    args = RankArgs.from_json(sys.argv[1])
    die_with_parent(args.parent)
    # The supervisor gives way to the ranks; they have its policy from it.
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    # Ctrl-C reaches the whole group; the supervisor alone answers it, after the drain.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    channel = MessageSocket(args.fd)
    try:
        _serve(args, channel)
    except ModelError as error:
        channel.send(Failed(str(error)))
        return CANNOT_LOAD
    except (EOFError, BrokenPipeError):
        return 0


def _serve(args: RankArgs, channel: MessageSocket) -> NoReturn:
    if args.device != "cuda":
        pin_to_cores(args.rank, args.tp)
    device = Device.choose(args, args.rank, args.tp)
    hang = timedelta(seconds=args.hang_seconds)
    _join(args, device)
    join_ranks(args.tp, hang)
    plans = PlanBroadcast(args.rank, args.tp, hang)
    runner = _load(args, device, channel)
    # Under the timeout of loading: those after it begin when all ranks are there.
    dist.barrier()
    if args.rank > 0:
        _follow(plans, runner)
    pages = runner.cache.page_count
    channel.send(Ready(device.name, device.description, device.threads, pages))
    scheduler = Scheduler(
        PagePool(pages, args.page_size),
        frozenset(args.end_ids),
        args.max_running,
        args.max_step_tokens,
        runner.model.row_sizes.cost,
        args.speculate,
    )
    _lead(channel, scheduler, plans, runner)


def _lead(
    channel: MessageSocket, scheduler: Scheduler, plans: PlanBroadcast, runner: ModelRunner
) -> NoReturn:
    pace, teller = (
        ThreadTuner(torch.get_num_threads(), runner.model.row_sizes.cost),
        OutputBatcher(channel),
    )
    while True:
        _take_commands(channel, scheduler)
        began = time.monotonic()
        plan = replace(scheduler.schedule(), threads=pace.threads)
        # An empty plan is sent too: the other ranks hear from this one at least once a second.
        plans.send(plan)
        items = draw(scheduler, runner.execute(plan)) if plan.chunks else []
        teller.tell(items, _load_of(scheduler))
        if plan.chunks:
            pace.observe(plan.rows, time.monotonic() - began)


def _follow(plans: PlanBroadcast, runner: ModelRunner) -> NoReturn:
    while True:
        plan = plans.receive()
        if plan.chunks:
            runner.execute(plan)


def _load_of(scheduler: Scheduler) -> SchedulerStats:
    counters, pool = scheduler.counters, scheduler.pool
    return SchedulerStats(
        len(scheduler.running),
        len(scheduler.waiting),
        pool.page_count - pool.available,
        counters.preemptions,
        counters.guessed,
        counters.accepted,
    )


def _take_commands(channel: MessageSocket, scheduler: Scheduler) -> None:
    """All commands that have come; waits for one when there is nothing else to do."""
    timeout = 0.0 if scheduler.has_work else IDLE_SECONDS
    while (message := channel.receive(timeout)) is not None:
        timeout = 0.0
        match message:
            case Add():
                scheduler.add(message.sequence())
            case Cancel():
                scheduler.cancel(message.id)


def _join(args: RankArgs, device: Device) -> None:
    dist.init_process_group(
        device.backend,
        init_method=f"file://{args.store}",
        rank=args.rank,
        world_size=args.tp,
        timeout=timedelta(seconds=args.loading_seconds),
    )


def _load(args: RankArgs, device: Device, channel: MessageSocket) -> ModelRunner:
    """The model of this rank and its cache. Raises ModelError for what is the file's or the
    memory's fault.
    """
    path, leads = Path(args.model), args.rank == 0

    def progress(done: int, of: int) -> None:
        if leads:
            channel.send(Loading(done, of))

    with model_errors(path, "the model"):
        checkpoint = open_checkpoint(path)
        check_tensors(checkpoint)
        weights, config = WeightLoader(checkpoint.tensors, checkpoint.refs), checkpoint.config
        needed = rank_bytes(weights, config, args.tp, device.form, device.dtype.itemsize)
        check_memory(needed, args.tp, device.memory(args.tp))
        adapters = [open_adapter(n, Path(p), config) for n, p in args.adapters.items()]
        model = ModelShard(weights, config, device, progress, adapters)
    # Outside of what is blamed on the file: another rank may die while these speak to it.
    model.measure(device.deterministic)
    pages = args.page_count or _pages(args, device, config)
    tokens = pages * args.page_size
    check_cache(config, args.tp, tokens, device.dtype.itemsize, device.memory(args.tp))
    size = config.cache_bytes(tokens, args.tp, device.dtype.itemsize) / 1e9
    with model_errors(path, f"a cache for {tokens:,} tokens ({size:,.1f} GB on each rank)"):
        return ModelRunner(model, args.page_size, pages)


def _pages(args: RankArgs, device: Device, config: ModelConfig) -> int:
    """How many pages the rank with the least memory can hold."""
    page = config.cache_bytes(args.page_size, args.tp, device.dtype.itemsize)
    mine = int(device.free_memory(args.tp) * args.kv_fraction) // page
    pages = torch.tensor(mine, device=device.name)
    dist.all_reduce(pages, op=dist.ReduceOp.MIN)
    if pages < args.max_running:
        raise ModelError(
            f"KV_FRACTION={args.kv_fraction} of the free memory holds {int(pages)} pages of "
            f"{args.page_size} tokens, fewer than MAX_RUNNING={args.max_running}; raise the one or "
            "lower the other."
        )
    return int(pages)


if __name__ == "__main__":
    sys.exit(main())
