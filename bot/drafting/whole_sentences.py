"""Where a text that was cut off may end: behind its last whole sentence, or its last whole line."""

import re
from collections.abc import Iterator

CLOSING = r"[\"'”’»)\]*_~」』）》】]{0,8}"
SENTENCE_END = re.compile(
    rf"[.!?…]{CLOSING}(?=\s|\Z)|[。！？]{CLOSING}|…{CLOSING}(?=[\u3400-\u9fff])"
)
# A full stop behind these ends no sentence: titles, common short forms, initials, the numbers of a
# list; nor does one behind a digit at the very end, where "3." may have become "3.5".
NO_END = re.compile(
    r"(?:\b(?:Mr|Mrs|Ms|Dr|Prof|St|Nos|vs|cf|ca|approx|Fig|e\.g|i\.e|[A-Z])"
    r"|(?:\A|\n)[ \t]*(?:\d{1,3}|[a-z]))\Z"
)
ITEM = re.compile(r"[ \t]*(?:[-*+•]|\d{1,3}[.)、])[ \t]*\S|[ \t]*\|")
HEADING = re.compile(r"[ \t]*(?:#{1,6}[ \t]|(?:\*\*|__).*(?:\*\*|__):?\Z)")
OPEN_END = (",", ":", ";", "，", "：", "；", "、")


def whole_length(text: str) -> int:
    """Return how many characters of a text that was cut off make whole sentences or lines.

    All of them where it has no end at all.
    """
    return max((*_sentence_ends(text), *_line_ends(text)), default=len(text))


def _sentence_ends(text: str) -> Iterator[int]:
    for match in SENTENCE_END.finditer(text):
        ends_in_stop = match[0].startswith(".")
        if not (ends_in_stop and _ends_none(text, match.start())):
            yield match.end()


def _ends_none(text: str, stop: int) -> bool:
    """Say whether the full stop at this place belongs to its word."""
    before = text[max(0, stop - 20) : stop]
    is_last_digit = stop == len(text) - 1 and before[-1:].isdigit()
    return is_last_digit or NO_END.search(before) is not None


def _line_ends(text: str) -> Iterator[int]:
    """Yield the ends of items of a list, and of lines that stand in blocks, as in a poem.

    A line that stands alone without a full stop is a title, which says nothing without its text.
    """
    start, before = 0, ""
    for line in text.split("\n")[:-1]:
        stripped = line.rstrip()
        in_block = bool(before.strip()) and not HEADING.match(before)
        ends = not stripped.endswith(OPEN_END) and not HEADING.match(stripped)
        if stripped and ends and (ITEM.match(stripped) or in_block):
            yield start + len(stripped)
        start, before = start + len(line) + 1, line
