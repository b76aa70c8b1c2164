"""The four measures of drafts that are siblings."""

from asyncio import Semaphore, gather, to_thread
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any

from bot.drafting.measures.coherence import coherence
from bot.drafting.measures.creativity import creativity
from bot.drafting.measures.judge import Judge
from bot.drafting.measures.readability import readability
from bot.drafting.measures.relevance import relevance
from bot.drafting.measures.scoring import AT_ONCE, CountingScorer, Scorer
from bot.drafting.measures.shown import MEASURES
from bot.drafting.measures.units import words_read
from bot.messages import Language
from inference.client import EngineRefused, EngineUnavailable


@dataclass(frozen=True, slots=True)
class Measures:
    """Each 0 (bad) to 1 (good); None: it could not be measured.

    tokens: how many the model has read for it; judged: the measures that a judge's grade is in.
    """

    coherence: float | None
    creativity: float | None
    relevance: float | None
    readability: float | None
    tokens: int = 0
    judged: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        values = [getattr(self, name) for name in MEASURES]
        assert all(value is None or 0 <= value <= 1 for value in values)
        assert self.tokens >= 0


async def measure(
    texts: Sequence[str],
    brief: str,
    language: Language,
    score: Scorer | None,
    judge: Judge | None = None,
) -> list[Measures]:
    """Return the measures of each text. The texts are siblings: drafts of the same brief.

    score: None where no model can be asked: coherence and relevance are None then, as they are
    where the server refuses. judge: its grade and what is counted make the mean, for a measure of
    which it grades all siblings; the tokens are without what it reads. Raises EngineUnavailable.
    """
    if not texts:
        return []
    counted = await _counted(texts, brief, language, score)
    if judge is None:
        return counted
    graded = await gather(*(_graded(text, brief, language, judge) for text in texts))
    return _with_grades(counted, graded)


async def _counted(
    texts: Sequence[str], brief: str, language: Language, score: Scorer | None
) -> list[Measures]:
    words = await to_thread(words_read, texts, language)
    room = Semaphore(AT_ONCE)
    counts = [CountingScorer(score, room) if score else None for _ in texts]
    scored = await gather(
        *(_scored(t, brief, words, language, c) for t, c in zip(texts, counts, strict=True))
    )
    found = []
    for i, ((coherent, relevant), counting) in enumerate(zip(scored, counts, strict=True)):
        others = [*texts[:i], *texts[i + 1 :]]
        fresh = await to_thread(creativity, texts[i], others, language)
        easy = await to_thread(readability, texts[i], language)
        tokens = counting.tokens if counting else 0
        found.append(Measures(coherent, fresh, relevant, easy, tokens))
    return found


async def _scored(
    text: str, brief: str, words: int, language: Language, counting: CountingScorer | None
) -> tuple[float | None, float | None]:
    """Return coherence and relevance."""
    if counting is None:
        return None, None
    return (
        await _or_none(coherence(text, words, language, counting)),
        await _or_none(relevance(text, brief, words, language, counting)),
    )


async def _or_none(value: Awaitable[float | None]) -> float | None:
    try:
        return await value
    except EngineRefused:
        return None


async def _graded(
    text: str, brief: str, language: Language, judge: Judge
) -> Mapping[str, float | None]:
    """Return the judge's grades; none where it cannot be asked: what is counted does without."""
    try:
        return await judge.grades(text, brief, language)
    except (EngineRefused, EngineUnavailable):
        return {}


def _with_grades(
    counted: Sequence[Measures], graded: Sequence[Mapping[str, float | None]]
) -> list[Measures]:
    columns = {}
    for name in MEASURES:
        grades = _all_known([each.get(name) for each in graded])
        if grades is not None:
            columns[name] = means([getattr(each, name) for each in counted], grades)
    judged = frozenset(columns)
    rows: list[dict[str, Any]] = [
        {name: column[i] for name, column in columns.items()} for i in range(len(counted))
    ]
    return [replace(each, **row, judged=judged) for each, row in zip(counted, rows, strict=True)]


def means(counted: Sequence[float | None], grades: Sequence[float]) -> list[float]:
    """Return of each sibling the mean of what was counted and its grade.

    Where one of them could not be counted, the grades alone: all must be made alike.
    """
    known = _all_known(counted)
    return [fmean(pair) for pair in zip(known or grades, grades, strict=True)]


def _all_known(values: Sequence[float | None]) -> list[float] | None:
    known = [value for value in values if value is not None]
    return known if len(known) == len(values) else None
