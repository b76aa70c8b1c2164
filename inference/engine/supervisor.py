"""Starts and watches the ranks, and holds the open requests with the tokens already emitted.

Runs without torch. When a rank dies or hangs, all are killed and started anew, and every open
request goes on from its last token: a draw depends on seed and position, so nobody notices. They
are taken up one at a time, so that a request that kills the ranks is told from those beside it.
"""

import asyncio
import contextlib
import os
import re
import socket
import sys
import tempfile
import time
from asyncio.subprocess import Process
from collections import deque
from collections.abc import AsyncGenerator
from dataclasses import asdict, dataclass, field
from itertools import count
from pathlib import Path

import structlog

from inference.checkpoint.errors import ModelError
from inference.engine.messages import (
    Add,
    Cancel,
    Failed,
    Loading,
    Outputs,
    RankArgs,
    RankMessage,
    Ready,
    SampleOutput,
    encode,
    read_message,
)
from inference.engine.sequence import SamplingParams
from inference.metrics import Metrics
from inference.settings import Settings

log = structlog.get_logger(__name__)

PAGE_SIZE = 16
MAX_LIVES = 4
MAX_STRIKES = 2
# Imports, a cold disk, and the cache that is allocated at the end say nothing while they last.
LOADING_SECONDS = 120.0
KILL_SECONDS = 5.0
CANARY_FRESH_SECONDS = 2.0
PASSED_ON = re.compile(
    r"(PATH|HOME|USER|LOGNAME|LANG|TZ|TMPDIR|LD_LIBRARY_PATH|LD_PRELOAD|VIRTUAL_ENV)$"
    r"|(LC|XDG|OMP|GOMP|KMP|MKL|DNNL|ONEDNN|TORCH|PYTORCH|ATEN|GLOO|NCCL|CUDA|NVIDIA"
    r"|CUBLAS|TRITON|MALLOC)_|PYTHON"
)


class GenerationStopped(Exception):
    """The ranks could not go on with a request; the message is a sentence."""


@dataclass(slots=True, eq=False)
class OpenSample:
    """An open sample: its prompt, and what the ranks have sent of it. Times are monotonic."""

    id: str
    prompt: list[int]
    params: SamplingParams
    emitted: list[int] = field(default_factory=list)
    scored: int = 0
    strikes: int = 0
    asked_at: float = field(default_factory=time.monotonic)
    first_at: float | None = None
    inbox: asyncio.Queue[SampleOutput | GenerationStopped] = field(default_factory=asyncio.Queue)

    def __post_init__(self) -> None:
        assert self.prompt

    def as_add(self) -> Add:
        return Add(self.id, self.prompt, self.emitted, self.scored, asdict(self.params))


class Supervisor:
    """The ranks of one model. `run` owns them; everything else talks to whichever are alive."""

    def __init__(self, settings: Settings, model: Path, end_ids: frozenset[int]) -> None:
        self.settings, self.model, self.end_ids = settings, model, end_ids
        self.progress = "starting"
        self.ready: Ready | None = None
        self.open: dict[str, OpenSample] = {}
        self.page_count = settings.kv_tokens and settings.kv_tokens // PAGE_SIZE
        self.metrics = Metrics()
        self._ids = count()
        self._rank0: asyncio.StreamWriter | None = None
        self._last_token = 0.0
        self._last_event = 0.0
        self._lives = MAX_LIVES
        self._ever_ready = False
        # After a death: the samples that have no token since. The first is with the ranks.
        self._on_trial: deque[OpenSample] = deque()
        self.processes: list[Process] = []

    @property
    def capacity(self) -> int:
        """Tokens that one sample can have at most, prompt included; known once the ranks are up."""
        return (self.page_count or 0) * PAGE_SIZE

    @property
    def busy(self) -> bool:
        return len(self.open) >= self.settings.max_waiting

    @property
    def _loading_seconds(self) -> float:
        return max(self.settings.hang_seconds, LOADING_SECONDS)

    async def run(self) -> None:
        """Keeps the ranks alive until cancelled. Raises ModelError if they cannot be started."""
        # What is done here, thread by thread, must not push a rank off its core in mid-step.
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
        try:
            while await self._one_life():
                log.warning("a rank has died; all are started again", open=len(self.open))
                self.metrics.restarts.inc()
            raise ModelError(f"The ranks that serve {self.model} ended; the lines above say why.")
        finally:
            for sample in self.open.values():
                sample.inbox.put_nowait(GenerationStopped("The worker has stopped."))

    async def generate(
        self, prompt: list[int], params: SamplingParams
    ) -> AsyncGenerator[SampleOutput, None]:
        """Tokens of one sample as they come. Closing the iterator cancels it. Raises Stopped."""
        sample = OpenSample(f"s{next(self._ids)}", prompt, params)
        self.open[sample.id] = sample
        self.metrics.prompt_tokens.inc(len(prompt))
        if self._on_trial:
            self._on_trial.append(sample)
        else:
            self._tell(sample.as_add())
        try:
            while True:
                event = await sample.inbox.get()
                if isinstance(event, GenerationStopped):
                    raise event
                yield event
                if event.finish:
                    return
        finally:
            if self.open.pop(sample.id, None) is not None:
                self._tell(Cancel(sample.id))
                self.metrics.finished.labels("cancelled").inc()
            self._acquit(sample)

    async def answers(self, within: float) -> bool:
        """Whether a real token has just come out of the model, asking for one if need be."""
        if self.ready is None:
            return False
        if time.monotonic() - self._last_token < CANARY_FRESH_SECONDS:
            return True
        canary = self.generate([next(iter(self.end_ids), 0)], SamplingParams())
        try:
            async with asyncio.timeout(within), contextlib.aclosing(canary):
                async for _ in canary:
                    return True
        except (TimeoutError, GenerationStopped):
            pass
        return False

    async def drain(self, within: float) -> None:
        """Returns when no sample is open any more, or after `within` seconds."""
        for _ in range(int(within * 10)):
            if not self.open:
                return
            await asyncio.sleep(0.1)

    async def _one_life(self) -> bool:
        """Starts the ranks and serves until one ends; all are dead on return. True if it is worth
        another try: they have come up once, and not died too often since the last token.

        Raises ModelError when a rank says that it cannot load.
        """
        self._lives -= 1
        self._last_event = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="draftsmith-") as directory:
            readers: list[asyncio.StreamReader] = []
            writers: list[asyncio.StreamWriter] = []
            try:
                for rank in range(self.settings.tp):
                    reader, writer = await self._start(rank, Path(directory) / "store")
                    readers.append(reader)
                    writers.append(writer)
                self._rank0 = writers[0]
                return await self._serve(readers)
            finally:
                self._rank0 = self.ready = None
                for writer in writers:
                    writer.close()
                await self._kill()
                if self._ever_ready:
                    self.progress = "starting again"

    async def _start(
        self, rank: int, store: Path
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        ours, theirs = socket.socketpair()
        with theirs:
            args = self._rank_args(rank, theirs.fileno(), store)
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "inference.engine.worker",
                args.to_json(),
                pass_fds=[theirs.fileno()],
                stdin=asyncio.subprocess.DEVNULL,
                env=rank_environment(self.settings.tp),
            )
        self.processes.append(process)
        ours.setblocking(False)
        return await asyncio.open_connection(sock=ours)

    def _rank_args(self, rank: int, fd: int, store: Path) -> RankArgs:
        return RankArgs(
            rank=rank,
            tp=self.settings.tp,
            parent=os.getpid(),
            fd=fd,
            store=str(store),
            model=str(self.model),
            adapters={name: str(path) for name, path in self.settings.adapter_paths.items()},
            device=self.settings.device,
            dtype=self.settings.dtype,
            weights=self.settings.weights,
            deterministic=self.settings.deterministic,
            speculate=self.settings.speculate,
            end_ids=sorted(self.end_ids),
            page_size=PAGE_SIZE,
            page_count=self.page_count,
            kv_fraction=self.settings.kv_fraction,
            max_running=self.settings.max_running,
            max_step_tokens=self.settings.max_step_tokens,
            loading_seconds=self._loading_seconds,
            hang_seconds=self.settings.hang_seconds,
        )

    async def _serve(self, readers: list[asyncio.StreamReader]) -> bool:
        """Takes in what the ranks say until one of them ends or hangs."""
        tasks = [asyncio.create_task(self._listen(reader)) for reader in readers]
        tasks.append(asyncio.create_task(self._watch()))
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
            self._blame()
            return self._ever_ready and self._lives > 0
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        """Ends when the rank does. Raises ModelError."""
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                self._take(await read_message(reader))

    def _take(self, message: RankMessage) -> None:
        self._last_event = time.monotonic()
        match message:
            case Loading():
                self.progress = f"reading weights, layer {message.done} of {message.of}"
                if message.done % 10 == 0 or message.done == message.of:
                    log.info("reading weights", layer=message.done, of=message.of)
            case Ready():
                self._come_up(message)
            case Outputs():
                self.metrics.observe(message.load)
                for emitted in message.items:
                    self._last_token = self._last_event
                    self._lives = MAX_LIVES
                    self._deliver(emitted)
            case Failed():
                raise ModelError(message.sentence)

    def _come_up(self, ready: Ready) -> None:
        self.ready, self.progress, self._ever_ready = ready, "ready", True
        # Ranks that are started again must hold what these have promised to.
        self.page_count = ready.page_count
        self.metrics.pages.set(ready.page_count)
        self.metrics.ranks_began()
        log.info(
            "ready",
            model=self.model.stem,
            device=ready.device,
            numbers=ready.numbers,
            ranks=self.settings.tp,
            threads=ready.threads,
            kv_tokens=self.capacity,
        )
        self._on_trial = deque(self.open.values())
        self._try_next()

    def _try_next(self) -> None:
        if self._on_trial:
            self._tell(self._on_trial[0].as_add())

    def _acquit(self, sample: OpenSample) -> None:
        """A sample that has got a token, or is closed, is no longer suspected."""
        if sample not in self._on_trial:
            return
        was_with_the_ranks = sample is self._on_trial[0]
        self._on_trial.remove(sample)
        if was_with_the_ranks:
            self._try_next()

    def _blame(self) -> None:
        """The ranks have died: again with the same sample on trial, and it is given up."""
        suspects, self._on_trial = self._on_trial, deque()
        if not suspects:
            return
        culprit = suspects[0]
        culprit.strikes += 1
        if culprit.strikes == MAX_STRIKES:
            del self.open[culprit.id]
            sentence = "The worker failed on this request again and again; change it."
            culprit.inbox.put_nowait(GenerationStopped(sentence))
            self._lives = MAX_LIVES

    def _deliver(self, emitted: SampleOutput) -> None:
        # A cancelled sample may get one more token: the cancel was on its way.
        if (sample := self.open.get(emitted.id)) is None:
            return
        self._count(sample, emitted)
        sample.emitted += emitted.tokens
        sample.scored += len(emitted.prompt_logprobs or ())
        sample.strikes = 0
        sample.inbox.put_nowait(emitted)
        if emitted.finish:
            del self.open[sample.id]
        if emitted.tokens or emitted.finish:
            self._acquit(sample)

    def _count(self, sample: OpenSample, emitted: SampleOutput) -> None:
        metrics, now = self.metrics, self._last_event
        metrics.tokens.inc(len(emitted.tokens))
        metrics.cached_tokens.inc(emitted.cached or 0)
        if sample.first_at is None and emitted.tokens:
            sample.first_at = now
            metrics.ttft.observe(now - sample.asked_at)
        if emitted.finish:
            metrics.finished.labels(emitted.finish).inc()
            later = len(sample.emitted) + len(emitted.tokens) - 1
            if sample.first_at is not None and later > 0:
                metrics.tpot.observe((now - sample.first_at) / later)

    async def _watch(self) -> None:
        """Ends when the ranks say nothing, which they do after every step and every idle second."""
        while True:
            await asyncio.sleep(1)
            silent = time.monotonic() - self._last_event
            if silent > (self.settings.hang_seconds if self.ready else self._loading_seconds):
                log.warning("the ranks are silent", seconds=round(silent))
                return

    def _tell(self, message: Add | Cancel) -> None:
        # Before the ranks are up there is nobody to tell: they get all open samples then.
        if self.ready and self._rank0 is not None:
            self._rank0.write(encode(message))

    async def _kill(self) -> None:
        processes, self.processes = self.processes, []
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        for process in processes:
            await asyncio.wait_for(process.wait(), KILL_SECONDS)


def rank_environment(tp: int) -> dict[str, str]:
    """The ranks talk over loopback only, share the cores, and get none of the bot's secrets."""
    threads = max(1, len(os.sched_getaffinity(0)) // tp)
    defaults = {
        "GLOO_SOCKET_IFNAME": "lo",
        "OMP_NUM_THREADS": str(threads),
        # GNU's threads spin long for the next piece of work, on a core that another process needs.
        # Two cores, default model, one stream: as long as GNU does 24 pieces of text a second
        # alone and 2 to 4 beside a busy loop on one core; this long 25 and 6; not at all 16 and 17.
        "GOMP_SPINCOUNT": "20000",
        # Megatron says on import that Apex and Transformer Engine are missing; neither is wanted.
        "PYTHONWARNINGS": "ignore",
        "TORCH_CPP_LOG_LEVEL": "ERROR",
    }
    return defaults | {name: os.environ[name] for name in os.environ if PASSED_ON.match(name)}
