"""`python -m inference`: the worker, until SIGTERM. WorkerSettings come from the environment.

`python -m inference --check` says what would be served, and serves nothing.
"""

import argparse
import asyncio
import os
import signal
import sys
from pathlib import Path

import structlog
from aiohttp import web

from inference import logs
from inference.api.app import ApiServer
from inference.api.listen import listen
from inference.checkpoint.lora import open_adapter
from inference.checkpoint.open import Checkpoint, open_model
from inference.engine.parent_death import die_with_parent
from inference.engine.supervisor import Supervisor
from inference.errors import OperatorError, model_errors
from inference.model.config import check_cache, check_split
from inference.settings import WorkerSettings, load_settings
from inference.tokenization.tokenizer import Tokenizer

log = structlog.get_logger(__name__)

CLOSE_SECONDS = 2.0


def main() -> int:
    """Return the exit code: 0 stopped, 2 for settings or a model that cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m inference", description=__doc__)
    parser.add_argument("--check", action="store_true", help="say what would be served")
    only_check = parser.parse_args().check
    os.umask(0o077)  # Whatever is written is for this user alone.
    try:
        settings = load_settings()
        if only_check:
            print(check(settings))  # noqa: T201
            return 0
        logs.configure(settings.log_format)
        logs.guard_crashes()
        if settings.worker_parent is not None:
            die_with_parent(settings.worker_parent)
        asyncio.run(serve(settings))
    except OperatorError as error:
        # A sentence for whoever started the worker, so it is no event of the log.
        print(f"worker: {error.sentence}", file=sys.stderr)  # noqa: T201
        return error.exit_code
    return 0


def check(settings: WorkerSettings) -> str:
    """Return what would be served, in a line. Raises ModelError where the ranks would fail."""
    # These import torch, which the supervisor runs without.
    from inference.model.device import Device, Limits  # noqa: PLC0415
    from inference.model.weight_loader import WeightLoader, check_memory, rank_bytes  # noqa: PLC0415

    checkpoint, _ = read_model(settings)
    config, loader = checkpoint.config, WeightLoader(checkpoint.tensors, checkpoint.refs)
    device = Device.choose(settings, rank=0, tp=settings.tp)
    Limits.choose(settings, device)
    tp, size, memory = settings.tp, device.dtype.itemsize, device.memory(settings.tp)
    with model_errors(checkpoint.path, "the model"):
        held = rank_bytes(loader, config, tp, device.form, size, device=device.name)
        check_memory(held, tp, memory)
        check_cache(config, tp, settings.kv_tokens or 0, size, memory)
    return (
        f"{settings.model}: {config.family}, {config.layers} layers, context {config.context:,}; "
        f"TP={tp} on {device.name} in {device.description}, {held / 1e6:,.0f} MB on each rank"
    )


def read_model(settings: WorkerSettings) -> tuple[Checkpoint, Tokenizer]:
    """Read all of the model but its weights, and check that these are there. Raises ModelError."""
    checkpoint, vocabulary = open_model(settings.model)
    check_split(checkpoint.config, settings.tp)
    for name, path in settings.adapter_paths.items():
        open_adapter(name, path, checkpoint.config)
    return checkpoint, Tokenizer(vocabulary, thinking=settings.thinking)


async def serve(settings: WorkerSettings) -> None:
    """Serve until SIGTERM or SIGINT. Raises OperatorError."""
    checkpoint, tokenizer = read_model(settings)
    path, config = checkpoint.path, checkpoint.config
    supervisor = Supervisor(settings, path, tokenizer.end_ids)
    name = checkpoint.name if Path(settings.model) == path else settings.model
    token = settings.worker_token.get_secret_value() if settings.worker_token else None
    server = ApiServer(supervisor, tokenizer, name, config.context, token)
    runner = web.AppRunner(
        server.app(), access_log=None, handler_cancellation=True, shutdown_timeout=CLOSE_SECONDS
    )
    await runner.setup()
    ranks = asyncio.create_task(supervisor.run())
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    stop = asyncio.create_task(stopped.wait())
    try:
        await listen(runner, settings.worker_bind)
        log.info("listening", model=name, on=settings.worker_bind)
        await asyncio.wait([ranks, stop], return_when=asyncio.FIRST_COMPLETED)
    finally:
        stop.cancel()
        server.draining = True
        log.info("stopping", running=len(supervisor.open), seconds=settings.drain_seconds)
        await supervisor.drain(settings.drain_seconds)
        await runner.cleanup()
        ranks.cancel()
        await asyncio.wait([ranks])
    if not ranks.cancelled():
        ranks.result()


if __name__ == "__main__":
    sys.exit(main())
