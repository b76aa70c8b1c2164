"""Relevance: how much likelier a text makes its brief."""

import math

from bot.drafting.measures.scoring import CountingScorer

BEFORE = "\n\nThe text above was written for this request: "


async def relevance(text: str, brief: str, score: CountingScorer) -> float | None:
    """Return the gain in log-probability of the brief, per token, as a share of 1."""
    if not text.strip() or not brief.strip():
        return None
    gain = await score.mean(text + BEFORE, brief) - await score.mean(BEFORE.lstrip(), brief)
    return 1 / (1 + math.exp(-gain))
