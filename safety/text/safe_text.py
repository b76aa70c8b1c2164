"""What may be done with released text without judging it again: put pieces together, take a part.

Nothing else makes SafeText of a str; who cuts or joins released text does it here. Each of these
looks, too, whether it was given released text: a value of type Any passes mypy as everything.
"""

from safety.verdict import SafeText

NOTHING = SafeText("")


def safe(text: SafeText) -> SafeText:
    """The text itself. Raises TypeError for a str that the filter has not released."""
    if not isinstance(text, SafeText):
        raise TypeError("text that the filter has not released")
    return text


def joined(*pieces: SafeText) -> SafeText:
    """Pieces that were released in this order, as one text."""
    return SafeText("".join(map(safe, pieces)))


def part(text: SafeText, start: int = 0, end: int | None = None) -> SafeText:
    """The characters from `start` to before `end`."""
    return SafeText(safe(text)[start:end])


def fenced(text: SafeText, *pieces: str) -> SafeText:
    """Pieces of the text, with marks of a code block around them. Raises ValueError for others."""
    if not all(piece in safe(text) or not piece.strip("`\n") for piece in pieces):
        raise ValueError("more than marks beside the text")
    return SafeText("".join(pieces))
