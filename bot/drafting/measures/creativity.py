"""Creativity: how little a text says again, says as its siblings do, or says as everybody does."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

from sacrebleu.metrics.bleu import BLEU

from bot.drafting.measures.repetition import repetition
from bot.drafting.measures.units import ngrams, words_of
from bot.messages import LANGUAGES, Language

# A text repeats its words more the longer it is: windows of this many words are compared.
WINDOW = 30
LEAST_WORDS = 10
# Cliches are counted in so many characters from the beginning.
MOST_CHARACTERS = 20_000
# What one cliche in 100 words takes away, as a share.
CLICHE_COST = 0.2
BLEU_OF_WORDS = BLEU(tokenize="none", effective_order=True, smooth_method="exp", lowercase=False)
LISTED = tomllib.loads(Path(__file__).with_name("cliches.toml").read_text("utf-8"))
CLICHES: Mapping[Language, re.Pattern[str]] = {
    language: re.compile("|".join(LISTED[language]), re.IGNORECASE) for language in LANGUAGES
}


def creativity(text: str, others: Sequence[str], language: Language) -> float | None:
    """Return the product of four shares: different words, nothing said again, nothing that its
    siblings say, no cliche.

    others: the siblings. None if the text has too few words.
    """
    words = words_of(text, language)
    if len(words) < LEAST_WORDS:
        return None
    new = 1 - self_bleu(words, [words_of(other, language) for other in others])
    once = 1 - repetition(text, language)
    return distinct(words) * once * new * without_cliches(text, language)


def distinct(words: Sequence[str]) -> float:
    """Return the share of different runs of 1 to 3 words (distinct-n, Li et al. 2016).

    The mean over windows of equal size, so that length plays no part (MATTR, Covington & McFall
    2010).
    """
    starts = range(0, max(1, len(words) - WINDOW + 1), WINDOW // 2)
    windows = [words[start : start + WINDOW] for start in starts]
    shares = [
        len({*runs}) / len(runs) for w in windows for n in (1, 2, 3) if (runs := ngrams(w, n))
    ]
    return sum(shares) / len(shares)


def self_bleu(words: Sequence[str], others: Sequence[Sequence[str]]) -> float:
    """Return how much of a text its siblings say too (self-BLEU, Zhu et al. 2018), 0 to 1.

    All are read up to the length of the shortest: more text would match more.
    """
    others = [other for other in others if len(other) >= LEAST_WORDS]
    if not others:
        return 0.0
    length = min(map(len, (words, *others)))
    said, *references = (" ".join(each[:length]) for each in (words, *others))
    return min(1.0, BLEU_OF_WORDS.sentence_score(said, references).score / 100)


def without_cliches(text: str, language: Language) -> float:
    """Return 1 for a text without cliches of our list, less for each in 100 words."""
    text = text[:MOST_CHARACTERS].replace("’", "'")
    found = sum(1 for _ in CLICHES[language].finditer(text))
    per_hundred = 100 * found / max(1, len(words_of(text, language)))
    return float((1 - CLICHE_COST) ** per_hundred)
