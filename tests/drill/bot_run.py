"""One bot of a drill: `draftsmith run`, which can be killed, stopped and started again."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from bot.transport import EVENTS_PATH

START_SECONDS = 90.0
CONNECTED = "bot connected"


@dataclass(slots=True, eq=False)
class BotRun:
    """A bot with a folder of its own. `env` is what it runs with; its output goes to `log`."""

    env: dict[str, str]
    log: Path
    port: int = 0
    process: asyncio.subprocess.Process | None = field(default=None, init=False)
    _connected_before: int = field(default=0, init=False)

    @property
    def events_url(self) -> str:
        """Where it takes Slack's requests, if it has a port."""
        return f"http://127.0.0.1:{self.port}{EVENTS_PATH}"

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    @property
    def lives(self) -> bool:
        return self.process is not None and self.process.returncode is None

    @property
    def output(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    async def start(self) -> None:
        """Start it. `connected` waits until Slack reaches it."""
        assert not self.lives
        self._connected_before = self.output.count(CONNECTED)
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "bot", "run"),
                env={**os.environ, **self.env},
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    async def connected(self) -> None:
        async with asyncio.timeout(START_SECONDS):
            while self.output.count(CONNECTED) <= self._connected_before:
                assert self.lives, self.output[-3000:]
                await asyncio.sleep(0.05)

    async def kill(self) -> None:
        """Kill it as the kernel does: it hears nothing of it."""
        if self.process is None:
            return
        if self.lives:
            self.process.kill()
        await self.process.wait()

    async def end(self) -> None:
        """Ask it to end, and wait until it has."""
        assert self.process is not None
        self.process.terminate()
        await self.process.wait()

    async def pause(self, seconds: float) -> None:
        """Stop it in the middle of whatever it does, and let it go on later."""
        await paused([self.pid], seconds)

    @property
    def supervisor(self) -> int:
        """The process id of the worker that it started."""
        return children(self.pid)[0]

    @property
    def ranks(self) -> list[int]:
        return children(self.supervisor)


async def paused(pids: list[int], seconds: float) -> None:
    """Stop processes for some seconds."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    await asyncio.sleep(seconds)
    for pid in pids:
        os.kill(pid, signal.SIGCONT)


def children(pid: int) -> list[int]:
    return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
