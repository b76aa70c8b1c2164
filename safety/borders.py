"""Where a growing text may be cut, so that nothing the filter looks for lies across the cut.

The place of a border depends on the text alone, never on how it arrived: a border is decided by
what stands before it and the next letter or digit after it. No rule's finding crosses one:
findings hold no white space, but for those of `_is_inside`, and for phone and card numbers,
which the rule about digits keeps whole.
"""

import re
from dataclasses import dataclass

from safety.detectors.secrets import OPEN_PRIVATE_KEY
from safety.normalise import normalise

FORCED_AFTER = 600
"""Characters after which a piece without the end of a sentence is cut between two words."""
HELD_BACK = 128
"""Characters that must follow a cut which is not the end of a sentence or a line."""

_SPACE = "[ \t\r\n\u00a0\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]"
_CJK = "[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]"
_CLOSING = "[\"'”’»)\\]*_~”’」』）》】]{0,8}"
_CANDIDATE = re.compile(
    rf"(?P<end>[.!?…。！？；]{_CLOSING}{_SPACE}++|\n{_SPACE}*+)"
    rf"|(?P<cjk_end>[。！？；…]{_CLOSING}(?=[「『《“]|{_CJK}|\Z))"
    rf"|(?P<between>{_SPACE}++|(?<={_CJK})(?={_CJK}))"
)
_FENCE = re.compile(r"(?m)^ {0,3}```")
# The longest label, target or tag that a rule finds with spaces in it is shorter than this.
_REACH = 1000
# No number has more than this between two of its digits, once normalised; in the text as it is
# written, invisible characters may stand there too.
_NUMBER_GAP = 3
_NEAR = 200
_LETTER_OR_DIGIT = re.compile(r"[^\W_]")
_LAST_LETTER_OR_DIGIT = re.compile(r"([^\W_])([\W_]*)\Z")


@dataclass(slots=True)
class Borders:
    """The borders of one growing text. `last` is the one found last, 0 before the first."""

    last: int = 0
    decided: int = 0  # no border lies between `last` and here, however the text goes on

    def __post_init__(self) -> None:
        assert 0 <= self.last <= self.decided

    def next(self, text: str) -> int | None:
        """The first border after `last`, or None while the text does not decide it yet."""
        for match in _CANDIDATE.finditer(text, self.decided):
            self.decided = match.start()
            if match.end() == self.last:
                continue
            is_border = self._is_border(text, match)
            if is_border is None:
                return None
            if is_border:
                self.last = self.decided = match.end()
                return self.last
        return None

    def _is_border(self, text: str, match: re.Match[str]) -> bool | None:
        border = match.end()
        if border == len(text):
            return None
        if match["between"] is not None:
            if border < self.last + FORCED_AFTER:
                return False
            if len(text) < border + HELD_BACK:
                return None
            # A number is judged with the word behind it.
            if _before(text, border)[0].isdigit():
                return False
        parts_a_number = _parts_a_number(text, border)
        if parts_a_number is None:
            return None
        return not parts_a_number and not _is_inside(text, border, self.last)


def is_in_fence(text: str, position: int) -> bool:
    """Whether an odd number of code fences has been opened or closed before a position."""
    return len(_FENCE.findall(text, 0, position)) % 2 == 1


def _parts_a_number(text: str, border: int) -> bool | None:
    """Whether one number may stand on both sides; None while what decides it is to come."""
    before, gap = _before(text, border)
    if not before.isdigit():
        return False
    behind = normalise(text[border : border + _NEAR]).text
    after = _LETTER_OR_DIGIT.search(behind)
    if after is not None:
        return after[0].isdigit() and gap + after.start() <= _NUMBER_GAP
    if gap + len(behind) > _NUMBER_GAP or len(text) >= border + _NEAR:
        return False
    return None


def _before(text: str, border: int) -> tuple[str, int]:
    """The last letter or digit before a border, and how many characters stand between."""
    before = normalise(text[max(0, border - _NEAR) : border]).text
    last = _LAST_LETTER_OR_DIGIT.search(before)
    return (last[1], len(last[2])) if last else ("", len(before))


def _is_inside(text: str, border: int, start: int) -> bool:
    """Whether a border would cut code, a link, Slack markup or a private key."""
    newline = text.rfind("\n", 0, border)
    line = normalise(text[max(newline + 1, border - _REACH) : border]).text
    if line.rfind("[") > line.rfind("]") or line.count("`") % 2:
        return True
    if line.rfind("<") > line.rfind(">") and not line[line.rfind("<") + 1 :][:1].isspace():
        return True
    if "://" in re.split(r"\s", line)[-1]:
        return True
    key = text.rfind("-----BEGIN", 0, border)
    if key >= 0 and OPEN_PRIVATE_KEY.match(text[key:border]):
        return True
    return is_in_fence(text, border) and border < start + FORCED_AFTER
