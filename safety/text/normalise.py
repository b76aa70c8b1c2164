"""One plain form of a text for the detectors, with a map back to the text as it was written.

Full-width letters, invisible characters and letters that look like Latin ones hide a secret from
a pattern, but not from a reader. Detectors read the normalised text; findings point into the
original. A text is normalised once; whatever is derived from it is made when it is first needed,
and kept with it.
"""

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

from safety.text.quotes import Quotation, quoted_in
from safety.text.segmentation import Passage, Segmenter, passages
from safety.text.variants import LEET, parting_places, simple_form
from safety.verdict import Finding

# Unicode TR 39 lists thousands. These are the letters that readers take for Latin ones: Cyrillic,
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
# NFKC leaves letters in black circles and squares.
CONFUSABLES |= {
    chr(first + place): letter
    for first in (0x1F150, 0x1F170)
    for place, letter in enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
}

# Controls, surrogates, and Unicode's Default_Ignorable_Code_Point.
INVISIBLE = (
    "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\ud800-\udfff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
JOINING = "\u0590-\u08ff\u0900-\u0dff\u1000-\u109f\u1780-\u17ff\u1800-\u18af\ufb50-\ufeef"
EMOJI = (
    "\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
)

# Characters that are seen or shape others: flags of regions, joined emoji, Persian, Hindi.
KEPT = re.compile(
    "\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{2,6}\U000e007f"
    f"|(?<=[{EMOJI}])[\ufe0e\ufe0f]|(?<=[0-9#*])\ufe0f(?=\u20e3)"
    f"|(?:(?<=[{EMOJI}])|(?<=[{EMOJI}]\ufe0f))\u200d(?=[{EMOJI}])"
    f"|(?<=[{JOINING}])[\u200c\u200d](?![{INVISIBLE}])"
)
INVISIBLE_UNLESS_KEPT = re.compile(f"(?P<kept>{KEPT.pattern})|[{INVISIBLE}]")
ANY_INVISIBLE = re.compile(f"[{INVISIBLE}]")


@dataclass(frozen=True)
class NormalisedText:
    """A normalised text; `offsets[i]` is where in `original` its character i came from.

    The offsets ascend. They are a range where each character came from the one in its own place.
    """

    text: str
    original: str
    offsets: Sequence[int]

    def __post_init__(self) -> None:
        assert len(self.offsets) == len(self.text)

    def __add__(self, other: "NormalisedText") -> "NormalisedText":
        """Return both texts as one, without normalising them again."""
        if not self.original or not other.original:
            return self if self.original else other
        text, original = self.text + other.text, self.original + other.original
        if isinstance(self.offsets, range) and isinstance(other.offsets, range):
            return NormalisedText(text, original, range(len(text)))
        behind = (offset + len(self.original) for offset in other.offsets)
        return NormalisedText(text, original, [*self.offsets, *behind])

    def part(self, start: int, end: int) -> "NormalisedText":
        """Return the part from `start` to before `end`, both counted in the original."""
        if start == 0 and end == len(self.original):
            return self
        first, last = self.place(start), self.place(end)
        offsets: Sequence[int] = range(last - first)
        if not isinstance(self.offsets, range):
            offsets = [offset - start for offset in self.offsets[first:last]]
        return NormalisedText(self.text[first:last], self.original[start:end], offsets)

    def folded(self, start: int, end: int) -> str:
        """Return the normalised characters of a span of the original."""
        return self.text[self.place(start) : self.place(end)]

    def place(self, position: int) -> int:
        """Return where in the text those characters begin that follow a place of the original."""
        return bisect_left(self.offsets, position)

    def written(self, start: int, end: int) -> str:
        """Return the original of a span of the normalised text; "" for an empty span."""
        return self.original[self.offsets[start] : self.offsets[end - 1] + 1] if start < end else ""

    def finding(
        self, category: str, rule: str, start: int, end: int, score: float = 1.0
    ) -> Finding:
        """Return a finding that points into the original, for a span of the normalised text."""
        assert 0 <= start < end <= len(self.text)
        return Finding(category, rule, self.offsets[start], self.offsets[end - 1] + 1, score)

    @cached_property
    def simplified(self) -> "NormalisedText":
        """Traditional Chinese as simplified."""
        simple = simple_form(self.text)
        return self if simple == self.text else replace(self, text=simple)

    @cached_property
    def unleeted(self) -> "NormalisedText":
        """In small letters, with figures and signs as letters: "p4$$W0rd"."""
        return replace(self, text=self.text.translate(LEET))

    @cached_property
    def closed_up(self) -> "NormalisedText":
        """Words and numbers that are spelled out, without the characters between their letters."""
        gaps = parting_places(self.text)
        if not gaps:
            return self
        kept = [place for place in range(len(self.text)) if place not in gaps]
        letters = "".join(self.text[place] for place in kept)
        return NormalisedText(letters, self.original, [self.offsets[place] for place in kept])

    @cached_property
    def borders(self) -> tuple[int, ...]:
        """Where a stream of this text may be cut, counted in the original."""
        segmenter = Segmenter()
        return tuple(iter(lambda: segmenter.next(self), None))

    @cached_property
    def passages(self) -> tuple[Passage, ...]:
        """The passages of the whole text."""
        ends = [*self.borders, len(self.original)] if self.original else []
        return tuple(passages(ends))

    @cached_property
    def quotation(self) -> Quotation:
        """The lines that the text quotes."""
        return quoted_in(self.original)

    @cached_property
    def quoted(self) -> "NormalisedText | None":
        """The lines that the text quotes, as a text of their own; None if it quotes nothing."""
        return normalise(self.quotation.text) if self.quotation.text else None


def normalise(text: str) -> NormalisedText:
    """Apply NFKC by character, drop invisible characters, fold look-alikes and digits."""
    if text.isascii() and not ANY_INVISIBLE.search(text):
        return NormalisedText(text, text, range(len(text)))
    folded = [fold(character) for character in text]
    plain = "".join(folded)
    if len(plain) == len(text) and all(folded):
        return NormalisedText(plain, text, range(len(text)))
    offsets = [index for index, form in enumerate(folded) for _ in form]
    return NormalisedText(plain, text, offsets)


@lru_cache(maxsize=1 << 16)
def fold(character: str) -> str:
    """Return the plain form of one character: "" if it is invisible, several if NFKC says so."""
    return "".join(_fold(part) for part in unicodedata.normalize("NFKC", character))


def _fold(character: str) -> str:
    if ANY_INVISIBLE.match(character):
        return ""
    if character.isdecimal():
        return str(unicodedata.decimal(character))
    return CONFUSABLES.get(character, character)


def visible(text: str) -> str:
    """Return the text without control, zero-width, bidi and tag characters.

    Newlines, tabs, and the joiners that emoji, Arabic and Indic letters need are kept.
    """
    return INVISIBLE_UNLESS_KEPT.sub(lambda match: match["kept"] or "", text)
