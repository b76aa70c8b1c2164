"""The four measures of drafts that are siblings."""

from asyncio import Semaphore, gather
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, fields
from statistics import fmean

from bot.drafting.measures.coherence import coherence
from bot.drafting.measures.creativity import creativity
from bot.drafting.measures.judge import Judge
from bot.drafting.measures.readability import readability
from bot.drafting.measures.relevance import relevance
from bot.drafting.measures.scoring import AT_ONCE, CountingScorer, Scorer
from bot.drafting.measures.units import words_read
from bot.messages import Language
from inference.client import EngineRefused, EngineUnavailable


@dataclass(frozen=True, slots=True)
class Measures:
    """Each 0 (bad) to 1 (good); None: it could not be measured.

    tokens: how many the model has read for it.
    """

    coherence: float | None
    creativity: float | None
    relevance: float | None
    readability: float | None
    tokens: int = 0

    def __post_init__(self) -> None:
        values = [getattr(self, field.name) for field in fields(self) if field.name != "tokens"]
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
    where the server refuses. judge: its grade and what is counted make the mean; the tokens are
    without what it reads. Raises EngineUnavailable.
    """
    if not texts:
        return []
    room, words = Semaphore(AT_ONCE), words_read(texts, language)
    counts = [CountingScorer(score, room) if score else None for _ in texts]
    scored = await gather(
        *(_scored(t, brief, words, language, c) for t, c in zip(texts, counts, strict=True))
    )
    graded = await gather(*(_graded(text, brief, language, judge) for text in texts))
    return [
        Measures(
            coherence=_mean(coherent, grades.get("coherence")),
            creativity=_mean(
                creativity(text, [*texts[:i], *texts[i + 1 :]], language), grades.get("creativity")
            ),
            relevance=_mean(relevant, grades.get("relevance")),
            readability=_mean(readability(text, language), grades.get("readability")),
            tokens=counting.tokens if counting else 0,
        )
        for i, (text, (coherent, relevant), grades, counting) in enumerate(
            zip(texts, scored, graded, counts, strict=True)
        )
    ]


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
    text: str, brief: str, language: Language, judge: Judge | None
) -> Mapping[str, float | None]:
    """Return the judge's grades; none where nobody judges: what is counted does without."""
    try:
        return await judge.grades(text, brief, language) if judge else {}
    except (EngineRefused, EngineUnavailable):
        return {}


def _mean(*values: float | None) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None
