"""Readability: the school years that a text asks of its reader, from its words and sentences.

Length plays no part: all is counted per word or per sentence.
"""

from opencc import OpenCC
from pyphen import Pyphen

from bot.drafting.measures.scoring import share
from bot.drafting.measures.units import plain, sentences_of, words_of
from bot.messages import Language

# School years that stand in the middle of what people write for each other, and the spread.
GRADES: dict[Language, tuple[float, float]] = {"en": (9.5, 4.0), "zh": (0.9, 0.4)}
HYPHENATION = Pyphen(lang="en_US", left=1, right=1)
SIMPLIFIED = OpenCC("t2s")
# The first level of GB 2312-80: the 3755 characters that texts are mostly made of.
COMMON = frozenset(
    bytes((row, cell)).decode("gb2312")
    for row in range(0xB0, 0xD8)
    for cell in range(0xA1, 0xFF if row < 0xD7 else 0xFA)
)
# The characters of a text in the middle of those that the formula was fitted to.
USUAL_CHARACTERS = 300


def readability(text: str, language: Language) -> float | None:
    """Return 1 for a text that a child reads with ease, 0 for one that asks a scholar."""
    sentences = sentences_of(plain(text))
    if not any(words_of(sentence, language) for sentence in sentences):
        return None
    grade = _chinese_grade(sentences) if language == "zh" else _english_grade(sentences)
    middle, width = GRADES[language]
    return share(-grade, -middle, width)


def _english_grade(sentences: list[str]) -> float:
    """Return the Flesch-Kincaid grade (Kincaid et al. 1975), with syllables by hyphenation."""
    words = [word for sentence in sentences for word in words_of(sentence, "en")]
    syllables = sum(len(HYPHENATION.positions(word)) + 1 for word in words)
    return 0.39 * len(words) / len(sentences) + 11.8 * syllables / len(words) - 15.59


def _chinese_grade(sentences: list[str]) -> float:
    """Return the school year by Jing's formula (荆溪昱 1995, 中文国文教材的适读性研究).

    Its share of common characters is taken from the first level of GB 2312, and its term for the
    length of a text is held at a usual length.
    """
    characters = [c for c in SIMPLIFIED.convert("".join(sentences)) if "\u3400" <= c <= "\u9fff"]
    words = sum(len(words_of(sentence, "zh")) for sentence in sentences)
    common = sum(c in COMMON for c in characters) / len(characters) if characters else 1.0
    per_sentence = words / len(sentences)
    return 17.5255 + 0.002425 * USUAL_CHARACTERS + 0.044145 * per_sentence - 18.3344 * common
