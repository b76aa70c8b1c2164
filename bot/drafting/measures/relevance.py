"""Relevance: how much likelier a text makes its brief.

The information that the brief gains from the text by a language model, per token: the Shannon Game
of Egan et al. 2022, "Play the Shannon Game With Language Models", and the recall of BARTScore (Yuan
et al. 2021).
"""

from collections.abc import Sequence

from bot.drafting.measures.scoring import CountingScorer, share
from bot.drafting.measures.units import first_words, words_of
from bot.messages import Language

BEFORE: dict[Language, str] = {
    "en": "\n\nThe text above was written for this request:",
    "zh": "\n\n上面的文字是按照这个要求写的：",
}
# Words that are read of a text, and of its brief, at most; and of siblings even if one is shorter.
MOST: dict[Language, int] = {"en": 200, "zh": 300}
LEAST: dict[Language, int] = {"en": 40, "zh": 60}
# The gain of a usual draft, and the spread, in nats per token.
MIDDLE, WIDTH = 1.0, 0.5


async def relevance(
    text: str, brief: str, words: int, language: Language, score: CountingScorer
) -> float | None:
    """Return the gain of the brief from the first words of the text, as a share of 1."""
    passage, asked = first_words(text, words, language), brief.strip()
    if not passage.strip() or not asked:
        return None
    asked, before = " " + first_words(asked, MOST[language], language), BEFORE[language]
    gain = await score.gain(passage + before, before.lstrip(), asked)
    return share(gain, MIDDLE, WIDTH)


def words_read(texts: Sequence[str], language: Language) -> int:
    """Return how many words of each sibling are read: of all as many, so that length is no help."""
    shortest = min(len(words_of(text, language)) for text in texts)
    return max(LEAST[language], min(MOST[language], shortest))
