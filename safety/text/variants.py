"""Other readings of a normalised text, for the detectors that ask for them.

Each shows what a person sees through: traditional for simplified characters, figures for letters,
letters spelled out. Where it reads differently it points into the same original.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import pairwise
from string import ascii_lowercase, ascii_uppercase

import opencc

from safety.text.normalise import Normalised

LEET = str.maketrans("0134578@$!+" + ascii_uppercase, "oieastbasit" + ascii_lowercase)
# Six characters and more that stand alone: "p a s s w o r d", with wider gaps between words. No
# border lies within (see `segmentation`). They begin at the first gap, the rarer thing to find.
SPACED = re.compile(
    r" (?<=(?:(?<!\S)\S|(?<![A-Za-z0-9])[A-Za-z0-9\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]) )"
    r" {0,2}\S(?: {1,3}\S){4,}(?![A-Za-z0-9])"
)
DOTTED = re.compile(
    r"([._*-])(?<=(?<![A-Za-z0-9])[A-Za-z0-9].)[A-Za-z0-9](?:\1[A-Za-z0-9]){4,}(?![A-Za-z0-9])"
)


def simplified(text: Normalised) -> Normalised:
    """Traditional Chinese as simplified, character by character (the tables of OpenCC)."""
    simple = simple_form(text.text)
    return text if simple == text.text else replace(text, text=simple)


def simple_form(text: str) -> str:
    """The same of a str; the length stays."""
    if text.isascii():
        return text
    traditional, simple = _characters()
    return text.translate(simple) if traditional.search(text) else text


@cache
def _characters() -> tuple[re.Pattern[str], dict[int, str]]:
    """The characters that are written otherwise in simplified Chinese, and how."""
    characters = [chr(code) for code in range(0x3400, 0xA000)]
    converted = opencc.OpenCC("t2s").convert("\n".join(characters)).split("\n")
    pairs = zip(characters, converted, strict=True)
    simple = {ord(old): new for old, new in pairs if old != new and len(new) == 1}
    return re.compile(f"[{''.join(map(chr, simple))}]"), simple


def unleeted(text: Normalised) -> Normalised:
    """Figures and signs as the letters that they stand for, all of them small: "p4$$W0rd".

    Only for words: what they announce has to be read as it was written.
    """
    return replace(text, text=text.text.translate(LEET))


def closed_up(text: Normalised) -> Normalised:
    """Spelled-out words and numbers without what parts their letters."""
    gaps = {place for run in _runs(text.text) for place in run}
    if not gaps:
        return text
    kept = [place for place in range(len(text.text)) if place not in gaps]
    letters = "".join(text.text[place] for place in kept)
    return Normalised(letters, text.original, [text.offsets[place] for place in kept])


def _runs(text: str) -> Iterator[Iterator[int]]:
    """For each spelled-out run, the places of what parts its letters."""
    for match in DOTTED.finditer(text):
        yield iter(range(match.start(), match.end(), 2))
    for match in SPACED.finditer(text):
        run = range(match.start() - 1, match.end())
        letters = [place for place in run if text[place] != " "]
        narrow = min(after - before for before, after in pairwise(letters))
        yield (
            place
            for before, after in pairwise(letters)
            # Of a wider gap, which parts two words, one space stays.
            for place in range(before + 1 + (after - before > narrow), after)
        )
