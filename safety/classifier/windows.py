"""Windows: short parts of a whole text, where something short may hide in something long."""

import re

SIZES = {"en": (60, 100), "zh": (20, 40)}
PIECES = 4
"""Characters of a piece, and the most pieces of a window.

Chosen among sizes with equally few false alarms: these found most attacks in ordinary drafts.
"""
PIECE = {
    language: re.compile(
        rf"(?s:.{{{least},{most}}}?)(?:[.!?][\"'”’)\]*_]{{0,4}}\s+|[。！？；]|\n\s*|\Z)"
        rf"|(?s:.{{1,{most}}})(?:\s|\Z)|(?s:.{{1,{most}}})"
    )
    for language, (least, most) in SIZES.items()
}


def windows(text: str, language: str) -> list[tuple[int, int]]:
    """Return each piece of a text, about as long as a sentence, and each two to four in a row."""
    places = [0, *(match.end() for match in PIECE[language].finditer(text))]
    return [
        (start, end)
        for first, start in enumerate(places)
        for end in places[first + 1 : first + 1 + PIECES]
    ]
