"""What a model is asked about texts: how likely they are. Counts what that costs."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

Scorer = Callable[[str, str], Awaitable[list[float]]]
"""Takes a context and a text; returns the log-probability of each token of the text after it."""


@dataclass(slots=True)
class CountingScorer:
    """Asks a scorer, and counts the tokens that were scored."""

    score: Scorer
    tokens: int = 0

    async def mean(self, context: str, text: str) -> float:
        """Return the mean log-probability of the tokens of a text after its context."""
        scores = await self.score(context, text)
        self.tokens += len(scores)
        return sum(scores) / max(1, len(scores))
