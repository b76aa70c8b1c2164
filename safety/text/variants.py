"""Variants of a normalised text, for the detectors that ask for them.

Each undoes a disguise that readers see through: traditional characters for simplified ones,
figures for letters, words that are spelled out. The functions here know strings only.
"""

import re
from functools import cache
from itertools import pairwise
from string import ascii_lowercase, ascii_uppercase

import opencc

# Also makes letters small. Only for words: the value behind one must be read as it was written.
LEET = str.maketrans("0134578@$!+" + ascii_uppercase, "oieastbasit" + ascii_lowercase)
# Six and more single characters: "p a s s w o r d", with wider gaps between words. No border lies
# within (see `segmentation`). The pattern begins at the first gap, which is rarer than a letter.
SPACED = re.compile(
    r" (?<=(?:(?<!\S)\S|(?<![A-Za-z0-9])[A-Za-z0-9\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]) )"
    r" {0,2}\S(?: {1,3}\S){4,}(?![A-Za-z0-9])"
)
DOTTED = re.compile(
    r"([._*-])(?<=(?<![A-Za-z0-9])[A-Za-z0-9].)[A-Za-z0-9](?:\1[A-Za-z0-9]){4,}(?![A-Za-z0-9])"
)


def simple_form(text: str) -> str:
    """Return traditional Chinese as simplified, character by character (OpenCC's tables)."""
    if text.isascii():
        return text
    traditional, simple = _characters()
    return text.translate(simple) if traditional.search(text) else text


@cache
def _characters() -> tuple[re.Pattern[str], dict[int, str]]:
    """Return the characters that simplified Chinese writes otherwise, and how it writes them."""
    characters = [chr(code) for code in range(0x3400, 0xA000)]
    converted = opencc.OpenCC("t2s").convert("\n".join(characters)).split("\n")
    pairs = zip(characters, converted, strict=True)
    simple = {ord(old): new for old, new in pairs if old != new and len(new) == 1}
    return re.compile(f"[{''.join(map(chr, simple))}]"), simple


def parting_places(text: str) -> set[int]:
    """Return the places of the characters that part the letters of spelled-out words."""
    places: set[int] = set()
    for match in DOTTED.finditer(text):
        places.update(range(match.start(), match.end(), 2))
    for match in SPACED.finditer(text):
        run = range(match.start() - 1, match.end())
        letters = [place for place in run if text[place] != " "]
        narrow = min(after - before for before, after in pairwise(letters))
        for before, after in pairwise(letters):
            # Of a wider gap, which parts two words, one space stays.
            places.update(range(before + 1 + (after - before > narrow), after))
    return places
