"""What a person quotes within what they ask: lines behind >, as mail and Markdown have them."""

import re
from collections.abc import Iterator

_MARK = re.compile(r" {0,3}(>>>|>)[> ]*")


def quoted_in(text: str) -> str:
    """The quoted lines, without their marks."""
    return "\n".join(_quoted(text))


def _quoted(text: str) -> Iterator[str]:
    to_the_end = False  # behind >>>, which Slack knows
    for line in text.splitlines():
        match = _MARK.match(line)
        to_the_end = to_the_end or (match is not None and match[1] == ">>>")
        if match or to_the_end:
            yield line[match.end() :] if match else line
