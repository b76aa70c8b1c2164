"""Keeps the ranks alive, and holds the open samples with the tokens already emitted.

Runs without torch. When a rank dies or hangs, all are killed and started anew, and every open
sample goes on from its last token: a draw depends on seed and position, so nobody notices.
"""

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncGenerator
from itertools import count
from pathlib import Path

import structlog

from inference.engine.messages import (
    Add,
    Cancel,
    Failed,
    Loading,
    Outputs,
    RankMessage,
    Ready,
    Said,
    SampleOutput,
    read_message,
)
from inference.engine.open_samples import GenerationStopped, OpenSample, Quarantine
from inference.engine.rank_processes import PAGE_SIZE, RankProcesses
from inference.engine.sequence import SamplingParams
from inference.errors import ModelError
from inference.metrics import Metrics
from inference.settings import WorkerSettings

log = structlog.get_logger(__name__)

MAX_LIVES = 4
MOST_NAMED = 20
# Imports, a cold disk, and the allocation of the cache at the end happen without a message.
LOADING_SECONDS = 120.0
CANARY_FRESH_SECONDS = 2.0
# Open samples, before 503 is answered: so many at least, and so many for each that runs.
LEAST_WAITING, WAITING_FOR_EACH = 64, 4


class Supervisor:
    """The ranks of one model. `run` owns them; all else talks to whichever are alive."""

    def __init__(self, settings: WorkerSettings, model: Path, end_ids: frozenset[int]) -> None:
        self.settings, self.model, self.end_ids = settings, model, end_ids
        self.progress = "starting"
        self.ready: Ready | None = None
        self.open: dict[str, OpenSample] = {}
        self.page_count = settings.kv_tokens and settings.kv_tokens // PAGE_SIZE
        self.metrics = Metrics()
        self._ids = count()
        self.ranks = RankProcesses(settings, model, end_ids)
        self._quarantine = Quarantine(lambda sample: self._send(sample.as_add()))
        self._last_token = self._last_event = 0.0
        self._lives = MAX_LIVES
        self._ever_ready = False

    @property
    def capacity(self) -> int:
        """Tokens that one sample can have at most, prompt included; known once the ranks are up."""
        return (self.page_count or 0) * PAGE_SIZE

    @property
    def max_waiting(self) -> int:
        """Samples that may be open. How many run at once is known when the ranks are up."""
        running = self.ready.max_running if self.ready else 0
        return self.settings.max_waiting or max(LEAST_WAITING, WAITING_FOR_EACH * running)

    @property
    def busy(self) -> bool:
        return len(self.open) >= self.max_waiting

    @property
    def _loading_seconds(self) -> float:
        return max(self.settings.hang_seconds, LOADING_SECONDS)

    async def run(self) -> None:
        """Keep the ranks alive until cancelled. Raises ModelError if they cannot be started."""
        # The threads of this process must not take a core from a rank in the middle of a step.
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
        try:
            while await self._one_life():
                log.warning("a rank has died; all are started again", **self._open_requests())
                self.metrics.restarts.inc()
            raise ModelError(f"The ranks that serve {self.model} ended; the lines above say why.")
        finally:
            for sample in self.open.values():
                sample.inbox.put_nowait(GenerationStopped("The worker has stopped."))

    async def generate(
        self, prompt: list[int], params: SamplingParams
    ) -> AsyncGenerator[SampleOutput, None]:
        """Yield the tokens of one sample as they come. Closing the iterator cancels the sample.

        Raises GenerationStopped.
        """
        sample = OpenSample(f"s{next(self._ids)}", prompt, params)
        self.open[sample.id] = sample
        self.metrics.prompt_tokens.inc(len(prompt))
        if not self._quarantine.add(sample):
            self._send(sample.as_add())
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
                self._send(Cancel(sample.id))
                self.metrics.finished.labels("cancelled").inc()
            self._quarantine.release(sample)

    async def answers(self, within: float) -> bool:
        """Say whether the model has just produced a real token; ask it for one if need be."""
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
        """Wait until no sample is open, at most `within` seconds."""
        for _ in range(int(within * 10)):
            if not self.open:
                return
            await asyncio.sleep(0.1)

    async def _one_life(self) -> bool:
        """Start the ranks and serve until one ends; all are dead on return. Returns whether another
        try is worth it: they have come up once, and not died too often since the last token.

        Raises ModelError if a rank says that it cannot load.
        """
        self._lives -= 1
        self._last_event = time.monotonic()
        try:
            async with self.ranks.running(self.page_count, self._loading_seconds) as readers:
                try:
                    await self._listen_until_one_ends(readers)
                finally:
                    self.ready = None
            return self._ever_ready and self._lives > 0
        finally:
            if self._ever_ready:
                self.progress = "starting again"

    async def _listen_until_one_ends(self, readers: list[asyncio.StreamReader]) -> None:
        tasks = [asyncio.create_task(self._listen(reader)) for reader in readers]
        tasks.append(asyncio.create_task(self._watch()))
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
            if culprit := self._quarantine.end():
                del self.open[culprit.id]
                log.error("request given up", request=culprit.request)
                sentence = "The worker failed on this request again and again; change it."
                culprit.inbox.put_nowait(GenerationStopped(sentence))
                self._lives = MAX_LIVES
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        """Take in what a rank says, until it ends. Raises ModelError."""
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                self._take(await read_message(reader))

    async def _watch(self) -> None:
        """Return when the ranks are silent; they speak after every step and every idle second."""
        while True:
            await asyncio.sleep(1)
            silent = time.monotonic() - self._last_event
            if silent > (self.settings.hang_seconds if self.ready else self._loading_seconds):
                log.warning("the ranks are silent", seconds=round(silent))
                return

    def _open_requests(self) -> dict[str, object]:
        names = sorted({sample.request for sample in self.open.values()})
        return {"open": len(self.open), "requests": names[:MOST_NAMED]}

    def _take(self, message: RankMessage) -> None:
        self._last_event = time.monotonic()
        match message:
            case Loading():
                self.progress = f"reading weights, layer {message.done} of {message.of}"
                if message.done % 10 == 0 or message.done == message.of:
                    log.info("reading weights", layer=message.done, of=message.of)
            case Said():
                log.info(message.event, **message.facts)
            case Ready():
                self._take_ready(message)
            case Outputs():
                self.metrics.observe(message.stats)
                for output in message.items:
                    self._last_token = self._last_event
                    self._lives = MAX_LIVES
                    self._deliver(output)
            case Failed():
                raise ModelError(message.sentence)

    def _take_ready(self, ready: Ready) -> None:
        self.ready, self.progress, self._ever_ready = ready, "ready", True
        # Ranks that are started again must hold as much: clients were promised it.
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
            max_running=ready.max_running,
            kv_tokens=self.capacity,
        )
        self._quarantine.begin(self.open.values())

    def _deliver(self, output: SampleOutput) -> None:
        # A cancelled sample may get one more token: the cancel was on its way.
        if (sample := self.open.get(output.id)) is None:
            return
        self._count(sample, output)
        sample.emitted += output.tokens
        sample.scored += len(output.prompt_logprobs or ())
        sample.strikes = 0
        sample.inbox.put_nowait(output)
        if output.finish:
            del self.open[sample.id]
        if output.tokens or output.finish:
            self._quarantine.release(sample)

    def _count(self, sample: OpenSample, output: SampleOutput) -> None:
        metrics, now = self.metrics, self._last_event
        metrics.tokens.inc(len(output.tokens))
        metrics.cached_tokens.inc(output.cached or 0)
        if sample.first_at is None and output.tokens:
            sample.first_at = now
            metrics.ttft.observe(now - sample.asked_at)
        if output.finish:
            metrics.finished.labels(output.finish).inc()
            later = len(sample.emitted) + len(output.tokens) - 1
            if sample.first_at is not None and later > 0:
                metrics.tpot.observe((now - sample.first_at) / later)

    def _send(self, message: Add | Cancel) -> None:
        # Ranks that are not up yet get all open samples when they are.
        if self.ready:
            self.ranks.send(message)
