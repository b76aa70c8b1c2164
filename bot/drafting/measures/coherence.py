"""Coherence: how much likelier sentences are after those before them, and how little is repeated.

The gain of a sentence from its context is their pointwise mutual information by a language model
(between sentences: Padmakumar & He 2021, "Unsupervised Extractive Summarization using Pointwise
Mutual Information"). Only the sentences just before it are its context: the mean is the same
however long the text is.
"""

from asyncio import gather

from bot.drafting.measures.repetition import known_sentences, repetition
from bot.drafting.measures.scoring import CountingScorer, share
from bot.drafting.measures.units import ends_whole, first_words, plain, sentences_of
from bot.messages import Language

CONTEXT = 2
"""Sentences before a sentence that it is read after."""
MOST_SENTENCES = 12
MOST_WORDS: dict[Language, int] = {"en": 40, "zh": 60}
UNFINISHED = 0.8
"""What is left to a text that ends in the middle of a sentence."""
# The gain of a usual draft, and the spread, in nats per token.
MIDDLE, WIDTH = 0.5, 0.25


async def coherence(text: str, language: Language, score: CountingScorer) -> float | None:
    """Return the mean gain of sentences as a share of 1, less what is repeated or cut off.

    None for a text of one sentence; 0 for one that only says its first sentence again.
    """
    sentences = [
        first_words(sentence, MOST_WORDS[language], language)
        for sentence in sentences_of(plain(text))
    ]
    if len(sentences) < 2:
        return None
    known = known_sentences(sentences, language)
    chosen = _spread([i for i in range(1, len(sentences)) if i not in known])
    if not chosen:
        return 0.0
    gains = await gather(*(score.gain(_before(sentences, i), "\n", sentences[i]) for i in chosen))
    whole = 1.0 if ends_whole(text, language) else UNFINISHED
    return share(sum(gains) / len(gains), MIDDLE, WIDTH) * (1 - repetition(text, language)) * whole


def _spread(places: list[int]) -> list[int]:
    """Return at most MOST_SENTENCES places, evenly over the whole text."""
    if len(places) <= MOST_SENTENCES:
        return places
    step = len(places) / MOST_SENTENCES
    return [places[int(i * step)] for i in range(MOST_SENTENCES)]


def _before(sentences: list[str], i: int) -> str:
    return "\n".join(["", *sentences[max(0, i - CONTEXT) : i], ""])
