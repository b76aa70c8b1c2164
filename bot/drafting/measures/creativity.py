"""Creativity: how much of a text is said only once, by it and by its siblings."""

from collections.abc import Sequence

from bot.drafting.measures.units import ngrams, words_of
from bot.messages import Language


def creativity(text: str, others: Sequence[str], language: Language) -> float | None:
    """Return the share of different pairs of words (distinct-2, Li et al. 2016)."""
    pairs = ngrams(words_of(text, language), 2)
    if not pairs:
        return None
    return len(set(pairs)) / len(pairs)
