"""What stands open where a growing text ends: code, a label, a tag, the target of a link."""

import re
from dataclasses import dataclass

from safety.text.normalise import Normalised

REACH = 1000
"""The longest label or tag that a rule finds with spaces in it is shorter than this."""
FENCE = re.compile(r" {0,3}```")
BACKTICKS = re.compile(r"`+")
# What a rule reads together with what stands behind white space.
GOES_ON = re.compile(r"(?:\+|\]:|[0-9] ?(?:x|ext))\Z")


@dataclass(slots=True)
class Line:
    """The last line of a text, read bit by bit; each character is looked at once.

    A bit ends behind white space or before a Chinese character, never within a run of backticks.
    """

    in_fence: bool = False  # an odd number of code fences has been opened or closed so far
    in_code: bool = False  # behind a backtick that is not closed yet
    in_target: bool = False  # within a word that holds a URL, or the target of a link
    tail: str = ""

    def __post_init__(self) -> None:
        assert "\n" not in self.tail

    @property
    def is_open(self) -> bool:
        """Whether a cut here would part code, a label, a tag or a link. A fence is not counted."""
        tail = self.tail
        return (
            self.in_code
            or self.in_target
            or tail.rfind("[") > tail.rfind("]")
            or (tail.rfind("<") > tail.rfind(">") and not _is_less_than(tail))
            or GOES_ON.search(tail.rstrip()[-8:]) is not None
        )

    def read(self, more: Normalised) -> None:
        """Takes the next bit of the text."""
        first, *others = more.text.split("\n")
        self._add(first)
        for line in others:
            self.in_code, self.in_target, self.tail = False, False, ""
            self._add(line)

    def _add(self, more: str) -> None:
        line = self.tail + more
        position = len(self.tail)
        if not self.tail.strip(" ") and (fence := FENCE.match(line)):
            self.in_fence = not self.in_fence
            position = fence.end()
        for run in BACKTICKS.findall(line, position):
            # As the rule for links pairs them: a backtick before another one opens nothing.
            self.in_code = not self.in_code or len(run) > 1
        word = "" if line[-1:].isspace() else (line.split() or [""])[-1]
        goes_on = len(word) == len(line) >= REACH
        self.in_target = _is_target(word) or (goes_on and self.in_target)
        self.tail = line[-REACH:]


def _is_target(word: str) -> bool:
    behind = word.rfind("](") + 1
    is_labelled = behind > 0 and word.count("(", behind) > word.count(")", behind)
    return is_labelled or "://" in word


def _is_less_than(tail: str) -> bool:
    return tail[tail.rfind("<") + 1 :][:1].isspace()
