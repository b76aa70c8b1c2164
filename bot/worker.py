"""The worker as a child of the bot: started, watched, started again, ended."""

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import structlog

from bot.errors import OperatorError
from inference.client import EngineClient
from inference.environment import worker_environment

log = structlog.get_logger(__name__)

CANNOT_LOAD = 2
STOP_SECONDS = 40.0
LONG_LIFE_SECONDS = 300.0
BACKOFF_SECONDS = (1.0, 2.0, 5.0, 15.0, 60.0)

OnLine = Callable[[str], None]


@asynccontextmanager
async def own_worker(socket: Path, on_line: OnLine) -> AsyncIterator[asyncio.Task[None]]:
    """Run a worker on a Unix socket inside `async with`.

    The task that is yielded ends only by raising OperatorError, with the worker's own sentence
    about what it cannot load. `on_line` gets each line that the worker prints.
    """
    socket.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    watch = asyncio.create_task(_keep_running(socket, on_line), name="worker")
    try:
        yield watch
    finally:
        watch.cancel()
        with contextlib.suppress(asyncio.CancelledError, OperatorError):
            await watch


async def until_ready(
    worker: asyncio.Task[None], engine: EngineClient, seconds: float, on_line: OnLine
) -> None:
    """Wait for the model of `own_worker`, and tell how far it is.

    Raises OperatorError if it cannot be loaded, EngineUnavailable if it takes longer.
    """
    ready = asyncio.create_task(engine.wait_ready(seconds, on_line))
    await asyncio.wait({worker, ready}, return_when=asyncio.FIRST_COMPLETED)
    if worker.done():
        ready.cancel()
        worker.result()
    await ready


async def _keep_running(socket: Path, on_line: OnLine) -> None:
    deaths = 0
    while True:
        began = time.monotonic()
        code, last = await _run_once(socket, on_line)
        if code == CANNOT_LOAD:
            raise OperatorError(last.removeprefix("worker: "))
        deaths = 0 if time.monotonic() - began > LONG_LIFE_SECONDS else deaths + 1
        delay = BACKOFF_SECONDS[min(deaths, len(BACKOFF_SECONDS) - 1)]
        log.warning("worker ended", code=code, again_in=delay)
        await asyncio.sleep(delay)


async def _run_once(socket: Path, on_line: OnLine) -> tuple[int, str]:
    """Run the worker until it ends; return its exit code and the last line that it printed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "inference",
        env=worker_environment()
        | {"WORKER_BIND": f"unix:{socket}", "WORKER_PARENT": str(os.getpid())},
        stderr=asyncio.subprocess.PIPE,
    )
    last = ""
    try:
        assert process.stderr is not None
        async for line in process.stderr:
            last = line.decode(errors="replace").rstrip() or last
            on_line(last)
        return await process.wait(), last
    finally:
        await _end(process)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
