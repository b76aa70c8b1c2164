"""`draftsmith run`: the bot and its worker, until SIGTERM; then both drain."""

import asyncio
import signal
import sys
from contextlib import AsyncExitStack

from bot.app import running
from bot.settings import Settings
from bot.worker import own_worker
from inference.logs import configure


async def run(settings: Settings) -> int:
    """Run until SIGTERM; return 0. Raises what `bot.cli.failure` knows a sentence for."""
    configure(settings.log_format)
    stopped = asyncio.create_task(_stop_signal())
    waiting = {stopped}
    async with AsyncExitStack() as stack:
        if settings.worker_url is None:
            worker = own_worker(settings.socket, lambda line: print(line, file=sys.stderr))
            waiting.add(await stack.enter_async_context(worker))
        await stack.enter_async_context(running(settings))
        done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        for task in done - {stopped}:
            task.result()
    return 0


async def _stop_signal() -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()
