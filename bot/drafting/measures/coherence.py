"""Coherence: how much likelier sentences are after those before them, and how little is repeated.

The gain of sentences from what stands before them is their pointwise mutual information by a
language model (between two sentences: Padmakumar & He 2021, "Unsupervised Extractive Summarization
using Pointwise Mutual Information"). Sentences that are said again would gain most: they are left
out here, and counted as repetition.
"""

from asyncio import gather, to_thread

from bot.drafting.measures.repetition import known_sentences, repetition
from bot.drafting.measures.scoring import CountingScorer, share
from bot.drafting.measures.units import ends_whole, first_words, plain, sentences_of
from bot.messages import Language

UNFINISHED = 0.8
"""What is left to a text that ends in the middle of a sentence."""
# The gain of a usual draft, and the spread, in nats per token.
MIDDLE, WIDTH = 1.2, 0.6


async def coherence(
    text: str, words: int, language: Language, score: CountingScorer
) -> float | None:
    """Return the gain of the first words of a text, less what is repeated or cut off in all of it.

    None for a text of one sentence; 0 for one that only says its first sentence again.
    """
    sentences = await to_thread(sentences_of, plain(text))
    if len(sentences) < 2:
        return None
    new = await to_thread(_new, sentences, language)
    lines = first_words("\n".join(new), words, language).split("\n")
    if len(lines) < 2:
        return 0.0 if len(new) < 2 else None
    gain = await _gain([f"{line}\n" for line in lines], score)
    return share(gain, MIDDLE, WIDTH) * await to_thread(_left, text, language)


def _new(sentences: list[str], language: Language) -> list[str]:
    known = known_sentences(sentences, language)
    return [sentence for i, sentence in enumerate(sentences) if i not in known]


def _left(text: str, language: Language) -> float:
    """Return the share that is left of the gain for what is repeated or cut off."""
    whole = 1.0 if ends_whole(text, language) else UNFINISHED
    return whole * (1 - repetition(text, language))


async def _gain(lines: list[str], score: CountingScorer) -> float:
    """Return how much likelier lines are in their place than each of them alone, per token."""
    together = await score.scores("\n", "".join(lines))
    alone = await gather(*(score.scores("\n", line) for line in lines))
    return (sum(together) - sum(map(sum, alone))) / max(1, len(together))
