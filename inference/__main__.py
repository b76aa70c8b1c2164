"""`python -m inference`: the worker, until SIGTERM. Settings come from the environment.

`python -m inference --check` says what would be served, and serves nothing.
"""

import argparse
import asyncio
import os
import signal
import socket
import stat
import sys
from pathlib import Path

import structlog
from aiohttp import web

from inference import logs
from inference.api.app import Face
from inference.checkpoint.check import open_model
from inference.checkpoint.errors import ModelError, model_errors
from inference.checkpoint.lora import open_adapter
from inference.checkpoint.open import Checkpoint
from inference.engine.parent_death import die_with_parent
from inference.engine.supervisor import Supervisor
from inference.model.config import check_cache, check_split
from inference.settings import Settings, SettingsError, load_settings
from inference.tokenization.tokenizer import Tokenizer

log = structlog.get_logger(__name__)

CANNOT_START = 2
CLOSE_SECONDS = 2.0


def main() -> int:
    """Exit codes: 0 stopped, 2 settings or model that cannot be used (a sentence says which)."""
    parser = argparse.ArgumentParser(prog="python -m inference", description=__doc__)
    parser.add_argument("--check", action="store_true", help="say what would be served")
    only_check = parser.parse_args().check
    try:
        if only_check:
            print(check(load_settings()))  # noqa: T201
        else:
            settings = load_settings()
            logs.configure(settings.log_format)
            logs.guard_crashes()
            if settings.worker_parent is not None:
                die_with_parent(settings.worker_parent)
            asyncio.run(serve(settings))
    except (ModelError, SettingsError, BindError) as error:
        # A sentence for whoever started it, not an event.
        print(f"worker: {error}", file=sys.stderr)  # noqa: T201
        return CANNOT_START
    return 0


def check(settings: Settings) -> str:
    """What would be served, in a line. Raises ModelError for what the ranks would stumble over."""
    # torch, which the supervisor has not.
    from inference.model.device import Device  # noqa: PLC0415
    from inference.model.weight_loader import WeightLoader, check_memory, rank_bytes  # noqa: PLC0415

    checkpoint, _ = read_model(settings)
    config, weights = checkpoint.config, WeightLoader(checkpoint.tensors, checkpoint.refs)
    device = Device.choose(settings, rank=0, tp=settings.tp)
    tp, size, memory = settings.tp, device.dtype.itemsize, device.memory(settings.tp)
    with model_errors(checkpoint.path, "the model"):
        held = rank_bytes(weights, config, tp, device.form, size)
        check_memory(held, tp, memory)
        check_cache(config, tp, settings.kv_tokens or 0, size, memory)
    return (
        f"{settings.model}: {config.family}, {config.layers} layers, context {config.context:,}; "
        f"TP={tp} on {device.name} in {device.description}, {held / 1e6:,.0f} MB on each rank"
    )


def read_model(settings: Settings) -> tuple[Checkpoint, Tokenizer]:
    """All of the model that is no weight, and whether the weights are there. Raises ModelError."""
    checkpoint, vocabulary = open_model(settings.model)
    check_split(checkpoint.config, settings.tp)
    for name, path in settings.adapter_paths.items():
        open_adapter(name, path, checkpoint.config)
    return checkpoint, Tokenizer(vocabulary, thinking=settings.thinking)


class BindError(Exception):
    """An address that cannot be listened on; the message says why."""


async def serve(settings: Settings) -> None:
    """Serves until SIGTERM or SIGINT. Raises ModelError, BindError."""
    checkpoint, tokenizer = read_model(settings)
    path, config = checkpoint.path, checkpoint.config
    supervisor = Supervisor(settings, path, tokenizer.end_ids)
    name = checkpoint.name if Path(settings.model) == path else settings.model
    token = settings.worker_token.get_secret_value() if settings.worker_token else None
    face = Face(supervisor, tokenizer, name, config.context, token)
    runner = web.AppRunner(
        face.app(),
        access_log=None,
        handler_cancellation=True,
        shutdown_timeout=CLOSE_SECONDS,
    )
    await runner.setup()
    ranks = asyncio.create_task(supervisor.run())
    stop = asyncio.create_task(_stop_signal())
    try:
        await _listen(runner, settings.worker_bind)
        log.info("listening", model=name, on=settings.worker_bind)
        await asyncio.wait([ranks, stop], return_when=asyncio.FIRST_COMPLETED)
    finally:
        stop.cancel()
        face.draining = True
        log.info("stopping", running=len(supervisor.open), seconds=settings.drain_seconds)
        await supervisor.drain(settings.drain_seconds)
        await runner.cleanup()
        ranks.cancel()
        await asyncio.wait([ranks])
    if not ranks.cancelled():
        ranks.result()


async def _stop_signal() -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    await stopped.wait()


async def _listen(runner: web.AppRunner, bind: str) -> None:
    """Raises BindError."""
    try:
        await _site(runner, bind).start()
    except OSError as error:
        # Of an address in use asyncio makes a sentence of its own; the number has the plain reason.
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise BindError(f"Cannot listen on {bind}: {reason}; set another WORKER_BIND.") from error


def _site(runner: web.AppRunner, bind: str) -> web.BaseSite:
    kind, _, place = bind.partition(":")
    if kind == "unix":
        return web.SockSite(runner, _unix_socket(Path(place)))
    host, _, port = place.rpartition(":")
    return web.TCPSite(runner, host.strip("[]"), int(port))


def _unix_socket(path: Path) -> socket.socket:
    """A listening socket that only this user can reach. Raises BindError, OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    owner = path.parent.stat()
    if owner.st_uid != os.getuid() or stat.S_IMODE(owner.st_mode) & 0o077:
        raise BindError(
            f"{path.parent} can be entered by other users; run chmod 700 on it, "
            "or set WORKER_BIND to a socket in a directory of your own."
        )
    if path.is_socket():
        if _answers(path):
            raise BindError(
                f"Another worker listens on {path}; stop it or set another WORKER_BIND."
            )
        path.unlink(missing_ok=True)
    elif path.exists():
        raise BindError(f"{path} is there and is no socket; set another WORKER_BIND.")
    listener = socket.socket(socket.AF_UNIX)
    old = os.umask(0o177)
    try:
        listener.bind(str(path))
    finally:
        os.umask(old)
    return listener


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


if __name__ == "__main__":
    sys.exit(main())
