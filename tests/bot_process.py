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
    async with one_of_several(workspace, data, **settings) as process:
        yield process
    await workspace.until(lambda: not workspace.connected, 30)


@asynccontextmanager
async def one_of_several(
    workspace: Workspace, data: Path, **settings: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a bot beside others, as `bot_process` does."""
    env = {
        "SLACK_BOT_TOKEN": workspace.bot_token,
        "SLACK_APP_TOKEN": workspace.app_token,
        "SLACK_API_URL": f"{workspace.url}/api/",
        "DATA_DIR": str(data),
        "DRAIN_SECONDS": "10",
        **settings,
    }
    data.mkdir(exist_ok=True)
    log = data / "log"
    before = connections(log)
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bot",
            "run",
            env={**os.environ, **env},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        async with asyncio.timeout(30):
            while connections(log) == before:
                assert process.returncode is None, log.read_text()
                await asyncio.sleep(0.05)
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def connections(log: Path) -> int:
    """Return how often the bots of a log have begun to hear Slack."""
    return log.read_text().count("bot connected") if log.exists() else 0
