"""Where the linear tier begins anew, and at which places it reads its scores.

Both follow from the borders of the text (`segmentation`), and so from the text alone: a draft
that is still growing gets at each border the scores that the whole text has there. Windows are
for whole texts, where something short may hide in something long.
"""

import re
from collections.abc import Iterator, Sequence

from safety.text.segmentation import Borders

PASSAGE = 2000
"""A passage ends at the first border this many characters behind its start, or with the text."""


def ends(text: str) -> list[int]:
    """The borders of a whole text, and its end."""
    scan = Borders()
    found = list(iter(lambda: scan.next(text), None))
    return [*found, len(text)] if text else []


def passages(ends: Sequence[int]) -> Iterator[tuple[int, list[int]]]:
    """Each passage: where it starts, and the ends of its pieces, all counted from the text's."""
    start, pieces = 0, []
    for end in ends:
        pieces.append(end)
        if end - start >= PASSAGE:
            yield start, pieces
            start, pieces = end, []
    if pieces:
        yield start, pieces


def whole_passages(text: str) -> list[tuple[int, int]]:
    """Where each passage of a whole text starts and ends."""
    return [(start, pieces[-1]) for start, pieces in passages(ends(text))]


SIZES = {"en": (60, 100), "zh": (20, 40)}
PIECES = 4
"""Characters of a piece, and how many of them a window holds at most: chosen so that of attacks
hidden in ordinary drafts most were found at equally few false alarms."""
PIECE = {
    language: re.compile(
        rf"(?s:.{{{least},{most}}}?)(?:[.!?][\"'”’)\]*_]{{0,4}}\s+|[。！？；]|\n\s*|\Z)"
        rf"|(?s:.{{1,{most}}})(?:\s|\Z)|(?s:.{{1,{most}}})"
    )
    for language, (least, most) in SIZES.items()
}


def windows(text: str, language: str) -> list[tuple[int, int]]:
    """Each piece of a text, about as long as a sentence, and each two to four in a row."""
    places = [0, *(match.end() for match in PIECE[language].finditer(text))]
    return [
        (start, end)
        for first, start in enumerate(places)
        for end in places[first + 1 : first + 1 + PIECES]
    ]
