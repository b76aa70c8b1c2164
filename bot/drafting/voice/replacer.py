"""Finds the words that a voice avoids, and replaces those for which it names another.

The replacement comes before the filter judges the text, so that what is judged is what is shown.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.drafting.voice.spelling import spellings
from bot.drafting.voice.voice import AvoidedWord

# Chinese, Japanese and Korean have no spaces: a word may begin within a run of their characters.
LETTER = r"[^\W_\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uac00-\ud7af]"
IS_LETTER = re.compile(LETTER)
GAP = r"\s{1,3}"
GAP_LENGTH = 3
SHORTEST_STEM = 3
NOTHING = r"(?!)"  # Stands nowhere.


@dataclass(frozen=True, slots=True)
class FoundWord:
    """Where an avoided word stands in a text, from `start` to before `end`."""

    start: int
    end: int
    avoided: AvoidedWord


class Replacer:
    """Replaces words in a text that comes in pieces; other pieces give the same text. One use."""

    def __init__(self, avoided: Sequence[AvoidedWord]) -> None:
        exact = [each for each in avoided if each.instead]
        words = [(each.word, each.instead) for each in exact]
        words += [(word, each.instead) for each in exact for word in _spellings(each)]
        # The longest that fits counts: "state of the art" before "state".
        words.sort(key=lambda pair: len(pair[0]), reverse=True)
        self._instead = [instead for _, instead in words]
        self._pattern = re.compile(
            "|".join(f"({_exact(word)})" for word, _ in words) or NOTHING, re.IGNORECASE
        )
        self._longest = max((_reach(word) for word, _ in words), default=0)
        self._text = ""
        self._at = 0  # What is before this place was let go; of it only the last character is kept.

    def feed(self, piece: str) -> str:
        """Take more of the text; return what can be changed no more."""
        if not self._longest:
            return piece
        self._text += piece
        return self._take(len(self._text) - self._longest)

    def finish(self) -> str:
        """Return the rest."""
        return self._take(len(self._text))

    def _take(self, decided: int) -> str:
        """Return the text to this place, or to the end of the last word that begins before it."""
        taken = []
        for match in self._pattern.finditer(self._text, self._at):
            if match.start() >= decided:
                break
            taken += [self._text[self._at : match.start()], self._replacement(match)]
            self._at = match.end()
        if decided > self._at:
            taken.append(self._text[self._at : decided])
            self._at = decided
        before = max(self._at - 1, 0)
        self._text, self._at = self._text[before:], self._at - before
        return "".join(taken)

    def _replacement(self, match: re.Match[str]) -> str:
        assert match.lastindex is not None
        return _in_case_of(match.group(), self._instead[match.lastindex - 1])


def find_avoided(text: str, avoided: Sequence[AvoidedWord]) -> list[FoundWord]:
    """Return where a text has words that are avoided, in any English form and spelling."""
    found: list[FoundWord] = []
    for each in avoided:
        forms = [form for word in _spellings(each) for form in (_exact(word), *_inflected(word))]
        pattern = re.compile("|".join(forms) or NOTHING, re.IGNORECASE)
        found += [FoundWord(*match.span(), each) for match in pattern.finditer(text)]
    return sorted(found, key=lambda word: (word.start, -word.end))


def _spellings(avoided: AvoidedWord) -> list[str]:
    """Return the spellings in which a word is avoided: not the one that the house prefers."""
    return [word for word in spellings(avoided.word) if _key(word) != _key(avoided.instead)]


def _key(word: str) -> str:
    return " ".join(word.split()).casefold()


def _exact(word: str) -> str:
    return _bounded(GAP.join(map(re.escape, word.split())), word)


def _bounded(pattern: str, word: str) -> str:
    before = rf"(?<!{LETTER})" if IS_LETTER.match(word[0]) else ""
    after = rf"(?!{LETTER})" if IS_LETTER.match(word[-1]) else ""
    return before + pattern + after


def _reach(word: str) -> int:
    """Return how many characters an occurrence may have, and one to see that it ends there."""
    return len(word) + GAP_LENGTH * (len(word.split()) - 1) + 1


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
    begin = GAP.join(map(re.escape, [*word.split()[:-1], stem]))
    return [_bounded(f"{begin}(?:{endings})", word)]


def _in_case_of(found: str, instead: str) -> str:
    """Return the replacement as the word was written: in capitals, or with a first one."""
    if len(found) > 1 and found.isupper():
        return instead.upper()
    if found[:1].isupper() and instead[:1].islower():
        return instead[:1].upper() + instead[1:]
    return instead
