"""Sentences and words of a text, in English and in Chinese."""

import re
from collections.abc import Sequence

from bot.messages import Language

SENTENCE = re.compile(r"[^.!?。！？；…\n]+(?:[.!?。！？；…]+[\"'”’」』)）*_]*|\n|\Z)")
WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
CHARACTER = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U000323af]|[A-Za-z0-9]+")


def sentences_of(text: str) -> list[str]:
    """Return the sentences of a text; a line is at least one."""
    found = (match.group().strip() for match in SENTENCE.finditer(text))
    return [sentence for sentence in found if re.search(r"\w", sentence)]


def words_of(text: str, language: Language) -> list[str]:
    """Return the words of an English text in small letters, or the characters of a Chinese one."""
    return (CHARACTER if language == "zh" else WORD).findall(text.lower())


def ngrams(words: Sequence[str], n: int) -> list[tuple[str, ...]]:
    """Return all runs of n words."""
    return [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]
