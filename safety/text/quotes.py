"""What a person quotes within what they ask: lines behind >, as mail and Markdown have them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from safety.screening.verdict import Finding, Stage

MARK = re.compile(r" {0,3}(>>>|>)[> ]*")


@dataclass(frozen=True, slots=True)
class Quotation:
    """The quoted lines of a text, without their marks; `offsets[i]` is where character i stood."""

    text: str
    offsets: tuple[int, ...]

    def __post_init__(self) -> None:
        assert len(self.offsets) == len(self.text)

    def located(self, finding: Finding) -> Finding:
        """A finding of what is quoted, as one of the text that quotes it."""
        start, end = self.offsets[finding.start], self.offsets[finding.end - 1] + 1
        return replace(finding, start=start, end=end, stage=Stage.MATERIAL)


def quoted_in(text: str) -> Quotation:
    """Of a text that quotes nothing, an empty one."""
    spans = list(_quoted(text))
    offsets = [place for start, end in spans for place in range(start, end + 1)][:-1]
    return Quotation("\n".join(text[start:end] for start, end in spans), tuple(offsets))


def _quoted(text: str) -> Iterator[tuple[int, int]]:
    """Where each quoted line starts behind its mark, and where it ends before its line break."""
    start, to_the_end = 0, False  # behind >>>, which Slack knows
    for line in text.splitlines(keepends=True):
        match = MARK.match(line)
        to_the_end = to_the_end or (match is not None and match[1] == ">>>")
        if match or to_the_end:
            yield start + (match.end() if match else 0), start + len(line.splitlines()[0])
        start += len(line)
