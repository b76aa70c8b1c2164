"""The processes of the ranks: started together, killed together. No torch here."""

import asyncio
import contextlib
import json
import os
import socket
import sys
import tempfile
from asyncio import StreamReader, StreamWriter
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from dataclasses import asdict, replace
from pathlib import Path

from inference.engine.messages import Add, Cancel, RankArgs, encode
from inference.environment import system_environment
from inference.settings import WorkerSettings

PAGE_SIZE = 16
KILL_SECONDS = 5.0


class RankProcesses:
    """The ranks of one model, and our ends of their sockets."""

    def __init__(self, settings: WorkerSettings, model: Path, end_ids: frozenset[int]) -> None:
        self.settings, self.model, self.end_ids = settings, model, end_ids
        self.processes: list[Process] = []
        self._writers: list[StreamWriter] = []

    @contextlib.asynccontextmanager
    async def running(
        self, page_count: int | None, loading_seconds: float
    ) -> AsyncIterator[list[StreamReader]]:
        """Start all ranks and give what they write; kill them at the end."""
        readers = []
        with tempfile.TemporaryDirectory(prefix="draftsmith-") as directory:
            args = self._args(Path(directory) / "store", page_count, loading_seconds)
            try:
                for rank in range(args.tp):
                    readers.append(await self._start(replace(args, rank=rank)))
                yield readers
            finally:
                for writer in self._writers:
                    writer.close()
                processes, self.processes, self._writers = self.processes, [], []
                for process in processes:
                    with contextlib.suppress(ProcessLookupError):
                        process.kill()
                for process in processes:
                    await asyncio.wait_for(process.wait(), KILL_SECONDS)

    def send(self, message: Add | Cancel) -> None:
        """Send a message to rank 0, which must be running."""
        self._writers[0].write(encode(message))

    async def _start(self, args: RankArgs) -> StreamReader:
        ours, theirs = socket.socketpair()
        with theirs:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "inference.engine.worker",
                json.dumps(asdict(replace(args, fd=theirs.fileno()))),
                pass_fds=[theirs.fileno()],
                stdin=asyncio.subprocess.DEVNULL,
                env=rank_environment(args.tp),
            )
        self.processes.append(process)
        ours.setblocking(False)
        reader, writer = await asyncio.open_connection(sock=ours)
        self._writers.append(writer)
        return reader

    def _args(self, store: Path, page_count: int | None, loading_seconds: float) -> RankArgs:
        """Return what all ranks have in common; `rank` and `fd` are filled in for each."""
        settings = self.settings
        return RankArgs(
            rank=0,
            tp=settings.tp,
            parent=os.getpid(),
            fd=-1,
            store=str(store),
            model=str(self.model),
            adapters={name: str(path) for name, path in settings.adapter_paths.items()},
            device=settings.device,
            dtype=settings.dtype,
            weights=settings.weights,
            deterministic=settings.deterministic,
            speculate=settings.speculate,
            end_ids=sorted(self.end_ids),
            page_size=PAGE_SIZE,
            page_count=page_count,
            kv_fraction=settings.kv_fraction,
            max_running=settings.max_running,
            max_step_tokens=settings.max_step_tokens,
            loading_seconds=loading_seconds,
            hang_seconds=settings.hang_seconds,
        )


def rank_environment(tp: int) -> dict[str, str]:
    """Return the environment of a rank: the ranks talk over loopback only, share the cores, and get
    none of the bot's secrets.
    """
    threads = max(1, len(os.sched_getaffinity(0)) // tp)
    defaults = {
        "GLOO_SOCKET_IFNAME": "lo",
        "OMP_NUM_THREADS": str(threads),
        # GNU's threads spin long for the next piece of work, on a core that another process needs.
        # Two cores, default model, one stream: with GNU's own count 24 pieces of text a second
        # alone and 2 to 4 beside a busy loop on one core; with this count 25 and 6; without
        # spinning 16 and 17.
        "GOMP_SPINCOUNT": "20000",
        # Megatron says on import that Apex and Transformer Engine are missing; we want neither.
        "PYTHONWARNINGS": "ignore",
        "TORCH_CPP_LOG_LEVEL": "ERROR",
    }
    return defaults | system_environment()
