"""What a model is asked about texts: how likely they are. Counts what that costs."""

import math
from asyncio import Semaphore
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

Scorer = Callable[[str, str], Awaitable[list[float]]]
"""Takes a context and a text; returns the log-probability of each token of the text after it."""

AT_ONCE = 4
"""Questions that the worker is asked at once, so that it goes on with what people wait for."""


@dataclass(slots=True)
class CountingScorer:
    """Asks a scorer, and counts the tokens that the model has read for it.

    A scorer does not say how many tokens a context has: this is estimated by its characters.
    """

    score: Scorer
    room: Semaphore = field(default_factory=lambda: Semaphore(AT_ONCE))
    tokens: int = 0

    async def scores(self, context: str, text: str) -> list[float]:
        """Return the log-probability of each token of a text after its context."""
        async with self.room:
            found = await self.score(context, text)
        self.tokens += math.ceil(len(found) * (1 + len(context) / max(1, len(text))))
        return found


def share(value: float, middle: float, width: float) -> float:
    """Return a number of any size as one of 0 to 1: 0.5 at the middle, 0.73 a width above it."""
    return 1 / (1 + math.exp(min(50.0, (middle - value) / width)))
