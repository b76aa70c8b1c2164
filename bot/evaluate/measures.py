"""`python -m bot.evaluate measures`: how well the measures tell the better text of known pairs."""

import argparse
import asyncio
import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean, median, quantiles

from bot.cli import run_command
from bot.drafting.measures import MEASURES, with_judge
from bot.drafting.measures.coherence import coherence
from bot.drafting.measures.creativity import creativity
from bot.drafting.measures.judge import Judge
from bot.drafting.measures.measure import means
from bot.drafting.measures.readability import readability
from bot.drafting.measures.relevance import relevance
from bot.drafting.measures.scoring import CountingScorer
from bot.drafting.measures.shown import KEPT
from bot.drafting.measures.units import words_read
from bot.errors import OperatorError
from bot.evaluate.arguments import count
from bot.evaluate.pairs import Pair, pairs_of
from bot.evaluate.results import load
from bot.evaluate.servers import first_model, judge_at, own_url, worker_at
from bot.intervals import Interval, wilson
from bot.messages import Language
from bot.settings import Settings
from inference.client import EngineClient

KINDS: Mapping[str, Sequence[str]] = {
    "coherence": ("shuffled", "repeated", "cut", "hot"),
    "creativity": ("repeated", "copied"),
    "relevance": ("other",),
    "readability": ("knotted", "hot"),
}
"""Which pairs a measure must tell apart to be shown. The order is that of the table."""
LENGTH = "halved"
"""Pairs of which neither is better: a measure that prefers one of them measures length."""
MOST_LENGTH = 0.25
"""How far from one half that may be: a measure whose whole interval is farther is not shown."""
# The judge's grades alone, and their mean with what is counted, which the bot shows.
JUDGE, BOTH = "judge: ", "with judge: "
FEWEST_PAIRS = 10
READ = ("coherence", "relevance")
"""The measures that read of two texts as much as of the shorter one."""


@dataclass(frozen=True, slots=True)
class Told:
    """One pair, as one measure sees it: 1 if it tells the better one, 0.5 for a tie, else 0."""

    measure: str
    kind: str
    language: Language
    right: float


@dataclass(slots=True)
class Examiner:
    """Asks the measures about pairs. Texts that are in several pairs are read once."""

    engine: EngineClient
    model: str
    judge: Judge | None
    slots: asyncio.Semaphore
    known: dict[tuple[str, str, str, int, str | None], asyncio.Future[float | None]] = field(
        default_factory=dict
    )
    costs: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    values: dict[tuple[str, Language], dict[str, float]] = field(
        default_factory=lambda: defaultdict(dict)
    )

    async def tell(self, pair: Pair, measure: str) -> list[Told]:
        """Return what the measure says of the pair, what the judge says, and what both say."""
        series = {measure: await self._values(measure, pair)}
        if self.judge:
            grades = await self._values(JUDGE + measure, pair)
            series[JUDGE + measure] = grades
            if (known := [each for each in grades if each is not None]) == grades:
                series[BOTH + measure] = [*means(series[measure], known)]
        found = []
        for name, (better, worse) in series.items():
            if better is not None and pair.kind != LENGTH:
                self.values[name, pair.language][pair.case] = better
            if better is not None and worse is not None:
                right = 0.5 + 0.5 * ((better > worse) - (better < worse))
                found.append(Told(name, pair.kind, pair.language, right))
        return found

    async def _values(self, name: str, pair: Pair) -> list[float | None]:
        return [await self._value(name, pair, text) for text in (pair.better, pair.worse)]

    async def _value(self, name: str, pair: Pair, text: str) -> float | None:
        words = words_read([pair.better, pair.worse], pair.language) if name in READ else 0
        other = pair.sibling if name == "creativity" and pair.kind == "copied" else None
        key = (name, pair.case, text, words, other)
        if key not in self.known:
            asked = self._asked(name, pair, text, words, other)
            self.known[key] = asyncio.ensure_future(asked)
        return await self.known[key]

    async def _asked(
        self, name: str, pair: Pair, text: str, words: int, other: str | None
    ) -> float | None:
        async with self.slots:
            if self.judge and name.startswith(JUDGE):
                measure = name.removeprefix(JUDGE)
                return await self.judge.grade(text, pair.brief, measure, pair.language)
            if name == "readability":
                return readability(text, pair.language)
            if name == "creativity":
                return creativity(text, [other] if other else [], pair.language)
            counting = CountingScorer(self._score)
            value = await (
                coherence(text, words, pair.language, counting)
                if name == "coherence"
                else relevance(text, pair.brief, words, pair.language, counting)
            )
            self.costs[name].append(counting.tokens)
            return value

    async def _score(self, context: str, text: str) -> list[float]:
        return await self.engine.score(context, text, self.model)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    measure: str
    kind: str
    language: Language
    pairs: int
    accuracy: Interval

    @property
    def tells(self) -> bool:
        """Whether the measure tells these pairs apart."""
        return self.pairs >= FEWEST_PAIRS and self.accuracy.low > 0.5

    @property
    def is_length(self) -> bool:
        """Whether the measure prefers the longer of two texts, or the shorter, for being so."""
        low, high = 0.5 - MOST_LENGTH, 0.5 + MOST_LENGTH
        return self.kind == LENGTH and (self.accuracy.high < low or self.accuracy.low > high)


def rows_of(told: Iterable[Told]) -> list[Row]:
    """Return the accuracy by measure, language and kind of pair."""
    groups: dict[tuple[str, Language, str], list[float]] = defaultdict(list)
    for each in told:
        groups[each.measure, each.language, each.kind].append(each.right)
    return [
        Row(measure, kind, language, len(right), wilson(fmean(right), len(right)))
        for (measure, language, kind), right in sorted(groups.items())
    ]


def shown_by(rows: Sequence[Row], series: str = "") -> dict[str, list[str]]:
    """Return by language the measures that tell all of their pairs apart, and not by length.

    series: "" for what is counted alone; BOTH.
    """
    languages = sorted({row.language for row in rows})
    return {
        language: [
            measure
            for measure in MEASURES
            if _is_shown(
                [r for r in rows if (r.measure, r.language) == (series + measure, language)],
                KINDS[measure],
            )
        ]
        for language in languages
    }


def _is_shown(rows: Sequence[Row], kinds: Sequence[str]) -> bool:
    return {*kinds} <= {row.kind for row in rows if row.tells} and not any(
        row.is_length for row in rows
    )


def table(rows: Sequence[Row], examiner: Examiner, title: str) -> str:
    """Return the table in Markdown, the costs, and how the values are spread."""
    return "\n".join(_lines(rows, examiner, title))


def _lines(rows: Sequence[Row], examiner: Examiner, title: str) -> Iterator[str]:
    yield f"## The measures with {title}\n"
    yield "| measure | language | pairs | number | tells the better one | |"
    yield "|---|---|---|---|---|---|"
    for row in rows:
        share = row.accuracy
        said = f"{share.value:.0%} [{share.low:.0%}, {share.high:.0%}]"
        mark = _mark(row)
        yield f"| {row.measure} | {row.language} | {row.kind} | {row.pairs} | {said} | {mark} |"
    for name, tokens in sorted(examiner.costs.items()):
        yield f"\nTokens read for {name}: {median(tokens):.0f} a text, at most {max(tokens)}."
    for (name, language), values in sorted(examiner.values.items()):
        quarters = quantiles(values.values(), n=4) if len(values) > 1 else [*values.values()]
        said = ", ".join(f"{value:.2f}" for value in quarters)
        yield f"\nValues of {name} ({language}) in texts of the run, quartiles: {said}."
    for series in ("", BOTH) if examiner.judge else ("",):
        for spoken, names in shown_by(rows, series).items():
            yield f"\nShown {series}({spoken}): {', '.join(names) or 'none'}."


def _mark(row: Row) -> str:
    if row.kind == LENGTH:
        return "the longer wins: barred" if row.is_length else "the longer wins"
    return "yes" if row.tells else "no"


def keep(model: str, shown: Mapping[str, Sequence[str]], place: Path = KEPT) -> None:
    """Keep what is shown with a model; languages that were not measured stay as they were."""
    kept = json.loads(place.read_text(encoding="utf-8"))
    kept[model] = kept.get(model, {}) | shown
    place.write_text(f"{json.dumps(kept, indent=2, sort_keys=True)}\n", encoding="utf-8")


def main(arguments: Sequence[str]) -> int:
    """Return the exit code."""
    return run_command(_measure(_parser().parse_args(arguments)))


async def _measure(options: argparse.Namespace) -> int:
    if options.keep and (options.pairs or options.hot is None):
        raise OperatorError("--keep needs all pairs: name a run with --hot, and no --pairs.")
    pairs = _chosen(options)
    async with AsyncExitStack() as stack:
        examiner = await _examiner(stack, options)
        work = [
            examiner.tell(pair, measure)
            for pair in pairs
            for measure in MEASURES
            if pair.kind in (*KINDS[measure], LENGTH)
        ]
        name = options.name or examiner.model
        judge = await examiner.judge.name() if examiner.judge else None
        told: list[Told] = []
        for done, each in enumerate(asyncio.as_completed(work), start=1):
            told += await each
            if done % 50 == 0:
                print(f"{done} of {len(work)}", file=sys.stderr, flush=True)
    rows = rows_of(told)
    print(table(rows, examiner, with_judge(name, judge) if judge else name))
    if options.keep:
        keep(name, shown_by(rows))
    if options.keep and judge:
        keep(with_judge(name, judge), shown_by(rows, BOTH))
    return 0


def _chosen(options: argparse.Namespace) -> list[Pair]:
    at_two = load(options.hot) if options.hot else None
    pairs = [
        pair
        for pair in pairs_of(load(options.run), at_two, options.pairs or EVERY_KIND)
        if not options.languages or pair.language in options.languages.split(",")
    ]
    cases = list(dict.fromkeys(pair.case for pair in pairs))[: options.limit]
    if not cases:
        raise OperatorError(f"{options.run} has no text that pairs can be made of.")
    return [pair for pair in pairs if pair.case in cases]


async def _examiner(stack: AsyncExitStack, options: argparse.Namespace) -> Examiner:
    settings = Settings()
    own = "" if options.url else await own_url(stack, settings)
    engine = await stack.enter_async_context(worker_at(options.url, own, settings))
    judge = await judge_at(stack, options.judge, settings) if options.judge else None
    model = options.model or await first_model(engine)
    return Examiner(engine, model, judge, asyncio.Semaphore(options.concurrency))


EVERY_KIND = [*dict.fromkeys(kind for kinds in KINDS.values() for kind in kinds), LENGTH]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bot.evaluate measures",
        description="Say how well each measure tells the better text of pairs made from a run.",
    )
    parser.add_argument("run", type=Path, help="the folder of a run, best with --n 2 or more")
    parser.add_argument("--hot", type=Path, help="the folder of a run with temperature=2")
    parser.add_argument("--url", help="the worker that scores texts; by default as for a run")
    parser.add_argument("--model", help="its model, where it has several")
    parser.add_argument("--name", help="what to keep the result under; by default the model's name")
    parser.add_argument("--judge", help="the server of a model that judges too")
    parser.add_argument("--pairs", action="append", choices=EVERY_KIND)
    parser.add_argument("--languages", help="en, zh or en,zh; by default all that the run has")
    parser.add_argument("--limit", type=count, help="briefs at most")
    parser.add_argument("--concurrency", type=count, default=2)
    parser.add_argument("--keep", action="store_true", help="keep in the package what is shown")
    return parser
