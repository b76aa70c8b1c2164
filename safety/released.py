"""What may be done with released text without judging it again: put pieces together, take a part.

Nothing else makes SafeText of a str; who cuts or joins released text does it here.
"""

from safety.verdict import SafeText

NOTHING = SafeText("")


def joined(*pieces: SafeText) -> SafeText:
    """Pieces that were released in this order, as one text."""
    return SafeText("".join(pieces))


def part(text: SafeText, start: int = 0, end: int | None = None) -> SafeText:
    """The characters from `start` to before `end`."""
    return SafeText(text[start:end])
