"""Passwords in tables (Markdown, tabs, commas, semicolons): the cells below such a heading."""

import re
from collections.abc import Iterator

from safety.detectors.credentials import PASSWORDS, is_password, is_strong
from safety.text.normalise import NormalisedText
from safety.verdict import Finding

REACH = 400
"""Characters from a heading to its last value: no rule looks further back (`gate`)."""
HEADING = re.compile(
    r"(?m)(?P<before>^|[|\t,;])[ *_`\"]{0,6}"
    r"(?:初始|登录|(?:initial|temporary|temp|new|login|default) )?"
    rf"(?:{PASSWORDS}|pwd|senha)"
    r"[ *_`\"]{0,6}(?P<behind>[|\t,;]|\r?$)"
)
CELL = re.compile(r"[ *_`\"]*([^\s|*_`\"](?:[^\s|]{4,198}[^\s|*_`\"]))[ *_`\"\r]*")


class Columns:
    def find(self, text: NormalisedText) -> Iterator[Finding]:
        text = text.closed_up
        for heading in HEADING.finditer(text.simplified.unleeted.text):
            for start, end in _below(text.text, heading):
                value = CELL.fullmatch(text.text, start, end)
                if value and is_strong(value[1]) and is_password(value[1]):
                    yield text.finding("secret", "column_password", *value.span(1))


def _below(text: str, heading: re.Match[str]) -> Iterator[tuple[int, int]]:
    """Yield where each cell below the heading is, as far as the table and REACH go."""
    mark = (heading["before"] or heading["behind"]).strip("\r")
    if not mark:
        return
    line = text.rfind("\n", 0, heading.start() + 1) + 1
    place = text.count(mark, line, heading.start() + len(heading["before"]))
    row = text.find("\n", heading.end()) + 1
    while 0 < row < heading.start() + REACH:
        stop = text.find("\n", row)
        cells = text[row : len(text) if stop < 0 else stop].split(mark)
        if len(cells) <= max(place, 1):
            return
        start = row + sum(len(cell) + 1 for cell in cells[:place])
        yield start, start + len(cells[place])
        row = stop + 1
