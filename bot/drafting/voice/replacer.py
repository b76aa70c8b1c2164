"""Finds the words that a voice avoids, and replaces those for which it names another.

The replacement comes before the filter judges the text, so that what is judged is what is shown.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

from bot.drafting.voice.spelling import spellings
from bot.drafting.voice.voice import AvoidedWord

# Chinese, Japanese and Korean have no spaces: a word may begin within a run of their characters.
# Where case is ignored, `re` takes such a class apart character by character, each time.
LETTER = r"(?-i:[^\W_\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uac00-\ud7af])"
# What holds the parts of one word together, or of an address.
JOINT = r"['’.-]"
BEGIN = rf"(?:(?!{LETTER})|(?<!{LETTER})(?<![@/])(?<!{LETTER}{JOINT}))"
END = rf"(?:(?<!{LETTER})|(?![@/]|{JOINT}?{LETTER}))"
AHEAD = 2  # Characters that say whether a word ends.
LINK = r"(?:https?://|www\.)[!-~]+"
LINK_BEGINS = len("https://x")
GAP = r"\s{1,3}"
GAP_LENGTH = 3
SHORTEST_STEM = 3
REMEMBERED = 64  # Lists of words.


@dataclass(frozen=True, slots=True)
class FoundWord:
    """Where an avoided word stands in a text, from `start` to before `end`."""

    start: int
    end: int
    avoided: AvoidedWord


@dataclass(frozen=True, slots=True)
class WordPattern:
    """Matches links, and with the group of its place in `words` each word outside them.

    `longest`: how many characters say whether something begins at a place.
    """

    pattern: re.Pattern[str]
    words: Sequence[AvoidedWord]
    longest: int

    def word(self, match: re.Match[str]) -> AvoidedWord | None:
        """Return the word that was found; None: a link."""
        return self.words[match.lastindex - 1] if match.lastindex else None


class Replacer:
    """Replaces words in a text that comes in pieces; other pieces give the same text. One use."""

    def __init__(self, avoided: Sequence[AvoidedWord]) -> None:
        self._words = _exact_words(tuple(avoided))
        self._text = ""
        self._at = 0  # What is before this place was let go; of it the last characters are kept.

    def feed(self, piece: str) -> str:
        """Take more of the text; return what can be changed no more."""
        if not self._words.words:
            return piece
        self._text += piece
        return self._take(len(self._text) - self._words.longest)

    def finish(self) -> str:
        """Return the rest."""
        return self._take(len(self._text))

    def _take(self, decided: int) -> str:
        """Return the text to this place, or to the end of the last match that begins before it."""
        taken = []
        for match in self._words.pattern.finditer(self._text, self._at):
            word = self._words.word(match)
            if word is None and decided < match.end() == len(self._text):
                decided = min(decided, match.start())  # The link may go on.
            if match.start() >= decided:
                break
            said = match.group() if word is None else _in_case_of(match.group(), word)
            taken += [self._text[self._at : match.start()], said]
            self._at = match.end()
        if decided > self._at:
            taken.append(self._text[self._at : decided])
            self._at = decided
        before = max(self._at - AHEAD, 0)
        self._text, self._at = self._text[before:], self._at - before
        return "".join(taken)


def find_avoided(text: str, avoided: Sequence[AvoidedWord]) -> list[FoundWord]:
    """Return where a text has words that are avoided, in any English form and spelling."""
    words = _words_in_all_forms(tuple(avoided))
    found = ((match, words.word(match)) for match in words.pattern.finditer(text))
    return [FoundWord(*match.span(), word) for match, word in found if word]


@lru_cache(REMEMBERED)
def _exact_words(avoided: tuple[AvoidedWord, ...]) -> WordPattern:
    """Return what finds the words for which there are others, as they are listed."""
    exact = [each for each in avoided if each.instead]
    words = [(each.word, each) for each in exact]
    words += [(word, each) for each in exact for word in _spellings(each)]
    return _pattern((word, _exact(word), each) for word, each in words)


@lru_cache(REMEMBERED)
def _words_in_all_forms(avoided: tuple[AvoidedWord, ...]) -> WordPattern:
    """Return what finds all words, in all forms."""
    words = [(word, each) for each in avoided for word in _spellings(each)]
    return _pattern(
        (word, form, each) for word, each in words for form in (_exact(word), *_inflected(word))
    )


def _pattern(forms: Iterable[tuple[str, str, AvoidedWord]]) -> WordPattern:
    """Return what finds words: each as it is written, the pattern of a form, and what it is."""
    # Those that begin alike stand together, so that the others need not be tried. Of them the
    # longest that fits counts: "state of the art" before "state".
    ordered = sorted(forms, key=lambda form: (_first(form), -len(form[0])))
    groups = [
        f"(?={re.escape(first)})(?:{'|'.join(f'({pattern})' for _, pattern, _ in group)})"
        for first, group in groupby(ordered, _first)
    ]
    whole = f"{LINK}|{BEGIN}(?:{'|'.join(groups)}){END}" if groups else LINK
    longest = max([LINK_BEGINS, *(_reach(word) for word, _, _ in ordered)])
    return WordPattern(re.compile(whole, re.IGNORECASE), [each for *_, each in ordered], longest)


def _first(form: tuple[str, str, AvoidedWord]) -> str:
    first = form[0][0]
    return first.lower() if first.isascii() else first


def _spellings(avoided: AvoidedWord) -> list[str]:
    """Return the spellings in which a word is avoided: not the one that the house prefers."""
    return [word for word in spellings(avoided.word) if _key(word) != _key(avoided.instead)]


def _key(word: str) -> str:
    return " ".join(word.split()).casefold()


def _exact(word: str) -> str:
    pattern = GAP.join(map(re.escape, word.split()))
    return f"(?-i:{pattern})" if _in_capitals(word) else pattern


def _in_capitals(word: str) -> bool:
    """Say whether a word is written so everywhere: US is not us."""
    return word.isupper()


def _reach(word: str) -> int:
    """Return how many characters an occurrence may have, with those that say that it ends there."""
    return len(word) + GAP_LENGTH * (len(word.split()) - 1) + AHEAD


def _inflected(word: str) -> list[str]:
    """Return patterns for the regular forms of an English word, or of the last of several."""
    *_, last = word.split()
    if not last.isascii() or not last.isalpha() or len(last) < SHORTEST_STEM:
        return []
    stem, endings = last, "e?s|ed|ing|ly"
    if last.endswith("e"):
        stem, endings = last[:-1], "es|ed|er|ers|ing"
    elif last.endswith("y") and last[-2] not in "aeiou":
        stem, endings = last[:-1], "ies|ied|ying"
    begin = " ".join([*word.split()[:-1], stem])
    return [f"{_exact(begin)}(?:{endings})", f"{_exact(word)}['’]s"]


def _in_case_of(found: str, word: AvoidedWord) -> str:
    """Return the replacement as the word was written: in capitals, or with a first one."""
    instead = word.instead
    if _in_capitals(word.word):
        return instead
    if len(found) > 1 and found.isupper():
        return instead.upper()
    if found[:1].isupper() and instead[:1].islower():
        return instead[:1].upper() + instead[1:]
    return instead
