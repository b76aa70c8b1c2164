"""A text that was written in several drafts, as one."""

import re
from collections.abc import Sequence

from bot.store import Version

# Where a text broke off within a sentence: a letter or a comma, and a small letter goes on; or two
# ideograms. Anything else is a paragraph of its own.
GOES_ON = re.compile(r"[^\W_A-Z][,;]?\Z")
IDEOGRAM = re.compile(r"[\u3400-\u9fff，、；]")


def whole(pieces: Sequence[Version]) -> str:
    """Join a text and its continuations; one that broke off within a sentence goes on in it."""
    text = ""
    for piece in filter(None, (version.text.strip() for version in pieces)):
        text += (_joint(text, piece) if text else "") + piece
    return text


def _joint(before: str, after: str) -> str:
    if IDEOGRAM.match(before[-1:]) and IDEOGRAM.match(after[:1]):
        return ""
    return " " if GOES_ON.search(before) and after[:1].islower() else "\n\n"
