"""The loop of a rank. Rank 0 schedules and samples; every rank executes the plan that it is sent.

Started by the supervisor as `python -m inference.worker <RankArgs as JSON>`, never by hand.
"""

from __future__ import annotations

import signal
import sys
from datetime import timedelta
from pathlib import Path
from typing import NoReturn

import torch.distributed as dist

from inference.channel import Add, Cancel, Channel, Failed, Loading, RankArgs, Ready, Tokens
from inference.device import Device
from inference.gguf_file import ModelError, must_fit, read_gguf
from inference.kv_cache import PagePool
from inference.lifetime import end_with
from inference.model import Model, join_ranks
from inference.plans import PlanGroup
from inference.runner import Runner
from inference.sampling import sample
from inference.scheduler import Scheduler
from inference.shape import check_cache, shape_of
from inference.weights import Weights

CANNOT_LOAD = 2
IDLE_SECONDS = 1.0


def main() -> int:
    """Exit codes: 0 the supervisor ended, 2 the model cannot be loaded (a sentence was sent)."""
    args = RankArgs.from_json(sys.argv[1])
    end_with(args.parent)
    # Ctrl-C reaches the whole group; the supervisor alone answers it, after the drain.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    channel = Channel(args.fd)
    try:
        _serve(args, channel)
    except ModelError as error:
        channel.send(Failed(str(error)))
        return CANNOT_LOAD
    except (EOFError, BrokenPipeError):
        return 0


def _serve(args: RankArgs, channel: Channel) -> NoReturn:
    device = Device.choose(args.device, args.dtype, args.rank, args.tp)
    hang = timedelta(seconds=args.hang_seconds)
    _join(args, device)
    join_ranks(args.tp, hang)
    plans = PlanGroup(args.rank, args.tp, hang)
    runner = _load(args, device, channel)
    # Under the timeout of loading: those after it begin when all ranks are there.
    dist.barrier()
    if args.rank > 0:
        _follow(plans, runner)
    channel.send(Ready(device.name, str(device.dtype).removeprefix("torch."), device.threads))
    pool = PagePool(args.page_count, args.page_size)
    scheduler = Scheduler(pool, frozenset(args.end_ids), args.max_running, args.max_step_tokens)
    _lead(channel, scheduler, plans, runner)


def _lead(channel: Channel, scheduler: Scheduler, plans: PlanGroup, runner: Runner) -> NoReturn:
    while True:
        _take_commands(channel, scheduler)
        plan = scheduler.schedule()
        # An empty plan is sent too: the other ranks hear from this one at least once a second.
        plans.send(plan)
        if not plan.chunks:
            # Nothing to say, once a second: the supervisor ends ranks that are silent.
            channel.send(Tokens([]))
            continue
        logits = runner.execute(plan)
        tokens = [
            sample(row, sequence) for row, sequence in zip(logits, scheduler.to_sample, strict=True)
        ]
        channel.send(Tokens([(s.id, s.token, s.finish) for s in scheduler.commit(tokens)]))


def _follow(plans: PlanGroup, runner: Runner) -> NoReturn:
    while True:
        plan = plans.receive()
        if plan.chunks:
            runner.execute(plan)


def _take_commands(channel: Channel, scheduler: Scheduler) -> None:
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


def _load(args: RankArgs, device: Device, channel: Channel) -> Runner:
    """The model of this rank and its cache. Speaks to no other rank: whatever goes wrong here is
    the file's or the memory's fault. Raises ModelError."""
    path, tokens = Path(args.model), args.page_size * args.page_count
    leads = args.rank == 0

    def progress(done: int, of: int) -> None:
        if leads:
            channel.send(Loading(done, of))

    with must_fit(path, "the model"):
        file = read_gguf(path)
        shape = shape_of(file)
        check_cache(shape, args.tp, tokens, device.dtype.itemsize, device.memory(args.tp))
        model = Model(Weights(file, shape), shape, device.dtype, progress)
    size = shape.cache_bytes(tokens, args.tp, device.dtype.itemsize) / 1e9
    with must_fit(path, f"a cache of KV_TOKENS={tokens:,} ({size:,.1f} GB on each rank)"):
        return Runner(model, args.page_size, args.page_count)


if __name__ == "__main__":
    sys.exit(main())
