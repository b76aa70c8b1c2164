"""What the classifier sees of a text: hashed n-grams of characters and of words.

Each has its place, so that one pass gives the features of every beginning of the text, and of
every window. The features of a beginning do not depend on the text after it.
"""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from safety.text.variants import simple_form

Ids = NDArray[np.int64]
Hashes = NDArray[np.uint64]
FloatArray = NDArray[np.float64]

WORDS, GRAM_PLACES = 1 << 18, 1 << 16
"""Places for single words, and for all longer n-grams.

Words have many to themselves: what is known of a word must not be lent to another n-gram.
"""
WIDTH = WORDS + GRAM_PLACES
"""Places of all features, words first."""
# A border may lie between any two Chinese characters, so they are in no word.
WORD = re.compile(r"(?:(?![\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af])[^\W\d_])+|\d+|[^\w\s]")
# Odd 64-bit constants: FNV's prime, and the golden ratio of Knuth's multiplicative hashing.
STEP, SPREAD = np.uint64(0x100000001B3), np.uint64(0x9E3779B97F4A7C15)


class Grams(NamedTuple):
    """Lengths of n-grams of characters, most words of an n-gram, and whether Chinese is needed."""

    characters: tuple[int, ...]
    words: int
    chinese: bool


GRAMS = {"en": Grams((3, 4, 5), 2, chinese=False), "zh": Grams((1, 2, 3), 0, chinese=True)}
"""By the language of the weights. `zh` sees n-grams with a Chinese character in them only."""


@dataclass(frozen=True, slots=True)
class TextFeatures:
    """Distinct features, in the order in which a text completes them.

    ids: [features], below WIDTH; ends: [features], ascending, in characters. word_ends: the
    end of each word; listed: the ends of words in each group of the lexicon.
    """

    ids: Ids
    ends: Ids
    word_ends: Ids
    listed: tuple[Ids, ...]

    def __post_init__(self) -> None:
        assert self.ids.shape == self.ends.shape
        assert len(self.listed) == len(lexicon())

    def densities(self, ends: Ids) -> FloatArray:
        """Return how many words of each group are before each end, and how dense.

        Shape: [2 * groups, ends].
        """
        words = np.searchsorted(self.word_ends, ends, side="right") + 10
        counts = np.stack([np.searchsorted(each, ends, side="right") for each in self.listed])
        return np.concatenate((np.log1p(counts), 3 * np.sqrt(counts / words)))


@dataclass(frozen=True, slots=True)
class Runs:
    """All n-grams of a text, as often as they occur, in the order of their ends.

    ids, starts, ends: [n-grams]; previous: [n-grams], where the last one with the same id starts,
    -1 for the first of them.
    """

    ids: Ids
    starts: Ids
    ends: Ids
    previous: Ids

    def __post_init__(self) -> None:
        assert self.ids.shape == self.starts.shape == self.ends.shape == self.previous.shape

    def within(self, start: int, end: int) -> Ids:
        """Return which of them are the features of a window, as if it were a text of its own."""
        first, last = np.searchsorted(self.ends, (start, end), side="right")
        inside = self.starts[first:last] >= start
        return np.asarray(np.flatnonzero(inside & (self.previous[first:last] < start)) + first)


@cache
def lexicon() -> dict[str, frozenset[str]]:
    """Return the words of each group, from `lexicon.toml`."""
    tables = tomllib.loads(files("safety").joinpath("data/lexicon.toml").read_text("utf-8"))
    return {group: frozenset(words.split()) for group, words in tables.items()}


def features(text: str, language: str) -> TextFeatures:
    """Return the features of a normalised text for the weights of a language."""
    words = _words(text, language)
    ids, _, ends = _ordered(text, words, language)
    first = np.sort(np.unique(ids, return_index=True)[1])
    listed = tuple(
        _array([end for word, end in words if word in group]) for group in lexicon().values()
    )
    return TextFeatures(ids[first], ends[first], _array([end for _, end in words]), listed)


def runs(text: str, language: str) -> Runs:
    """Return the n-grams of a normalised text for the weights of a language."""
    ids, starts, ends = _ordered(text, _words(text, language), language)
    by_id = np.argsort(ids, kind="stable")
    is_again = ids[by_id][1:] == ids[by_id][:-1]
    previous = np.full(len(ids), -1, np.int64)
    previous[by_id[1:][is_again]] = starts[by_id[:-1][is_again]]
    return Runs(ids, starts, ends, previous)


def _words(text: str, language: str) -> list[tuple[str, int]]:
    """Return each word and where it ends."""
    if not GRAMS[language].words:
        return []
    return [(match[0], match.end()) for match in WORD.finditer(lower(text))]


def _ordered(text: str, words: list[tuple[str, int]], language: str) -> tuple[Ids, Ids, Ids]:
    """Return ids, starts and ends of all n-grams, in the order of their ends."""
    grams, lowered = GRAMS[language], lower(text)
    if grams.chinese:
        lowered = simple_form(lowered)
    codes, ends = _coded([word for word, _ in words]), _array([end for _, end in words])
    starts = _array([end - len(word) for word, end in words])
    parts = [(_placed(_rolled(codes, 1), WORDS), starts, ends)]
    for length in grams.characters:
        hashes, behind = _of_characters(lowered, length, grams.chinese)
        parts.append((_placed(hashes, GRAM_PLACES) + WORDS, behind - length, behind))
    for count in range(2, grams.words + 1):
        hashes, behind = _rolled(codes, count), ends[count - 1 :]
        parts.append((_placed(hashes, GRAM_PLACES) + WORDS, starts[: len(hashes)], behind))
    ids, begins, behind = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.argsort(behind, kind="stable")
    return ids[order], begins[order], behind[order]


def word_ids(words: Sequence[str]) -> Ids:
    """Return the place of each word, below WORDS."""
    return _placed(_rolled(_coded(words), 1), WORDS)


def _placed(hashes: Hashes, places: int) -> Ids:
    """Return the high bits, which depend on all others; `places` is a power of two."""
    return ((hashes * SPREAD) >> np.uint64(65 - places.bit_length())).astype(np.int64)


def _coded(words: Sequence[str]) -> Hashes:
    return np.array([crc32(word.encode("utf-8", "replace")) for word in words], np.uint64)


def _array(ends: list[int]) -> Ids:
    return np.array(ends, np.int64)


def lower(text: str) -> str:
    """Return the text in lower case, character by character, so that its length is kept."""
    return text.lower() if text.isascii() else "".join(map(_lower, text))


@lru_cache(maxsize=1 << 16)
def _lower(character: str) -> str:
    form = character.lower()
    return form if len(form) == 1 else character


def _of_characters(text: str, length: int, chinese: bool) -> tuple[Hashes, Ids]:
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
    spaces = (codes == 10) | (codes == 9) | (codes == 0x3000)
    hashes = _rolled(np.where(spaces, np.uint64(32), codes), length)
    ends = np.arange(length, length + len(hashes), dtype=np.int64)
    if not chinese:
        return hashes, ends
    counts = np.concatenate(([0], np.cumsum((codes >= 0x3400) & (codes <= 0x9FFF))))
    kept = counts[ends] > counts[ends - length]
    return hashes[kept], ends[kept]


def _rolled(codes: Hashes, length: int) -> Hashes:
    """Return a hash of each run of `length` codes, modulo 2**64."""
    count = max(0, len(codes) - length + 1)
    hashes = np.full(count, length, np.uint64)
    for offset in range(length):
        hashes = hashes * STEP + codes[offset : offset + count]
    return hashes
