"""Coherence: how much likelier sentences are after those before them, and how little is repeated.

The gain of a sentence from its context is their pointwise mutual information by a language model
(between sentences: Padmakumar & He 2021, "Unsupervised Extractive Summarization using Pointwise
Mutual Information"). Only the sentences just before it are its context: the mean is the same
however long the text is.
"""

from asyncio import gather

from bot.drafting.measures.scoring import CountingScorer, share
from bot.drafting.measures.units import (
    ends_whole,
    first_words,
    ngrams,
    plain,
    sentences_of,
    words_of,
)
from bot.messages import Language

CONTEXT = 2
"""Sentences before a sentence that it is read after."""
MOST_SENTENCES = 12
MOST_WORDS: dict[Language, int] = {"en": 40, "zh": 60}
# Runs of words that are not said twice by chance.
LONG_RUN: dict[Language, int] = {"en": 6, "zh": 10}
# A sentence is known if this share of its runs of a few words stands in the text before it.
SHORT_RUN, MOSTLY = 4, 0.5
UNFINISHED = 0.8
"""What is left to a text that ends in the middle of a sentence."""
# The gain of a usual draft, and the spread, in nats per token.
MIDDLE, WIDTH = 0.5, 0.25


async def coherence(text: str, language: Language, score: CountingScorer) -> float | None:
    """Return the mean gain of sentences as a share of 1, less what is repeated or cut off."""
    sentences = [
        first_words(sentence, MOST_WORDS[language], language)
        for sentence in sentences_of(plain(text))
    ]
    known = _known(sentences, language)
    chosen = _spread([i for i in range(1, len(sentences)) if i not in known])
    if not chosen:
        return None
    gains = await gather(*(score.gain(_before(sentences, i), "\n", sentences[i]) for i in chosen))
    whole = 1.0 if ends_whole(text, language) else UNFINISHED
    return share(sum(gains) / len(gains), MIDDLE, WIDTH) * (1 - repetition(text, language)) * whole


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
    by_sentences = sum(sizes[i] for i in _known(sentences, language)) / sum(sizes)
    return max(by_runs, by_sentences)


def _known(sentences: list[str], language: Language) -> set[int]:
    """Return the places of the sentences that are mostly made of what stands before them."""
    seen: set[tuple[str, ...]] = set()
    known = set()
    for i, sentence in enumerate(sentences):
        runs = {*ngrams(words_of(sentence, language), SHORT_RUN)}
        if runs and len(runs & seen) >= MOSTLY * len(runs):
            known.add(i)
        seen |= runs
    return known


def _spread(places: list[int]) -> list[int]:
    """Return at most MOST_SENTENCES places, evenly over the whole text."""
    if len(places) <= MOST_SENTENCES:
        return places
    step = len(places) / MOST_SENTENCES
    return [places[int(i * step)] for i in range(MOST_SENTENCES)]


def _before(sentences: list[str], i: int) -> str:
    return "\n".join(["", *sentences[max(0, i - CONTEXT) : i], ""])
