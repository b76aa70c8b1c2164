"""Operations on released text that need no new judgement: join pieces, take a part.

Outside the screening, nothing else makes SafeText. Each function checks that it was given released
text, because mypy lets a value of type Any pass as SafeText.
"""

from safety.verdict import SafeText

NOTHING = SafeText("")


def safe(text: SafeText) -> SafeText:
    """Return the text itself. Raises TypeError for a str that the filter has not released."""
    if not isinstance(text, SafeText):
        raise TypeError("text that the filter has not released")
    return text


def joined(*pieces: SafeText) -> SafeText:
    """Return pieces that were released in this order as one text."""
    return SafeText("".join(map(safe, pieces)))


def part(text: SafeText, start: int = 0, end: int | None = None) -> SafeText:
    """Return the characters from `start` to before `end`."""
    return SafeText(safe(text)[start:end])


def fenced(text: SafeText, *pieces: str) -> SafeText:
    """Return pieces of the text with marks of a code block. Raises ValueError for other pieces."""
    if not all(piece in safe(text) or not piece.strip("`\n") for piece in pieces):
        raise ValueError("more than marks beside the text")
    return SafeText("".join(pieces))
