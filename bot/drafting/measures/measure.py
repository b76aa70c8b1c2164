"""The four measures of one draft, or of siblings together."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

from bot.drafting.measures.coherence import coherence
from bot.drafting.measures.creativity import creativity
from bot.drafting.measures.readability import readability
from bot.drafting.measures.relevance import relevance
from bot.drafting.measures.scoring import CountingScorer, Scorer
from bot.messages import Language


@dataclass(frozen=True, slots=True)
class Measures:
    """Each 0 (bad) to 1 (good); None: it could not be measured.

    tokens: how many the model has scored for it.
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
    texts: Sequence[str], brief: str, language: Language, score: Scorer | None
) -> list[Measures]:
    """Return the measures of each text. The texts are siblings: drafts of the same brief.

    score: None where no model can be asked: coherence and relevance are None then.
    """
    return [await _measured(texts, i, brief, language, score) for i in range(len(texts))]


async def _measured(
    texts: Sequence[str], index: int, brief: str, language: Language, score: Scorer | None
) -> Measures:
    counting = CountingScorer(score) if score else None
    text, others = texts[index], [*texts[:index], *texts[index + 1 :]]
    return Measures(
        coherence=await coherence(text, language, counting) if counting else None,
        creativity=creativity(text, others, language),
        relevance=await relevance(text, brief, counting) if counting else None,
        readability=readability(text, language),
        tokens=counting.tokens if counting else 0,
    )
