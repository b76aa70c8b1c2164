"""Where the linear tier begins anew, and at which places it reads its scores.

Both follow from the borders of the text (`safety.borders`), and so from the text alone: a draft
that is still growing gets at each border the scores that the whole text has there.
"""

from collections.abc import Iterator, Sequence

from safety.borders import Borders

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
