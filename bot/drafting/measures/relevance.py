"""Relevance: how much likelier a text makes its brief.

The information that the brief gains from the text by a language model, per token: the Shannon Game
of Egan et al. 2022, "Play the Shannon Game With Language Models", and the recall of BARTScore (Yuan
et al. 2021).
"""

from bot.drafting.measures.scoring import CountingScorer, share
from bot.drafting.measures.units import MOST_WORDS, first_words
from bot.messages import Language

BEFORE: dict[Language, str] = {
    "en": "\n\nThe text above was written for this request:",
    "zh": "\n\n上面的文字是按照这个要求写的：",
}
# The gain of a usual draft, and the spread, in nats per token.
MIDDLE, WIDTH = 1.3, 0.6


async def relevance(
    text: str, brief: str, words: int, language: Language, score: CountingScorer
) -> float | None:
    """Return the gain of the brief from the first words of the text, as a share of 1."""
    passage, asked = first_words(text, words, language), brief.strip()
    if not passage.strip() or not asked:
        return None
    asked, before = " " + first_words(asked, MOST_WORDS[language], language), BEFORE[language]
    after = await score.scores(passage + before, asked)
    alone = await score.scores(before.lstrip(), asked)
    return share((sum(after) - sum(alone)) / max(1, len(after)), MIDDLE, WIDTH)
