"""`python -m bot.evaluate marked`: whether a judge prefers the marked draft to its siblings."""

import argparse
import asyncio
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from statistics import fmean

from bot.cli import run_command
from bot.drafting.measures import Judge, Measures, Scorer, measure, shown_measures
from bot.drafting.ranking import Measured, Ranking
from bot.errors import OperatorError
from bot.evaluate.arguments import count
from bot.evaluate.checks.subject import length
from bot.evaluate.report import LANGUAGE_NAMES, shown
from bot.evaluate.results import Text, load
from bot.evaluate.servers import judge_at, own_url, worker_at
from bot.intervals import wilson
from bot.messages import Language
from bot.settings import Settings

# What the marked draft shall reach: of all pairs, and at the lower end of the interval.
GOAL, LOWER_GOAL = 0.65, 0.5
TIE = 1e-6
LANGUAGES: Sequence[Language] = ("en", "zh")


@dataclass(frozen=True, slots=True)
class Siblings:
    """The first drafts of one brief, two or more, and the place of the one that is marked, if any.

    `preferred`: for each pair of places how sure the judge is, from 0 to 1, that the first is the
    better one; pairs of which it says nothing are not there.
    """

    texts: Sequence[Text]
    marked: int | None
    preferred: Mapping[tuple[int, int], float]

    def __post_init__(self) -> None:
        assert len(self.texts) > 1
        assert self.marked is None or 0 <= self.marked < len(self.texts)

    @property
    def longest(self) -> int:
        """The place of the longest draft, the first of equals."""
        lengths = [length(text.text, text.language) for text in self.texts]
        return lengths.index(max(lengths))

    def wins(self, place: int) -> float | None:
        """Return the share of its siblings that the judge puts behind this draft."""
        own = {pair: sure for pair, sure in self.preferred.items() if place in pair}
        sides = [sure if pair[0] == place else 1 - sure for pair, sure in own.items()]
        return fmean(map(_win, sides)) if sides else None


def _win(sure: float) -> float:
    """Return 1 for a preference, 0 for one of the other, 0.5 where two orders cancel out."""
    if abs(sure - 0.5) < TIE:
        return 0.5
    return float(sure > 0.5)


@dataclass(frozen=True, slots=True)
class Marker:
    """Measures drafts as the bot does, and asks the judge.

    `names`: the measures that mean something, by language; `slots`: briefs at once.
    """

    score: Scorer
    judge: Judge
    names: Mapping[Language, set[str]]
    slots: asyncio.Semaphore

    async def siblings(self, texts: Sequence[Text]) -> Siblings:
        """Return the drafts of one brief with the mark and the judge's preferences."""
        first = texts[0]
        async with self.slots:
            words = [text.text for text in texts]
            found = await measure(words, first.brief, first.language, self.score)
            pairs = list(combinations(range(len(texts)), 2))
            sure = [await self._sure(texts, *pair) for pair in pairs]
        known = {p: s for p, s in zip(pairs, sure, strict=True) if s is not None}
        print(first.case, file=sys.stderr, flush=True)
        return Siblings(texts, marked(found, self.names[first.language]), known)

    async def _sure(self, texts: Sequence[Text], one: int, other: int) -> float | None:
        first, second = texts[one], texts[other]
        return await self.judge.prefers(first.text, second.text, first.brief, first.language)


def marked(found: Sequence[Measures], names: set[str]) -> int | None:
    """Return the place of the draft that the bot marks; None where no measure tells it."""
    return Ranking().best([Measured.of(each, frozenset(names)) for each in found])


def table(groups: Sequence[Siblings]) -> str:
    """Return in Markdown how often the judge prefers the marked draft to a sibling."""
    return "\n".join(_lines(groups))


def _lines(groups: Sequence[Siblings]) -> Iterator[str]:
    yield (
        "| language | briefs | without a mark | marked preferred | longest preferred "
        "| marked is the longest |"
    )
    yield "|---|---|---|---|---|---|"
    by_language: dict[str, list[Siblings]] = defaultdict(list)
    for group in groups:
        by_language[LANGUAGE_NAMES[group.texts[0].language]].append(group)
    for name, some in [*sorted(by_language.items()), ("all", list(groups))]:
        own = [group for group in some if group.marked is not None]
        longest = [group.marked == group.longest for group in own]
        same = f"{100 * fmean(longest):.0f} %" if own else "-"
        yield (
            f"| {name} | {len(some)} | {len(some) - len(own)} "
            f"| {_preferred(own, lambda group: group.marked)} "
            f"| {_preferred(some, lambda group: group.longest)} | {same} |"
        )
    yield ""
    yield f"The goal is {GOAL:.0%}, with the lower end above {LOWER_GOAL:.0%}."


def _preferred(groups: Sequence[Siblings], place: Callable[[Siblings], int | None]) -> str:
    """Return the share of siblings that stand behind; each brief counts once."""
    wins = [group.wins(at) for group in groups if (at := place(group)) is not None]
    known = [win for win in wins if win is not None]
    return shown(wilson(fmean(known), len(known)) if known else None)


def main(arguments: Sequence[str]) -> int:
    """Return the exit code."""
    return run_command(_mark(_parser().parse_args(arguments)))


async def _mark(options: argparse.Namespace) -> int:
    run, settings = load(options.run), Settings()
    name, judge = options.name or run.model, options.judge or settings.judge_url
    if judge is None:
        raise OperatorError("Name the server of a model that judges: --judge, or JUDGE_URL.")
    names = {language: shown_measures(name, language) for language in LANGUAGES}
    groups = _groups(run.texts, options.half, names)[: options.limit]
    if not groups:
        raise OperatorError(
            f"{options.run} has no brief with two drafts or more in a language whose measures are "
            f"shown with {name}: write with --n 3, and see `measures --keep`."
        )
    async with AsyncExitStack() as stack:
        own = "" if options.url else await own_url(stack, settings)
        client = worker_at(options.url, own, settings, options.model)
        engine = await stack.enter_async_context(client)
        judging = await judge_at(stack, judge, settings)
        slots = asyncio.Semaphore(options.concurrency)
        marker = Marker(engine.score, judging, names, slots)
        said = table(await asyncio.gather(*map(marker.siblings, groups)))
    (options.run / "marked.md").write_text(f"{said}\n", encoding="utf-8")
    print(said)
    return 0


def _groups(
    texts: Sequence[Text], half: str, names: Mapping[Language, set[str]]
) -> list[list[Text]]:
    """Return the first drafts by brief, where there are two and a measure is shown."""
    by_case: dict[str, list[Text]] = defaultdict(list)
    for text in texts:
        if text.turn == 0 and text.half == half and text.text and names[text.language]:
            by_case[text.case].append(text)
    return [group for group in by_case.values() if len(group) > 1]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bot.evaluate marked", description=__doc__)
    parser.add_argument("run", type=Path, help="the folder of a run with --n 2 or more")
    parser.add_argument("--judge", help="the server of a model that judges; by default JUDGE_URL")
    parser.add_argument(
        "--url", help="the worker that scores texts; by default WORKER_URL, or its own"
    )
    parser.add_argument("--model", help="its model, where it has several")
    parser.add_argument("--name", help="whose measures are shown; by default the run's model's")
    parser.add_argument("--half", choices=("open", "held-back"), default="held-back")
    parser.add_argument("--limit", type=count, help="briefs at most")
    parser.add_argument("--concurrency", type=count, default=2)
    return parser
