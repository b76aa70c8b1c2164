"""The bot in a process of its own, as `draftsmith run` starts it."""

import asyncio
import contextlib
import multiprocessing
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from bot.cli import run_command
from bot.cli.run import run
from bot.errors import OperatorError
from bot.settings import ExplicitSettings, Settings
from bot.workspace import Workspace

START_SECONDS = 60.0


@asynccontextmanager
async def bot_process(
    workspace: Workspace, worker: str, folder: Path, **more: Any
) -> AsyncIterator[None]:
    """Run a bot, connected; `more` are further settings.

    Raises OperatorError if it does not start.
    """
    before = workspace.sockets
    settings = ExplicitSettings(
        slack_bot_token=workspace.bot_token,
        slack_app_token=workspace.app_token,
        slack_api_url=f"{workspace.url}/api/",
        slack_transport="socket",
        worker_url=worker,
        data_dir=folder,
        **more,
    )
    process = multiprocessing.get_context("spawn").Process(target=_run, args=(settings,))
    process.start()
    try:
        await workspace.until(
            lambda: workspace.sockets > before or not process.is_alive(), START_SECONDS
        )
        if workspace.sockets == before:
            raise OperatorError(f"The bot did not start: {_log_file(settings).read_text()[-500:]}")
        yield
    finally:
        process.terminate()
        await asyncio.to_thread(process.join)


def _run(settings: Settings) -> None:
    with _log_file(settings).open("w") as log, contextlib.redirect_stderr(log):
        sys.exit(run_command(run(settings)))


def _log_file(settings: Settings) -> Path:
    return settings.data_dir / "log"
