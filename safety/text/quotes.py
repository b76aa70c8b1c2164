"""Lines that a person quotes in a request: lines behind >, as in mail and Markdown."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from safety.verdict import Finding, Stage

MARK = re.compile(r" {0,3}(>>>|>)[> ]*")


@dataclass(frozen=True, slots=True)
class Quotation:
    """The quoted lines of a text, without their marks; `offsets[i]` is where character i was."""

    text: str
    offsets: tuple[int, ...]

    def __post_init__(self) -> None:
        assert len(self.offsets) == len(self.text)

    def located(self, finding: Finding) -> Finding:
        """Return a finding in the quoted lines as a finding in the text that quotes them."""
        start, end = self.offsets[finding.start], self.offsets[finding.end - 1] + 1
        return replace(finding, start=start, end=end, stage=Stage.MATERIAL)


def quoted_in(text: str) -> Quotation:
    """Return the quoted lines of a text; an empty quotation if it quotes nothing."""
    spans = list(_quoted(text))
    offsets = [place for start, end in spans for place in range(start, end + 1)][:-1]
    return Quotation("\n".join(text[start:end] for start, end in spans), tuple(offsets))


def _quoted(text: str) -> Iterator[tuple[int, int]]:
    """Yield where each quoted line starts behind its mark, and ends before its line break."""
    # In Slack, >>> quotes all that follows.
    start, to_the_end = 0, False
    for line in text.splitlines(keepends=True):
        match = MARK.match(line)
        to_the_end = to_the_end or (match is not None and match[1] == ">>>")
        if match or to_the_end:
            yield start + (match.end() if match else 0), start + len(line.splitlines()[0])
        start += len(line)
