"""The workloads: what the engines have to do, and how their times become rows and goals."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate, count
from pathlib import Path
from statistics import median

from inference.bench.engines import BenchEngine, BenchModel, PeerEngine, WorkerEngine, serving
from inference.bench.results import Goal, Results
from inference.bench.timing import (
    TimedRun,
    TimedStream,
    decode_rate_of,
    prefill_rate_of,
    rate_of,
    seconds_of,
)
from inference.engine.sequence import SamplingParams
from inference.tokenization.answer_cache import AnswerCache
from inference.tokenization.chat_template import ChatTurn

TEXT = Path(__file__).with_name("text.md")
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
# As drafts are drawn.
DRAFTING = SamplingParams(temperature=0.5, top_k=50, top_p=0.9, repetition_penalty=1.1)
PLAIN = "ours, no guesses"


@dataclass(frozen=True, slots=True)
class WorkloadSizes:
    """How much each workload computes, in tokens; `arrivals` are requests."""

    stream: int = 150
    eight: int = 100
    prefill: int = 1000
    draft: int = 400
    answer: int = 150
    copy: int = 300
    arrival: int = 60
    arrivals: int = 64


QUICK = WorkloadSizes(8, 8, 64, 32, 8, 16, 4, 8)


@dataclass(slots=True)
class Bench:
    """What is measured and how, and the results so far."""

    model: BenchModel
    ours: WorkerEngine
    peers: list[PeerEngine]
    sizes: WorkloadSizes
    rounds: int
    results: Results
    numbers: "count[int]" = field(default_factory=count)

    def __post_init__(self) -> None:
        assert self.rounds > 0

    @property
    def engines(self) -> list[BenchEngine]:
        return [self.ours, *self.peers]

    def opening(self) -> ChatTurn:
        """Return the first turn of a chat that begins like no chat before."""
        return ChatTurn(
            "system",
            f"{next(self.numbers)} is the number of this request. Answer as a writer would.",
        )

    def prompt(self, topic: str) -> list[int]:
        """Return a prompt of about 40 tokens that is in no cache."""
        turns = [self.opening(), ChatTurn("user", f"Write {topic}.")]
        return self.model.tokenizer.encode_chat(turns)

    def renewed(self, prompt: list[int]) -> list[int]:
        """Return a prompt of the same length with a beginning that is in no cache."""
        beginning = self.model.tokenizer.encode(self.opening().content)
        return beginning + prompt[len(beginning) :]


async def one_stream(bench: Bench) -> None:
    """Write one draft alone; without guesses too, for a small model soon repeats itself."""
    async with serving(bench.model, PLAIN, speculate=False) as plain:
        engines = [*bench.engines, plain]
        size = bench.sizes.stream
        runs = await _side_by_side(bench, engines, lambda: [bench.prompt(TOPICS[0])], size)
        goals = [("transformers", 2.5), ("llama.cpp", 0.8), ("llama.cpp", 1.0)]
        bench.results.compare("one stream", engines, runs, goals)


async def eight(bench: Bench) -> None:
    """Write eight drafts that are requested at once."""
    engines, size = bench.engines, bench.sizes.eight
    runs = await _side_by_side(bench, engines, lambda: list(map(bench.prompt, TOPICS)), size)
    bench.results.compare("8 at once", engines, runs, [("transformers", 2.5), ("llama.cpp", 1.0)])


async def prefill(bench: Bench) -> None:
    """Read a long prompt, until the first token."""
    size = bench.sizes.prefill
    text = bench.model.tokenizer.encode(TEXT.read_text() * 2)[:size]
    runs = await _side_by_side(bench, bench.engines, lambda: [bench.renewed(text)], 1)
    name, goals = f"prefill of {size}", [("llama.cpp", 1.0)]
    bench.results.compare(name, bench.engines, runs, goals, speed=prefill_rate_of)


async def refinement(bench: Bench) -> None:
    """Write the first token of a refinement whose draft is in the cache, and if it is not."""
    kept: list[TimedRun] = []
    cold: list[TimedRun] = []
    for _ in range(bench.rounds):
        for prompt, stream in await _converse(bench):
            kept.append([stream])
            cold.append(await bench.ours.run([bench.renewed(prompt)], 1))
    rows = [bench.results.row("refinement", bench.ours, it, prefill_rate_of) for it in (kept, cold)]
    bench.results.rows += [rows[0], replace(rows[1], engine="ours, cold")]
    shares = [warm[0].ttft / new[0].ttft for warm, new in zip(kept, cold, strict=True)]
    what, worst = "TTFT of the slowest turn, to cold", max(_by_turn(shares))
    bench.results.goals.append(Goal("refinement", what, 0.2, worst, False))


async def guessing(bench: Bench) -> None:
    """Write texts that repeat parts of their prompt, with guesses from it and without."""
    async with serving(bench.model, PLAIN, speculate=False) as plain:
        engines = [bench.ours, plain]
        await _copy(bench, engines)
        await _refine(bench, engines)


async def _copy(bench: Bench, engines: list[WorkerEngine]) -> None:
    """Continue a draft that the prompt holds twice, and begins for the third time."""
    # Not a draft of the model: left alone, it would leave that one after some words.
    draft = bench.model.tokenizer.encode(TEXT.read_text())[: bench.sizes.draft]
    prompt = [*bench.prompt(TOPICS[0]), *draft, *draft, *draft[:16]]
    runs = await _side_by_side(bench, engines, lambda: [bench.renewed(prompt)], bench.sizes.copy)
    goals = [("ours, no", 1.8)]
    bench.results.compare("copying a draft", engines, runs, goals, speed=decode_rate_of)


async def _refine(bench: Bench, engines: list[WorkerEngine]) -> None:
    """Write real refinements, the same in every round; guesses do not change their texts."""
    runs: dict[str, list[TimedRun]] = {engine.name: [] for engine in engines}
    params = replace(DRAFTING, max_tokens=bench.sizes.answer)
    prompts = [prompt for prompt, _ in await _converse(bench)]
    for number in range(bench.rounds):
        for prompt in prompts:
            # The first one finds a colder machine, so they take turns at being the first.
            for engine in engines if number % 2 == 0 else engines[::-1]:
                stream = await engine.stream(prompt, params)
                runs[engine.name].append([stream.until(bench.model.tokenizer.end_ids)])
    name = "refinements"
    bench.results.compare(name, engines, runs, [], speed=decode_rate_of)
    guessed, plain = (map(decode_rate_of, runs[engine.name]) for engine in engines)
    worst = min(_by_turn([a / b for a, b in zip(guessed, plain, strict=True)]))
    bench.results.goals.append(Goal(name, f"slowest turn, x {PLAIN}", 0.97, worst))


async def three_drafts(bench: Bench) -> None:
    """Write three drafts of one prompt, and one draft."""
    one: list[TimedRun] = []
    three: list[TimedRun] = []
    for _ in range(bench.rounds):
        for runs, number in (one, 1), (three, 3):
            prompt = bench.prompt(TOPICS[0])
            drawn = [replace(DRAFTING, max_tokens=bench.sizes.stream, index=i) for i in range(3)]
            streams = (bench.ours.stream(prompt, params) for params in drawn[:number])
            runs.append(await asyncio.gather(*streams))
    bench.results.rows += [
        bench.results.row("1 draft", bench.ours, one),
        bench.results.row("3 drafts", bench.ours, three),
    ]
    pairs = zip(one, three, strict=True)
    ratio = median(seconds_of(many) / seconds_of(single) for single, many in pairs)
    bench.results.goals.append(Goal("3 drafts", "time, x 1 draft", 1.6, ratio, False))


async def arrivals(bench: Bench) -> None:
    """Answer requests that come at random times and keep the machine busy for 70 % of the time."""
    size, ours = bench.sizes.arrival, bench.ours
    trials = [await ours.run(list(map(bench.prompt, TOPICS)), size) for _ in range(3)]
    pace = 0.7 * median(map(rate_of, trials)) / size
    # Seeded: in every run the arrivals are the same, relative to the pace.
    gaps = random.Random(64)  # noqa: S311
    at = list(accumulate(gaps.expovariate(pace) for _ in range(bench.sizes.arrivals)))

    async def later(number: int) -> TimedStream:
        await asyncio.sleep(at[number])
        [stream] = await ours.run([bench.prompt(TOPICS[number % len(TOPICS)])], size)
        return stream

    run = await asyncio.gather(*map(later, range(len(at))))
    end = max(moment + stream.seconds for moment, stream in zip(at, run, strict=True))
    row = bench.results.row(
        f"{len(at)} arrivals", ours, [run], lambda run: size * len(run) / (end - at[0])
    )
    # They do not always share steps, so what a step has read is not known.
    bench.results.rows.append(replace(row, mbu=None))


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


async def _side_by_side(
    bench: Bench,
    engines: Sequence[BenchEngine],
    prompts_of: Callable[[], list[list[int]]],
    tokens: int,
) -> dict[str, list[TimedRun]]:
    """Give each engine in turn the same new prompts, for all rounds."""
    runs: dict[str, list[TimedRun]] = {engine.name: [] for engine in engines}
    for _ in range(bench.rounds):
        prompts = prompts_of()
        for engine in engines:
            runs[engine.name].append(await engine.run(prompts, tokens))
    return runs


async def _converse(bench: Bench) -> list[tuple[list[int], TimedStream]]:
    """Write a draft and its refinements. Return the prompt and the text of each wish."""
    tokenizer, cache, sizes = bench.model.tokenizer, AnswerCache(), bench.sizes
    turns = [bench.opening(), ChatTurn("user", f"Write {TOPICS[0]}.")]
    params = replace(DRAFTING, max_tokens=sizes.draft)
    answer = await bench.ours.stream(tokenizer.encode_chat(turns), params)
    params = replace(DRAFTING, max_tokens=sizes.answer)
    done: list[tuple[list[int], TimedStream]] = []
    for wish in WISHES:
        ids = [token for token in answer.token_ids if token not in tokenizer.end_ids]
        text = b"".join(map(tokenizer.bytes_of, ids)).decode(errors="ignore")
        cache.put(text, ids)
        turns += [ChatTurn("assistant", text), ChatTurn("user", wish)]
        prompt = tokenizer.encode_chat(turns, cache.get)
        answer = (await bench.ours.stream(prompt, params)).until(tokenizer.end_ids)
        done.append((prompt, answer))
    return done


def _by_turn(values: list[float]) -> list[float]:
    """Return the median of each turn, for values in the order of rounds and turns."""
    return [median(values[turn :: len(WISHES)]) for turn in range(len(WISHES))]
