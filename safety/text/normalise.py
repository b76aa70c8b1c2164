"""One plain form of a text for the detectors, with a map back to what was written.

Full-width letters, invisible characters and letters that look like Latin ones hide a secret from
a pattern and from nobody else. Detectors read the normalised text; findings point into the
original.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from safety.screening.verdict import Finding

# Unicode TR 39 lists thousands; these are the letters that a reader takes for Latin ones: Cyrillic,
# Greek, Armenian, small capitals, and a few signs. Chinese, Japanese and Korean are never folded.
CONFUSABLES = dict(
    zip(
        "аеорсухіјѕһԁԛԝӏѵүгкмтвнпьАВЕКМНОРСТУХЅІЈӀѴҮԌԚԜЬ"
        "αοινρκχυγτωσϲϳΑΒΕΖΗΙΚΜΝΟΡΤΥΧϹͿ"
        "օսոհցզյԼՕՏՍ"
        "ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ"
        "ɡɑɩıℓ‐‒–−⁄∕∶․",
        "aeopcyxijshdqwlvyrkmtbhnbABEKMHOPCTYXSIJIVYGQWb"
        "aoivpkxuytwocjABEZHIKMNOPTYXCJ"
        "ounhgqjLOSU"
        "abcdefghijklmnoprstuvwyz"
        "gaiil----//:.",
        strict=True,
    )
)
# Letters in black circles and squares, which NFKC leaves.
CONFUSABLES |= {
    chr(first + place): letter
    for first in (0x1F150, 0x1F170)
    for place, letter in enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
}

# Controls, surrogates, and all that Unicode calls Default_Ignorable_Code_Point.
INVISIBLE = (
    "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\ud800-\udfff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
JOINING = "\u0590-\u08ff\u0900-\u0dff\u1000-\u109f\u1780-\u17ff\u1800-\u18af\ufb50-\ufeef"
EMOJI = (
    "\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
)

# What shows as itself, or shapes its neighbours: flags of regions, joined emoji, Persian, Hindi.
KEPT = re.compile(
    "\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{2,6}\U000e007f"
    f"|(?<=[{EMOJI}])[\ufe0e\ufe0f]|(?<=[0-9#*])\ufe0f(?=\u20e3)"
    f"|(?:(?<=[{EMOJI}])|(?<=[{EMOJI}]\ufe0f))\u200d(?=[{EMOJI}])"
    f"|(?<=[{JOINING}])[\u200c\u200d](?![{INVISIBLE}])"
)
_INVISIBLE = re.compile(f"(?P<kept>{KEPT.pattern})|[{INVISIBLE}]")
ANY_INVISIBLE = re.compile(f"[{INVISIBLE}]")


@dataclass(frozen=True, slots=True)
class Normalised:
    """A normalised text; `offsets[i]` is where in `original` its character i came from."""

    text: str
    original: str
    offsets: Sequence[int]

    def __post_init__(self) -> None:
        assert len(self.offsets) == len(self.text)

    def finding(
        self, category: str, rule: str, start: int, end: int, score: float = 1.0
    ) -> Finding:
        """A finding whose span, given in the normalised text, points into the original."""
        assert 0 <= start < end <= len(self.text)
        return Finding(category, rule, self.offsets[start], self.offsets[end - 1] + 1, score)

    def written(self, start: int, end: int) -> str:
        """What stands in the original for a span of the normalised text; "" for none."""
        return self.original[self.offsets[start] : self.offsets[end - 1] + 1] if start < end else ""


def normalise(text: str) -> Normalised:
    """NFKC by character, invisible characters dropped, confusables and digits folded."""
    if text.isascii() and not ANY_INVISIBLE.search(text):
        return Normalised(text, text, range(len(text)))
    folded = [fold(character) for character in text]
    plain = "".join(folded)
    if len(plain) == len(text) and all(folded):
        return Normalised(plain, text, range(len(text)))
    offsets = [index for index, form in enumerate(folded) for _ in form]
    return Normalised(plain, text, offsets)


@lru_cache(maxsize=1 << 16)
def fold(character: str) -> str:
    """The plain form of one character: "" where it is invisible, several where NFKC says so."""
    return "".join(_fold(part) for part in unicodedata.normalize("NFKC", character))


def _fold(character: str) -> str:
    if ANY_INVISIBLE.match(character):
        return ""
    if character.isdecimal():
        return str(unicodedata.decimal(character))
    return CONFUSABLES.get(character, character)


def invisible_spans(text: str) -> list[tuple[int, int]]:
    """Each character that shows nothing and shapes nothing, as (start, end)."""
    if not ANY_INVISIBLE.search(text):
        return []
    return [match.span() for match in _INVISIBLE.finditer(text) if match["kept"] is None]


def visible(text: str) -> str:
    """The text without control, zero-width, bidi and tag characters.

    Newlines, tabs, and the joiners that emoji, Arabic and Indic letters need stay.
    """
    return _INVISIBLE.sub(lambda match: match["kept"] or "", text)
