"""The engines that are measured: the worker's, and others in processes of their own (`peers`).

This process imports no torch: the supervisor of the worker runs in it, as it does when serving.
"""

import asyncio
import contextlib
import importlib.util
import json
import math
import sys
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

from inference.bench.peers import NEEDED
from inference.bench.timing import TimedRun, TimedStream
from inference.checkpoint.open import Checkpoint, open_model
from inference.engine.sequence import SamplingParams
from inference.engine.supervisor import Supervisor
from inference.errors import ModelError, OperatorError
from inference.settings import load_settings
from inference.tokenization.tokenizer import Tokenizer

# No token has this id: every text gets as long as it was asked for, so that all do equal work.
NO_END = frozenset({10**9})
# Room for every workload. The usual size, a share of the free memory, would say nothing about us.
KV_TOKENS = 16_384
GREEDY = SamplingParams(temperature=0)


def say(text: str) -> None:
    sys.stderr.write(f"bench: {text}\n")


class PeerError(OperatorError):
    """Says why another engine cannot be measured."""


@dataclass(frozen=True, slots=True)
class Footprint:
    """What a step reads: the weights once, and `kv` bytes for each token before it."""

    weights: int
    kv: int

    def of_step(self, run: TimedRun) -> float:
        """Return the bytes of a step in the middle of a run."""
        lengths = (stream.prompt_len + stream.count / 2 for stream in run)
        return self.weights + self.kv * sum(lengths)


@dataclass(frozen=True, slots=True)
class BenchModel:
    """The file that all engines read."""

    checkpoint: Checkpoint
    tokenizer: Tokenizer

    def footprint(self, weight_size: int | None, kv_size: int) -> Footprint:
        """Return the footprint. weight_size: bytes of a number; None for those of the file."""
        config = self.checkpoint.config
        weights = sum(
            math.prod(tensor.shape) * weight_size if weight_size else tensor.size
            for tensor in self.checkpoint.tensors.values()
            # A step reads only some rows of an embedding, unless it is the output layer as well.
            if config.tied or tensor.name != self.checkpoint.refs["embedding.weight"].name
        )
        return Footprint(weights, config.cache_bytes(1, 1, kv_size))


def load_model() -> BenchModel:
    """Open the model of the settings. Raises OperatorError."""
    checkpoint, vocabulary = open_model(load_settings().model)
    if checkpoint.path.is_dir():
        raise ModelError(f"{checkpoint.path} is no GGUF file, which all engines read: set MODEL.")
    return BenchModel(checkpoint, Tokenizer(vocabulary))


@dataclass(frozen=True, slots=True)
class WorkerEngine:
    """The engine of this project, held by a supervisor as in the worker."""

    supervisor: Supervisor
    footprint: Footprint
    name: str

    @property
    def memory(self) -> int:
        """The most bytes that its processes have held so far."""
        return sum(_peak_memory(process.pid) for process in self.supervisor.ranks.processes)

    async def run(self, prompts: list[list[int]], tokens: int) -> TimedRun:
        """Continue all prompts at once, each by so many tokens, greedily.

        Raises GenerationStopped.
        """
        params = replace(GREEDY, max_tokens=tokens)
        return await asyncio.gather(*(self.stream(prompt, params) for prompt in prompts))

    async def stream(self, prompt: list[int], params: SamplingParams) -> TimedStream:
        """Continue one prompt. Raises GenerationStopped."""
        steps: list[tuple[float, int]] = []
        ids: list[int] = []
        start = time.perf_counter()
        async for emitted in self.supervisor.generate(prompt, params):
            if emitted.tokens:
                steps.append((time.perf_counter() - start, len(emitted.tokens)))
                ids += emitted.tokens
        return TimedStream(len(prompt), steps, ids)


@dataclass(frozen=True, slots=True)
class PeerEngine:
    """Another engine, in a process that waits for work on its stdin."""

    name: str
    footprint: Footprint
    process: Process

    @property
    def memory(self) -> int:
        """The most bytes that its process has held so far."""
        return _peak_memory(self.process.pid)

    async def run(self, prompts: list[list[int]], tokens: int) -> TimedRun:
        """Continue all prompts at once, each by so many tokens, greedily. Raises PeerError."""
        work = json.dumps({"prompts": prompts, "tokens": tokens}).encode()
        assert self.process.stdin
        self.process.stdin.write(work + b"\n")
        steps = [(stamp, 1) for stamp in await hear(self.name, self.process)]
        return [TimedStream(len(prompt), steps) for prompt in prompts]


BenchEngine = WorkerEngine | PeerEngine


def _peak_memory(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


@contextlib.asynccontextmanager
async def serving(model: BenchModel, name: str, **changes: object) -> AsyncIterator[WorkerEngine]:
    """Run the worker's engine with the user's settings and these changes. Raises OperatorError."""
    fixed = {"device": "cpu", "kv_tokens": KV_TOKENS}
    settings = load_settings().model_copy(update={**fixed, **changes})
    supervisor = Supervisor(settings, model.checkpoint.path, NO_END)
    ranks = asyncio.create_task(supervisor.run())
    try:
        while supervisor.ready is None:
            await asyncio.wait([ranks], timeout=0.05)
            if ranks.done():
                ranks.result()
        engine = WorkerEngine(supervisor, _footprint(model, supervisor.ready.numbers), name)
        await _warm_up(engine)
        yield engine
    finally:
        ranks.cancel()
        await asyncio.gather(ranks, return_exceptions=True)


def _footprint(model: BenchModel, numbers: str) -> Footprint:
    """Return the footprint of our engine, by what its ranks say about their numbers."""
    size = 2 if numbers.startswith("bfloat16") else 4
    if "weights as" not in numbers:
        return model.footprint(size, size)
    return model.footprint(1 if "int8" in numbers else None, size)


async def start_peers(model: BenchModel, stack: contextlib.AsyncExitStack) -> list[PeerEngine]:
    """Start the other engines that are installed and work; say of the others that they do not."""
    footprints = {
        "transformers fp32": model.footprint(4, 4),
        "transformers bf16": model.footprint(2, 2),
        "llama.cpp": model.footprint(None, 2),
    }
    peers = []
    for name, needed in NEEDED.items():
        if importlib.util.find_spec(needed) is None:
            say(f"{name} is left out: {needed} is not installed (pip install -e '.[bench]').")
            continue
        say(f"loading {name}")
        process = await stack.enter_async_context(peer_process(name))
        peer = PeerEngine(name, footprints[name], process)
        try:
            await hear(name, process)
            await _warm_up(peer)
            peers.append(peer)
        except PeerError as error:
            say(f"{name} is left out: {error}")
    return peers


async def _warm_up(engine: BenchEngine) -> None:
    for number in 1, 8:
        await engine.run([list(range(20, 60))] * number, 4)


@contextlib.asynccontextmanager
async def peer_process(name: str) -> AsyncIterator[Process]:
    """Run a process of `inference.bench.peers`."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "inference.bench.peers", name),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        limit=2**24,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def hear(name: str, process: Process) -> list[float]:
    """Return the next answer of a peer process. Raises PeerError."""
    assert process.stdout
    line = await process.stdout.readline()
    answer = json.loads(line) if line else {"error": "its process has ended"}
    if isinstance(answer, dict):
        raise PeerError(f"{name} does not work here: {answer['error']}.")
    return list(answer)
