"""Repetition: what a text says again that it said before."""

from collections.abc import Sequence

from bot.drafting.measures.units import ngrams, plain, sentences_of, words_of
from bot.messages import Language

# Runs of words that are not said twice by chance.
LONG_RUN: dict[Language, int] = {"en": 6, "zh": 10}
# A sentence is known if this share of its runs of a few words stands in the text before it.
SHORT_RUN, MOSTLY = 4, 0.5


def repetition(text: str, language: Language) -> float:
    """Return the share of a text that says again what it said before, 0 to 1.

    By sentences that are mostly known, or by long runs of words where no sentence ends.
    """
    sentences = sentences_of(plain(text))
    sizes = [len(words_of(sentence, language)) for sentence in sentences]
    runs = ngrams(words_of(text, language), LONG_RUN[language])
    by_runs = 1 - len({*runs}) / len(runs) if runs else 0.0
    if not sum(sizes):
        return by_runs
    by_sentences = sum(sizes[i] for i in known_sentences(sentences, language)) / sum(sizes)
    return max(by_runs, by_sentences)


def known_sentences(sentences: Sequence[str], language: Language) -> set[int]:
    """Return the places of the sentences that are mostly made of what stands before them."""
    seen: set[tuple[str, ...]] = set()
    known = set()
    for i, sentence in enumerate(sentences):
        runs = {*ngrams(words_of(sentence, language), SHORT_RUN)}
        if runs and len(runs & seen) >= MOSTLY * len(runs):
            known.add(i)
        seen |= runs
    return known
