"""Coherence: how much likelier sentences are after those before them, and how little is repeated.

The gain of a sentence from its context is its pointwise mutual information by a language model;
Egan et al. 2022 (Play the Shannon Game With Language Models) measure texts so. Only the sentences
just before it are its context: the mean is the same however long the text is.
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
MOSTLY = 0.5
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
    chosen = _spread(_new_ones(sentences, language))
    if not chosen:
        return None
    gains = await gather(*(score.gain(_before(sentences, i), "\n", sentences[i]) for i in chosen))
    whole = 1.0 if ends_whole(text, language) else UNFINISHED
    return share(sum(gains) / len(gains), MIDDLE, WIDTH) * (1 - repetition(text, language)) * whole


def repetition(text: str, language: Language) -> float:
    """Return the share of the long runs of words that stood in the text before, 0 to 1."""
    runs = ngrams(words_of(text, language), LONG_RUN[language])
    return 1 - len({*runs}) / len(runs) if runs else 0.0


def _new_ones(sentences: list[str], language: Language) -> list[int]:
    """Return the places of the sentences behind the first that do not repeat: those gain much."""
    seen: set[tuple[str, ...]] = set()
    new = []
    for i, sentence in enumerate(sentences):
        runs = {*ngrams(words_of(sentence, language), 3)}
        if i and not (runs and len(runs & seen) >= MOSTLY * len(runs)):
            new.append(i)
        seen |= runs
    return new


def _spread(places: list[int]) -> list[int]:
    """Return at most MOST_SENTENCES places, evenly over the whole text."""
    if len(places) <= MOST_SENTENCES:
        return places
    step = len(places) / MOST_SENTENCES
    return [places[int(i * step)] for i in range(MOST_SENTENCES)]


def _before(sentences: list[str], i: int) -> str:
    return "\n".join(["", *sentences[max(0, i - CONTEXT) : i], ""])
