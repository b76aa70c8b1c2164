"""`python -m inference.bench`: measures this machine's CPU, beside what one would use instead.

All engines get the same weights and the same prompt tokens, in turns, and only one computes at a
time. The others are transformers and llama.cpp, if installed, each in a process of its own; this
process imports no torch, as the supervisor lives in it. `python -m inference.bench perplexity`
tells instead what each form of the weights costs in quality.
"""

import argparse
import asyncio
import contextlib
import importlib.util
import json
import logging
import math
import os
import random
import sys
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from importlib import metadata
from itertools import accumulate, count
from pathlib import Path
from statistics import mean, median
from typing import Protocol

import structlog

from inference.bench.peers import BANDWIDTH, CANNOT_GO_ON, CORES, NEEDED
from inference.checkpoint.check import open_model
from inference.checkpoint.errors import ModelError
from inference.checkpoint.open import Checkpoint
from inference.engine.open_sample import GenerationStopped
from inference.engine.sequence import SamplingParams
from inference.engine.supervisor import Supervisor
from inference.settings import SettingsError, load_settings
from inference.tokenization.answer_cache import Turns
from inference.tokenization.chat_template import Turn
from inference.tokenization.tokenizer import Tokenizer

# No token has this id: every text gets as long as it was asked for, so that all do equal work.
NO_END = frozenset({10**9})
TEXT = Path(__file__).with_name("text.md")
# Room for every workload. Its usual size, a share of the free memory, would say nothing of us.
KV_TOKENS = 16_384
PACKAGES = ("torch", "megatron-core", "transformers", "llama_cpp_python")
TOPICS = (
    "a blog post about our new office in Lisbon",
    "a short note to the team about the summer party",
    "an announcement of the second version of our app",
    "a letter to a customer whose parcel is late",
    "a product description of a light rain jacket",
    "an invitation to a talk about bees in the city",
    "a summary of what a project manager does all day",
    "a welcome message for a colleague who starts on Monday",
)
WISHES = (
    "Make it more formal.",
    "Make it shorter.",
    "Write it for a reader who knows nothing about us.",
    "Make it a little funnier, but keep the facts.",
    "Fix the spelling and leave the rest as it is.",
)
GREEDY = SamplingParams(temperature=0)
# As drafts are drawn.
DRAFTING = SamplingParams(temperature=0.5, top_k=50, top_p=0.9, repetition_penalty=1.1)
FORMS = {
    "fp32": {"dtype": "fp32", "weights": "full"},
    "bf16": {"dtype": "bf16", "weights": "full"},
    "bf16, int8": {"dtype": "bf16", "weights": "int8"},
    "auto": {"dtype": "auto", "weights": "auto"},
}


class BenchError(Exception):
    """Something that keeps the measuring from going on; the message is a sentence."""


@dataclass(frozen=True, slots=True)
class Lengths:
    """How much each workload computes, in tokens; `arrivals` are requests."""

    stream: int = 150
    eight: int = 100
    prefill: int = 1000
    draft: int = 400
    answer: int = 150
    copy: int = 300
    arrival: int = 60
    arrivals: int = 64


QUICK = Lengths(8, 8, 64, 32, 8, 16, 4, 8)


@dataclass(frozen=True, slots=True)
class Stream:
    """One text as it came: (seconds since it was asked for, how many tokens) of each step."""

    prompt_len: int
    steps: list[tuple[float, int]]
    token_ids: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        assert self.steps

    @property
    def ttft(self) -> float:
        return self.steps[0][0]

    @property
    def seconds(self) -> float:
        return self.steps[-1][0]

    @property
    def count(self) -> int:
        return sum(number for _, number in self.steps)

    @property
    def tpot(self) -> float | None:
        """Seconds for each token after the first."""
        later = self.count - self.steps[0][1]
        return (self.seconds - self.ttft) / later if later else None

    def until(self, ends: frozenset[int]) -> "Stream":
        """The same up to the first token that ends a text, but two steps of it at least."""
        taken = 0
        for number, (_, size) in enumerate(self.steps):
            taken += size
            if number and not ends.isdisjoint(self.token_ids[:taken]):
                return Stream(self.prompt_len, self.steps[: number + 1], self.token_ids[:taken])
        return self


Run = list[Stream]
"""Texts that were asked for at the same time."""


def rate_of(run: Run) -> float:
    """Tokens per second, the time for the prompts included."""
    return sum(stream.count for stream in run) / seconds_of(run)


def seconds_of(run: Run) -> float:
    return max(stream.seconds for stream in run)


def decode_rate_of(run: Run) -> float:
    """Tokens per second after the prompts."""
    return sum(1 / stream.tpot for stream in run if stream.tpot)


def prefill_rate_of(run: Run) -> float:
    """Tokens of the prompts per second."""
    return sum(stream.prompt_len for stream in run) / max(stream.ttft for stream in run)


@dataclass(frozen=True, slots=True)
class Footprint:
    """What a step has to read: the weights once, and `kv` bytes for each token before it."""

    weights: int
    kv: int

    def of_step(self, run: Run) -> float:
        """Bytes of a step half-way through a run."""
        lengths = (stream.prompt_len + stream.count / 2 for stream in run)
        return self.weights + self.kv * sum(lengths)


class Engine(Protocol):
    """What is measured."""

    @property
    def name(self) -> str: ...
    @property
    def footprint(self) -> Footprint: ...
    @property
    def memory(self) -> int:
        """The most bytes that its processes have held so far."""

    async def run(self, prompts: list[list[int]], tokens: int) -> Run:
        """Continues all prompts at once, each by so many tokens, greedily."""


@dataclass(frozen=True, slots=True)
class Ours:
    """This project's engine, as its server holds it."""

    supervisor: Supervisor
    footprint: Footprint
    name: str

    @property
    def memory(self) -> int:
        return sum(peak_memory(process.pid) for process in self.supervisor.processes)

    async def run(self, prompts: list[list[int]], tokens: int) -> Run:
        params = replace(GREEDY, max_tokens=tokens)
        return await asyncio.gather(*(self.stream(prompt, params) for prompt in prompts))

    async def stream(self, prompt: list[int], params: SamplingParams) -> Stream:
        """One text. Raises GenerationStopped."""
        steps: list[tuple[float, int]] = []
        ids: list[int] = []
        start = time.perf_counter()
        async for emitted in self.supervisor.generate(prompt, params):
            if emitted.tokens:
                steps.append((time.perf_counter() - start, len(emitted.tokens)))
                ids += emitted.tokens
        return Stream(len(prompt), steps, ids)


@dataclass(frozen=True, slots=True)
class Peer:
    """Another engine, in a process that blocks while it has nothing to do."""

    name: str
    footprint: Footprint
    process: Process

    @property
    def memory(self) -> int:
        return peak_memory(self.process.pid)

    async def run(self, prompts: list[list[int]], tokens: int) -> Run:
        work = json.dumps({"prompts": prompts, "tokens": tokens}).encode()
        assert self.process.stdin
        self.process.stdin.write(work + b"\n")
        steps = [(stamp, 1) for stamp in await heard(self.name, self.process)]
        return [Stream(len(prompt), steps) for prompt in prompts]


def peak_memory(pid: int) -> int:
    """The most bytes that a process has held at a time."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


@dataclass(frozen=True, slots=True)
class Model:
    """The file that all engines read."""

    checkpoint: Checkpoint
    tokenizer: Tokenizer

    def footprint(self, weight_size: int | None, kv_size: int) -> Footprint:
        """With so many bytes for a number; without a weight_size, with the bytes of the file."""
        config = self.checkpoint.config
        weights = sum(
            math.prod(tensor.shape) * weight_size if weight_size else tensor.size
            for tensor in self.checkpoint.tensors.values()
            # Of an embedding that is not the output layer too, a step reads some rows only.
            if config.tied or tensor.name != self.checkpoint.refs["embedding.weight"].name
        )
        return Footprint(weights, config.cache_bytes(1, 1, kv_size))


@dataclass(frozen=True, slots=True)
class Row:
    """What an engine has done in a workload, in tokens, seconds and bytes.

    ratio: our speed over its speed; mbu: the share of the memory's bandwidth that it has used, if
    every token has been a step, which guesses make untrue.
    """

    workload: str
    engine: str
    rate: float
    ratio: float | None
    ttft_p50: float
    ttft_p99: float
    tpot_p50: float | None
    tpot_p99: float | None
    mbu: float | None
    weights: int
    memory: int


@dataclass(frozen=True, slots=True)
class Goal:
    """What should be reached, and what has been."""

    workload: str
    what: str
    limit: float
    measured: float
    at_least: bool = True

    @property
    def met(self) -> bool:
        return self.measured >= self.limit if self.at_least else self.measured <= self.limit


@dataclass(slots=True)
class Bench:
    """What is measured, how, and what has come of it. bandwidth: bytes per second."""

    model: Model
    ours: Ours
    peers: list[Peer]
    lengths: Lengths
    rounds: int
    bandwidth: float
    numbers: "count[int]" = field(default_factory=count)
    rows: list[Row] = field(default_factory=list)
    goals: list[Goal] = field(default_factory=list)

    def __post_init__(self) -> None:
        assert self.rounds > 0

    @property
    def engines(self) -> list[Engine]:
        return [self.ours, *self.peers]

    def opening(self) -> Turn:
        """How a chat begins that has no beginning in common with any before it."""
        return Turn(
            "system",
            f"{next(self.numbers)} is the number of this request. Answer as a writer would.",
        )

    def prompt(self, topic: str) -> list[int]:
        """A prompt that no cache has, of about 40 tokens."""
        return self.model.tokenizer.encode_chat([self.opening(), Turn("user", f"Write {topic}.")])

    def renewed(self, prompt: list[int]) -> list[int]:
        """As long, with a beginning that no cache has."""
        beginning = self.model.tokenizer.encode(self.opening().content)
        return beginning + prompt[len(beginning) :]


async def one_stream(bench: Bench) -> None:
    """One draft alone; without guesses too, for a small model soon repeats itself."""
    async with serving(bench.model, "ours, no guesses", speculate=False) as plain:
        engines = [*bench.engines, plain]
        runs = await side_by_side(
            bench, engines, lambda: [bench.prompt(TOPICS[0])], bench.lengths.stream
        )
        goals = [("transformers", 2.5), ("llama.cpp", 0.8), ("llama.cpp", 1.0)]
        compare(bench, "one stream", engines, runs, goals)


async def eight(bench: Bench) -> None:
    """Eight drafts that are asked for at once."""
    runs = await side_by_side(
        bench, bench.engines, lambda: list(map(bench.prompt, TOPICS)), bench.lengths.eight
    )
    goals = [("transformers", 2.5), ("llama.cpp", 1.0)]
    compare(bench, "8 at once", bench.engines, runs, goals)


async def prefill(bench: Bench) -> None:
    """A long prompt, until the first token."""
    length = bench.lengths.prefill
    text = bench.model.tokenizer.encode(TEXT.read_text() * 2)[:length]
    runs = await side_by_side(bench, bench.engines, lambda: [bench.renewed(text)], 1)
    name = f"prefill of {length}"
    compare(bench, name, bench.engines, runs, [("llama.cpp", 1.0)], speed=prefill_rate_of)


async def refinement(bench: Bench) -> None:
    """The first token of a refinement, when its draft is in the cache and when it is not."""
    kept: list[Run] = []
    cold: list[Run] = []
    for _ in range(bench.rounds):
        for prompt, stream in await converse(bench):
            kept.append([stream])
            cold.append(await bench.ours.run([bench.renewed(prompt)], 1))
    bench.rows.append(row(bench, "refinement", bench.ours, kept, prefill_rate_of))
    it = row(bench, "refinement", bench.ours, cold, prefill_rate_of)
    bench.rows.append(replace(it, engine="ours, cold"))
    shares = [warm[0].ttft / new[0].ttft for warm, new in zip(kept, cold, strict=True)]
    worst = max(by_turn(shares))
    bench.goals.append(Goal("refinement", "TTFT of the slowest turn, to cold", 0.2, worst, False))


async def guessing(bench: Bench) -> None:
    """Texts that repeat what is in their prompt, with guesses from it and without."""
    async with serving(bench.model, "ours, no guesses", speculate=False) as plain:
        engines = [bench.ours, plain]
        await copying(bench, engines)
        await refining(bench, engines)


async def copying(bench: Bench, engines: list[Ours]) -> None:
    """Goes on with a draft that the prompt holds twice, and then begins for the third time."""
    # Not the model's own: left to itself it leaves such a draft after some words.
    draft = bench.model.tokenizer.encode(TEXT.read_text())[: bench.lengths.draft]
    prompt = [*bench.prompt(TOPICS[0]), *draft, *draft, *draft[:16]]
    runs = await side_by_side(bench, engines, lambda: [bench.renewed(prompt)], bench.lengths.copy)
    compare(bench, "copying a draft", engines, runs, [("ours, no", 1.8)], speed=decode_rate_of)


async def refining(bench: Bench, engines: list[Ours]) -> None:
    """Real refinements, the same ones in every round; whoever guesses gives the same texts."""
    runs: dict[str, list[Run]] = {engine.name: [] for engine in engines}
    params = replace(DRAFTING, max_tokens=bench.lengths.answer)
    prompts = [prompt for prompt, _ in await converse(bench)]
    for number in range(bench.rounds):
        for prompt in prompts:
            # Whoever goes first finds a colder machine: they take turns at that.
            for engine in engines if number % 2 == 0 else engines[::-1]:
                stream = await engine.stream(prompt, params)
                runs[engine.name].append([stream.until(bench.model.tokenizer.end_ids)])
    name = "refinements"
    compare(bench, name, engines, runs, [], speed=decode_rate_of)
    guessed, plain = (map(decode_rate_of, runs[engine.name]) for engine in engines)
    worst = min(by_turn([a / b for a, b in zip(guessed, plain, strict=True)]))
    bench.goals.append(Goal(name, "slowest turn, x ours, no guesses", 0.97, worst))


async def three_drafts(bench: Bench) -> None:
    """Three drafts of one prompt, against one."""
    one: list[Run] = []
    three: list[Run] = []
    for _ in range(bench.rounds):
        for runs, number in (one, 1), (three, 3):
            prompt = bench.prompt(TOPICS[0])
            drawn = [replace(DRAFTING, max_tokens=bench.lengths.stream, index=i) for i in range(3)]
            streams = (bench.ours.stream(prompt, params) for params in drawn[:number])
            runs.append(await asyncio.gather(*streams))
    bench.rows.append(row(bench, "1 draft", bench.ours, one))
    bench.rows.append(row(bench, "3 drafts", bench.ours, three))
    pairs = zip(one, three, strict=True)
    ratio = median(seconds_of(many) / seconds_of(single) for single, many in pairs)
    bench.goals.append(Goal("3 drafts", "time, x 1 draft", 1.6, ratio, False))


async def arrivals(bench: Bench) -> None:
    """Requests that come when they like, as many as keep the machine busy for 70 % of the time."""
    length, ours = bench.lengths.arrival, bench.ours
    trials = [await ours.run(list(map(bench.prompt, TOPICS)), length) for _ in range(3)]
    pace = 0.7 * median(map(rate_of, trials)) / length
    # Seeded: the same arrivals, relative to the pace, in every run.
    gaps = random.Random(64)  # noqa: S311
    at = list(accumulate(gaps.expovariate(pace) for _ in range(bench.lengths.arrivals)))

    async def later(number: int) -> Stream:
        await asyncio.sleep(at[number])
        [stream] = await ours.run([bench.prompt(TOPICS[number % len(TOPICS)])], length)
        return stream

    run = await asyncio.gather(*map(later, range(len(at))))
    end = max(moment + stream.seconds for moment, stream in zip(at, run, strict=True))
    name = f"{len(at)} arrivals"
    it = row(bench, name, ours, [run], lambda run: length * len(run) / (end - at[0]))
    # They do not share steps all the time: what a step has read is not known.
    bench.rows.append(replace(it, mbu=None))


Workload = Callable[[Bench], Awaitable[None]]
WORKLOADS: dict[str, Workload] = {
    "one-stream": one_stream,
    "eight": eight,
    "prefill": prefill,
    "refinement": refinement,
    "guessing": guessing,
    "three-drafts": three_drafts,
    "arrivals": arrivals,
}


async def side_by_side(
    bench: Bench,
    engines: Sequence[Engine],
    prompts_of: Callable[[], list[list[int]]],
    tokens: int,
) -> dict[str, list[Run]]:
    """Each engine in turn on the same new prompts, and that for some rounds."""
    runs: dict[str, list[Run]] = {engine.name: [] for engine in engines}
    for _ in range(bench.rounds):
        prompts = prompts_of()
        for engine in engines:
            runs[engine.name].append(await engine.run(prompts, tokens))
    return runs


def compare(
    bench: Bench,
    workload: str,
    engines: Sequence[Engine],
    runs: dict[str, list[Run]],
    goals: list[tuple[str, float]],
    *,
    speed: Callable[[Run], float] = rate_of,
) -> None:
    """A row for each engine, and for each goal how much faster we are than the best of a kind."""
    ours = list(map(speed, runs[bench.ours.name]))
    ratios = {
        name: median(a / speed(b) for a, b in zip(ours, theirs, strict=True))
        for name, theirs in runs.items()
    }
    for engine in engines:
        it = row(bench, workload, engine, runs[engine.name], speed)
        bench.rows.append(replace(it, ratio=ratios[engine.name]))
    for kind, limit in goals:
        if of_kind := {ratio: name for name, ratio in ratios.items() if name.startswith(kind)}:
            best = min(of_kind)
            bench.goals.append(Goal(workload, f"x {of_kind[best]}", limit, best))


def row(
    bench: Bench,
    workload: str,
    engine: Engine,
    runs: list[Run],
    speed: Callable[[Run], float] = rate_of,
) -> Row:
    """All rounds of an engine in one row."""
    first = [stream.ttft for run in runs for stream in run]
    later = [stream.tpot for run in runs for stream in run if stream.tpot]
    shares = [
        engine.footprint.of_step(run) / run[0].tpot / bench.bandwidth for run in runs if run[0].tpot
    ]
    return Row(
        workload=workload,
        engine=engine.name,
        rate=median(map(speed, runs)),
        ratio=None,
        ttft_p50=median(first),
        ttft_p99=percentile(first, 0.99),
        tpot_p50=median(later) if later else None,
        tpot_p99=percentile(later, 0.99) if later else None,
        mbu=median(shares) if shares else None,
        weights=engine.footprint.weights,
        memory=engine.memory,
    )


def percentile(values: list[float], share: float) -> float:
    """The smallest value that is not below `share` of all."""
    return sorted(values)[math.ceil(share * len(values)) - 1]


def by_turn(values: list[float]) -> list[float]:
    """The median of each turn of a conversation, of values in the order of rounds and turns."""
    return [median(values[turn :: len(WISHES)]) for turn in range(len(WISHES))]


async def converse(bench: Bench) -> list[tuple[list[int], Stream]]:
    """A draft and its refinements: for each wish the prompt, and what has become of it."""
    tokenizer, known, lengths = bench.model.tokenizer, Turns(), bench.lengths
    turns = [bench.opening(), Turn("user", f"Write {TOPICS[0]}.")]
    params = replace(DRAFTING, max_tokens=lengths.draft)
    answer = await bench.ours.stream(tokenizer.encode_chat(turns), params)
    params = replace(DRAFTING, max_tokens=lengths.answer)
    done: list[tuple[list[int], Stream]] = []
    for wish in WISHES:
        ids = [token for token in answer.token_ids if token not in tokenizer.end_ids]
        text = b"".join(map(tokenizer.bytes_of, ids)).decode(errors="ignore")
        known.keep(text, ids)
        turns += [Turn("assistant", text), Turn("user", wish)]
        prompt = tokenizer.encode_chat(turns, known.find)
        answer = (await bench.ours.stream(prompt, params)).until(tokenizer.end_ids)
        done.append((prompt, answer))
    return done


@contextlib.asynccontextmanager
async def serving(model: Model, name: str, **changes: object) -> AsyncIterator[Ours]:
    """Our engine, with the user's settings but for these. Raises ModelError, SettingsError."""
    fixed = {"device": "cpu", "kv_tokens": KV_TOKENS}
    settings = load_settings().model_copy(update={**fixed, **changes})
    supervisor = Supervisor(settings, model.checkpoint.path, NO_END)
    ranks = asyncio.create_task(supervisor.run())
    try:
        while supervisor.ready is None:
            await asyncio.wait([ranks], timeout=0.05)
            if ranks.done():
                ranks.result()
        ours = Ours(supervisor, footprint_of(model, supervisor.ready.numbers), name)
        await warm_up(ours)
        yield ours
    finally:
        ranks.cancel()
        await asyncio.gather(ranks, return_exceptions=True)


def footprint_of(model: Model, numbers: str) -> Footprint:
    """Of our engine, by what its ranks say of themselves."""
    size = 2 if numbers.startswith("bfloat16") else 4
    if "weights as" not in numbers:
        return model.footprint(size, size)
    return model.footprint(1 if "int8" in numbers else None, size)


async def warm_up(engine: Engine) -> None:
    for number in 1, 8:
        await engine.run([list(range(20, 60))] * number, 4)


@contextlib.asynccontextmanager
async def child(name: str) -> AsyncIterator[Process]:
    """A process of `bench_peers`."""
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


async def heard(name: str, process: Process) -> list[float]:
    """What a child says next. Raises BenchError."""
    assert process.stdout
    line = await process.stdout.readline()
    answer = json.loads(line) if line else {"error": "its process has ended"}
    if isinstance(answer, dict):
        raise BenchError(f"{name} does not work here: {answer['error']}.")
    return list(answer)


async def start_peers(model: Model, stack: contextlib.AsyncExitStack) -> list[Peer]:
    """Those that are installed and work; of each other a line says that it is left out."""
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
        peer = Peer(name, footprints[name], await stack.enter_async_context(child(name)))
        try:
            await heard(name, peer.process)
            await warm_up(peer)
            peers.append(peer)
        except BenchError as error:
            say(f"{name} is left out: {error}")
    return peers


async def measure(args: argparse.Namespace) -> dict[str, object]:
    """All workloads that are asked for.

    Raises ModelError, SettingsError, BenchError, GenerationStopped.
    """
    model = chosen_model()
    async with contextlib.AsyncExitStack() as stack:
        async with child(BANDWIDTH) as process:
            [bandwidth] = await heard("measuring the bandwidth", process)
        peers = await start_peers(model, stack) if args.peers == "all" else []
        ours = await stack.enter_async_context(serving(model, "ours"))
        lengths = QUICK if args.quick else Lengths()
        bench = Bench(model, ours, peers, lengths, args.rounds, bandwidth)
        for name in [args.only] if args.only else WORKLOADS:
            say(f"measuring {name}")
            await WORKLOADS[name](bench)
    say_table(*table_of_rows(bench.rows))
    say_table(*table_of_goals(bench.goals))
    return {
        "machine": machine() | {"bandwidth": bandwidth},
        "model": model.checkpoint.name,
        "rounds": args.rounds,
        "rows": [asdict(row) for row in bench.rows],
        "goals": [asdict(goal) | {"met": goal.met} for goal in bench.goals],
    }


async def perplexity() -> dict[str, object]:
    """How well each form of the weights foretells a fixed text.

    Raises ModelError, GenerationStopped.
    """
    model = chosen_model()
    ids = model.tokenizer.encode(TEXT.read_text())
    found: dict[str, float] = {}
    for name, form in FORMS.items():
        say(f"scoring with {name}")
        async with serving(model, "ours", **form) as ours:
            assert ours.supervisor.ready
            found[f"{name} ({ours.supervisor.ready.numbers})"] = await perplexity_of(ours, ids)
    first = next(iter(found.values()))
    rows = [[form, f"{value:.3f}", f"{value / first:.4f}"] for form, value in found.items()]
    say_table(["form", "perplexity", "to fp32"], rows)
    return {"machine": machine(), "model": model.checkpoint.name, "perplexity": found}


async def perplexity_of(ours: Ours, ids: list[int]) -> float:
    params = replace(GREEDY, max_tokens=0, prompt_logprobs=0)
    found: list[float] = []
    async for emitted in ours.supervisor.generate(ids, params):
        found += [token[0][1] for token in emitted.prompt_logprobs or []]
    assert len(found) == len(ids) - 1
    return math.exp(-mean(found))


def chosen_model() -> Model:
    checkpoint, vocabulary = open_model(load_settings().model)
    if checkpoint.path.is_dir():
        raise ModelError(f"{checkpoint.path} is no GGUF file, which all engines read: set MODEL.")
    return Model(checkpoint, Tokenizer(vocabulary))


def machine() -> dict[str, object]:
    """Where, when and with what has been measured."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return {
        "cpu": names[0] if names else "unknown",
        "cores": CORES,
        "load": os.getloadavg()[0],
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {package: version(package) for package in PACKAGES},
    }


def version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def table_of_rows(rows: list[Row]) -> tuple[list[str], list[list[str]]]:
    """Head and lines of the table of what has been measured."""
    head = ["workload", "engine", "tokens/s", "ours, x", "TTFT ms p50", "p99", "TPOT ms p50", "p99"]
    lines = [
        [
            row.workload,
            row.engine,
            f"{row.rate:.1f}",
            shown(row.ratio, ".2f"),
            *(
                shown(seconds and seconds * 1000, ".1f")
                for seconds in (row.ttft_p50, row.ttft_p99, row.tpot_p50, row.tpot_p99)
            ),
            shown(row.mbu, ".0%"),
            f"{row.weights / 2**20:,.0f}",
            f"{row.memory / 2**20:,.0f}",
        ]
        for row in rows
    ]
    return [*head, "MBU", "weights MiB", "peak MiB"], lines


def table_of_goals(goals: list[Goal]) -> tuple[list[str], list[list[str]]]:
    """Head and lines of the table of what was to be reached."""
    lines = [
        [
            goal.workload,
            goal.what,
            f"{'>=' if goal.at_least else '<='} {goal.limit}",
            f"{goal.measured:.2f}",
            "yes" if goal.met else "no",
        ]
        for goal in goals
    ]
    return ["workload", "measure", "goal", "measured", "met"], lines


def shown(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)


def say_table(head: list[str], lines: list[list[str]]) -> None:
    """Prints a markdown table whose columns are as wide as they must be."""
    widths = [max(map(len, column)) for column in zip(head, *lines, strict=True)]
    for line in [head, ["-" * width for width in widths], *lines]:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        sys.stdout.write(f"| {' | '.join(cells)} |\n")
    sys.stdout.write("\n")


def say(text: str) -> None:
    """What is going on, apart from the results."""
    sys.stderr.write(f"bench: {text}\n")


def arguments() -> argparse.Namespace:
    """What is asked for on the command line."""
    parser = argparse.ArgumentParser(prog="python -m inference.bench", description=__doc__)
    parser.add_argument("what", nargs="?", choices=["speed", "perplexity"], default="speed")
    parser.add_argument("--only", choices=WORKLOADS, help="one workload alone")
    parser.add_argument("--peers", choices=["none", "all"], default="all", help="other engines")
    parser.add_argument("--rounds", type=int, default=3, help="how often each one has its turn")
    parser.add_argument("--quick", action="store_true", help="short texts, to see that it runs")
    parser.add_argument("--json", type=Path, help="where to write the results")
    return parser.parse_args()


def main() -> int:
    """Exit codes: 0 measured, 2 not, and a sentence says why."""
    args = arguments()
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    try:
        result = asyncio.run(perplexity() if args.what == "perplexity" else measure(args))
    except (ModelError, SettingsError, BenchError, GenerationStopped) as error:
        say(str(error))
        return CANNOT_GO_ON
    if args.json:
        args.json.write_text(json.dumps(result, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
