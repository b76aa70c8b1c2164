"""Coherence: how much likelier each sentence is after the one before it."""

import math
from itertools import pairwise

from bot.drafting.measures.scoring import CountingScorer
from bot.drafting.measures.units import sentences_of
from bot.messages import Language


async def coherence(text: str, language: Language, score: CountingScorer) -> float | None:
    """Return the mean gain of a sentence from the one before it, per token, as a share of 1."""
    sentences = sentences_of(text)
    if len(sentences) < 2:
        return None
    gains = [
        await score.mean(before + " ", sentence) - await score.mean("\n", sentence)
        for before, sentence in pairwise(sentences)
    ]
    return 1 / (1 + math.exp(-sum(gains) / len(gains)))
