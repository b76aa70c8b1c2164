"""Splits a long text into parts, each for one message."""

import re
import unicodedata

from bot.slack.render.markup import fence_after, fence_marker
from safety import SafeText, fenced

PART_LIMIT = 3_600  # With head and facts a message stays under the 4,000 that Slack advises.

CLOSING = 16  # Room for the fence that closes a part.
LAST_CHARACTERS = 40  # UTF-16 units in which any character may end a part.

FENCE_BEGUN = re.compile(r" {0,3}`{1,12}[^`]{0,40}$")
REGIONAL = re.compile("[\U0001f1e6-\U0001f1ff]")


def split(text: SafeText, limit: int = PART_LIMIT) -> list[SafeText]:
    """Cut text at paragraphs, lines, or sentences into parts of at most `limit` escaped characters.

    A code fence that is cut is closed, and opened again in the next part. Parts are stable: more
    text only lengthens the last one, or adds further ones. So a part that was shown stays right.
    """
    assert limit >= 100
    parts, start, fence = [], 0, ""
    while (end := _end_of_part(text, start, fence, limit)) is not None:
        opening, piece = _reopened(fence), text[start:end]
        fence = _fence_at(text, start, end, fence)
        parts.append(fenced(text, opening, piece, _closed(piece, fence)))
        start = end
    return [*parts, fenced(text, _reopened(fence), text[start:])]


def _end_of_part(text: str, start: int, fence: str, limit: int) -> int | None:
    """Return where the part from `start` ends, or None while it has room."""
    room = limit - CLOSING
    used = _width(_reopened(fence))
    line = _line_start(text, start)
    for at in range(start, len(text)):
        width = _width(text[at])
        if at > start and (used + width > room or _may_break(text, at, fence, used, room)):
            return at
        used += width
        if text[at] == "\n":
            fence = fence_after(text[line:at], fence)
            line = at + 1
    return None


def _may_break(text: str, at: int, fence: str, used: int, room: int) -> bool:
    """Say whether a part may end at `at`. The fuller the part, the weaker a break may be."""
    fill = used / room
    if fill < 0.70 or FENCE_BEGUN.match(text, _line_start(text, at), at):
        return False
    if used > room - LAST_CHARACTERS:
        return not _joined(text, at)
    before = text[at - 1]
    line = before == "\n"
    sentence = before in "。！？" or (before.isspace() and text[at - 2 : at - 1] in (*".!?…",))
    if fill < 0.85:
        return not fence and text.endswith("\n\n", 0, at) and text[at] != "\n"
    if fill < 0.92:
        return line
    if fill < 0.96:
        return line or sentence
    return before.isspace() or sentence


def _joined(text: str, at: int) -> bool:
    """Say whether `at` is within one character as people see it (UAX #29, in short)."""
    before, after = text[at - 1], text[at]
    code = ord(after)
    return (
        unicodedata.category(after)[0] == "M"
        or "\u200d" in (before, after)
        or before + after in ("\r\n", "``")
        or 0x1F3FB <= code <= 0x1F3FF  # skin tones
        or 0xE0020 <= code <= 0xE007F  # tags of regional flags
        or 0x1160 <= code <= 0x11FF  # Hangul vowels and finals
        or (REGIONAL.match(after) is not None and _regional_before(text, at) % 2 == 1)
    )


def _regional_before(text: str, at: int) -> int:
    """Count the letters of flags directly before `at`: two make a flag."""
    start = at
    while start and REGIONAL.match(text[start - 1]):
        start -= 1
    return at - start


def _width(text: str) -> int:
    """Return the most UTF-16 units that `text` has once escaped."""
    wide = {"&": 5, "<": 4, ">": 4, "]": 2}
    return sum(wide.get(char, 1 + (ord(char) > 0xFFFF)) for char in text)


def _line_start(text: str, at: int) -> int:
    return text.rfind("\n", 0, at) + 1


def _fence_at(text: str, start: int, end: int, fence: str) -> str:
    """Return the fence that is open at `end`, if `fence` was open at `start`."""
    for line in text[_line_start(text, start) : end].split("\n")[:-1]:
        fence = fence_after(line, fence)
    return fence


def _reopened(fence: str) -> str:
    return f"{fence}\n" if fence else ""


def _closed(piece: str, fence: str) -> str:
    if not fence:
        return ""
    return fence_marker(fence) if piece.endswith("\n") else f"\n{fence_marker(fence)}"
