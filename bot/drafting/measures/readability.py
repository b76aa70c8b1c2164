"""Readability: how short the words and sentences of a text are."""

from bot.drafting.measures.units import sentences_of, words_of
from bot.messages import Language

# Words, or Chinese characters, of a sentence that is easy, and of one that is hard to read.
EASY: dict[Language, float] = {"en": 8, "zh": 12}
HARD: dict[Language, float] = {"en": 40, "zh": 70}


def readability(text: str, language: Language) -> float | None:
    """Return 1 for sentences that are as short as easy ones, 0 for hard ones."""
    sentences = sentences_of(text)
    if not sentences:
        return None
    mean = len(words_of(text, language)) / len(sentences)
    share = (HARD[language] - mean) / (HARD[language] - EASY[language])
    return min(1.0, max(0.0, share))
