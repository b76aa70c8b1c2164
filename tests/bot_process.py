"""`draftsmith run` in a process of its own, as an operator has it."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bot.workspace import Workspace


@asynccontextmanager
async def bot_process(
    workspace: Workspace, data: Path, **settings: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a bot, and yield it once it is connected; its logs are in `data/log`.

    It is killed at the end if it still runs.
    """
    env = {
        "SLACK_BOT_TOKEN": workspace.bot_token,
        "SLACK_APP_TOKEN": workspace.app_token,
        "SLACK_API_URL": f"{workspace.url}/api/",
        "DATA_DIR": str(data),
        "DRAIN_SECONDS": "10",
        **settings,
    }
    data.mkdir(exist_ok=True)
    with (data / "log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bot",
            "run",
            env={**os.environ, **env},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        await workspace.until(lambda: workspace.connected, 30)
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await workspace.until(lambda: not workspace.connected, 30)
