"""Sentences, words and passages of a text, in English and in Chinese."""

import re
from collections.abc import Sequence
from itertools import pairwise

from bot.messages import Language

CLOSING = "[\"'”’»)\\]*_～”’」』）》】]*"
# Runs of marks are tried once, from their beginning: else the time grows with their square.
SENTENCE_END = re.compile(rf"(?<![.!?…])[.!?…]++{CLOSING}+(?=\s|\Z)|[。！？；…]+{CLOSING}|\n+")
HAN = r"[\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U000323af]"
WORDS: dict[Language, re.Pattern[str]] = {
    "en": re.compile(r"[^\W_]+(?:['’-][^\W_]+)*"),
    "zh": re.compile(rf"{HAN}|[A-Za-z0-9]+"),
}
MARKUP = re.compile(r"^[ \t]*(?:#{1,6}[ \t]+|[-*•][ \t]+|\d{1,2}[.)][ \t]+|>[ \t]?)|[*_`]+", re.M)
LIST_ITEM = re.compile(r"[ \t]*(?:[-*•]|\d{1,2}[.)、])")
TAGS = re.compile(r"(?:(?<!\s)\s++[#＃]\w++){1,30}+\Z")
EMOJI = "[\u2600-\u27bf\U0001f000-\U0001faff]\ufe0f?"
ENDED = re.compile(rf"(?:[.!?…。！？；:：]|{EMOJI}){CLOSING}\Z")
# Words of a last line that is no sentence: a name under a letter, hashtags under a post.
FEW_WORDS: dict[Language, int] = {"en": 6, "zh": 10}

# No text that people read has more characters a word.
WORD_CHARACTERS = 16
# Words that a model reads of a text at most; and of siblings even if one is shorter.
MOST_WORDS: dict[Language, int] = {"en": 200, "zh": 300}
LEAST_WORDS: dict[Language, int] = {"en": 20, "zh": 30}


def plain(text: str) -> str:
    """Return the text without the marks of headings, lists, quotations and emphasis."""
    return MARKUP.sub("", text)


def sentences_of(text: str) -> list[str]:
    """Return the sentences of a text, in their order; a line is at least one."""
    cuts = [0, *(match.end() for match in SENTENCE_END.finditer(text)), len(text)]
    pieces = (text[start:end].strip() for start, end in pairwise(cuts))
    return [piece for piece in pieces if any(map(str.isalnum, piece))]


def words_of(text: str, language: Language) -> list[str]:
    """Return the words of an English text in small letters, or the characters of a Chinese one."""
    return WORDS[language].findall(text.lower())


def ngrams(words: Sequence[str], n: int) -> list[tuple[str, ...]]:
    """Return all runs of n words."""
    return [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]


def first_words(text: str, count: int, language: Language) -> str:
    """Return the text up to the end of its word `count`, counted from 1; less of endless words."""
    text = text[: count * WORD_CHARACTERS]
    for number, match in enumerate(WORDS[language].finditer(text), start=1):
        if number == count:
            return text[: match.end()]
    return text


def words_read(texts: Sequence[str], language: Language) -> int:
    """Return how many words of each sibling are read: of all as many, so that length is no help."""
    shortest = min(len(words_of(text, language)) for text in texts)
    return max(LEAST_WORDS[language], min(MOST_WORDS[language], shortest))


def ends_whole(text: str, language: Language) -> bool:
    """Say whether a text ends with a sentence, or with a line that is none.

    An item of a list is whole without a full stop, unless the items before it have one.
    """
    *before, last = TAGS.sub("", text.rstrip()).split("\n")
    if ENDED.search(last.rstrip()):
        return True
    if LIST_ITEM.match(last):
        return not any(LIST_ITEM.match(line) and ENDED.search(line.rstrip()) for line in before)
    return len(words_of(last, language)) <= FEW_WORDS[language]
