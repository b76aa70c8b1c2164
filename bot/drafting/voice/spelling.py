"""British and American spelling, simplified and traditional characters: what is written otherwise.

The pairs of English words are codespell's, which keeps them (CC BY-SA 3.0, derived from Wikipedia).
Its file is read where it is installed, and none of its code runs. A word that is right on both
sides of the Atlantic is left alone.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import distribution
from pathlib import Path

import opencc

from bot.drafting.voice.voice import Chinese, English

WORD_PAIRS = "codespell_lib/data/dictionary_en-GB_to_en-US.txt"

OURS = Path(__file__).with_name("spelling.toml")

WORD = re.compile(r"(?<![\w'@/.-])[A-Za-z]+(?![\w@/-])")
# What a capital letter says nothing after, for a sentence begins there.
BEGINS = re.compile(r"(?:^|[\n.!?:;\"“(*#>-])\s*\Z")
BEFORE = 3  # Characters.

# Of two forms that traditional Chinese uses, the one that OpenCC prefers.
BOTH_FORMS = frozenset("台里后裏着著群峰周才")


@dataclass(frozen=True, slots=True)
class Respelling:
    """A word from `start` to before `end` that the voice spells as `right`, a word of our lists."""

    start: int
    end: int
    right: str


def english_respellings(text: str, spelling: English) -> Iterator[Respelling]:
    """Yield the words of a text that are spelled the other way. Names stay as they are."""
    pairs = _pairs()[spelling] if spelling else {}
    for match in WORD.finditer(text):
        word = match.group()
        right = pairs.get(word.lower())
        if right and (word.islower() or _begins_sentence(text, match.start())):
            yield Respelling(*match.span(), right)


def chinese_respellings(text: str, characters: Chinese) -> Iterator[Respelling]:
    """Yield the runs of characters of a text that are of the other kind."""
    if not characters or text.isascii():
        return
    right = _converter(characters).convert(text)
    if len(right) != len(text):
        return  # A word was replaced, so that nothing says which characters are meant.
    wrong = "".join(_differs(*pair) for pair in zip(text, right, strict=True))
    for run in re.finditer("x+", wrong):
        yield Respelling(*run.span(), right[run.start() : run.end()])


def _differs(old: str, new: str) -> str:
    return "x" if old != new and old not in BOTH_FORMS else "."


@cache
def _converter(characters: Chinese) -> opencc.OpenCC:
    return opencc.OpenCC({"simplified": "t2s", "traditional": "s2t"}[characters])


def spellings(words: str) -> list[str]:
    """Return one word or several as they are, and in the spellings that they have beside that."""
    british, american = (
        " ".join(pairs.get(word, word) for word in words.casefold().split())
        for pairs in (_pairs()["british"], _pairs()["american"])
    )
    others = (other for other in (british, american) if other != words.casefold())
    return [words, *others]


@cache
def _pairs() -> Mapping[English, Mapping[str, str]]:
    """Return the right word by the wrong one, for each spelling."""
    path = Path(str(distribution("codespell").locate_file(WORD_PAIRS)))
    kept = dict(line.split("->") for line in path.read_text(encoding="utf-8").split())
    ours = tomllib.loads(OURS.read_text(encoding="utf-8"))
    pairs = (kept | ours["pairs"]).items()
    return {
        "american": {uk: us for uk, us in pairs if uk not in ours["american_too"]},
        "british": {us: uk for uk, us in pairs if us not in ours["british_too"]},
    }


def _begins_sentence(text: str, at: int) -> bool:
    return BEGINS.search(text[max(at - BEFORE, 0) : at]) is not None
