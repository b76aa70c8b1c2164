"""Where a growing text may be cut, so that nothing the filter looks for lies across the cut.

The place of a border depends on the text alone, never on how it arrived: a border is decided by
what stands before it and the next word after it. No rule's finding crosses one: findings hold no
white space and no Chinese, but for those that `open_line` knows, private keys, numbers, which
the rule about digits keeps whole, what is written in groups, such as an IBAN, or spelled out, and
e-mail addresses with Chinese names.
"""

import re
from dataclasses import dataclass, field

from safety.detectors.gap import GAP
from safety.detectors.secrets import OPEN_PRIVATE_KEY
from safety.text.normalise import normalise
from safety.text.open_line import Line

FORCED_AFTER = 600
"""Characters after which a piece without the end of a sentence is cut between two words."""
HELD_BACK = 128
"""Characters that must follow a cut which is not the end of a sentence or a line."""

SPACE = "[ \t\r\n\u00a0\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]"
CJK = "[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]"
CLOSING = "[\"'”’»)\\]*_~”’」』）》】]{0,8}"
CANDIDATE = re.compile(
    rf"(?P<end>[.!?…。！？；]{CLOSING}{SPACE}++|\n{SPACE}*+)"
    rf"|(?P<cjk_end>[。！？；…]{CLOSING}(?=[「『《“]|{CJK}|\Z))"
    rf"|(?P<between>{SPACE}++|(?<={CJK})(?={CJK}))"
)
PARTIAL = 16
"""More characters than a candidate has before what completes it."""
# No number has more than this between two of its digits, once normalised; in the text as it is
# written, invisible characters may stand there too.
NUMBER_GAP = 3
NEAR = 200
ADDRESS_BEFORE = re.compile(r"@[^\s@]*\Z")
ADDRESS_AFTER = re.compile(rf"{CJK}{{1,4}}[^\s@]{{0,64}}@")
LETTER_OR_DIGIT = re.compile(r"[^\W_]")
# What stands alone, as each letter of a word that is spelled out; or as one of many short groups.
ALONE = r"(?:(?<!\S)\S|(?<![A-Za-z0-9])[A-Za-z0-9\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af])"
GROUP = rf"(?:(?<![A-Za-z0-9])[A-Z0-9]{{1,6}}|{ALONE})"
ALONE_BEFORE, GROUP_BEFORE = (re.compile(rf"{one}\s+\Z") for one in (ALONE, GROUP))
ALONE_AFTER, GROUP_AFTER = (re.compile(rf"\s*{one}(?![A-Za-z0-9])") for one in (ALONE, GROUP))
GROUP_CHARS = 6
# In small letters, the groups of an IBAN are words to anybody else.
IBAN_BEFORE = re.compile(
    rf"(?<![A-Za-z0-9])[A-Za-z]{{2}}[0-9]{{2}}(?:{GAP}[A-Za-z0-9]){{0,30}}[^A-Za-z0-9]{{1,3}}\Z"
)
LAST_LETTER_OR_DIGIT = re.compile(r"([^\W_])([\W_]*)\Z")


@dataclass(slots=True)
class Borders:
    """The borders of one growing text. `last` is the one found last, 0 before the first."""

    last: int = 0
    decided: int = 0  # no border lies between `last` and here, however the text goes on
    line: Line = field(default_factory=Line)  # the text up to `read`, the last candidate looked at
    read: int = 0
    key: str = ""  # from the header on, a private key that may go on at `read`

    def __post_init__(self) -> None:
        assert 0 <= self.last <= self.decided

    def next(self, text: str) -> int | None:
        """The first border after `last`, or None while the text does not decide it yet."""
        for match in CANDIDATE.finditer(text, self.decided):
            self.decided = match.start()
            if match.end() == self.last:
                continue
            is_border = self._is_border(text, match)
            if is_border is None:
                return None
            self.decided = match.end()
            if is_border:
                self.last = match.end()
                return self.last
        self.decided = max(self.decided, len(text) - PARTIAL)
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
        if self._is_inside(text, border) or (not match[0] and _parts_an_address(text, border)):
            return False
        # A number is judged with the word behind it.
        if match["between"] is not None and _before(text, border)[0].isdigit():
            return False
        is_parted = _parts_a_number(text, border)
        if is_parted is False and "\n" not in match[0]:
            is_parted = _parts_groups(text, border, is_end=match["between"] is None)
        return None if is_parted is None else not is_parted

    def _is_inside(self, text: str, border: int) -> bool:
        """Whether a border would cut code, a link, Slack markup or a private key."""
        more = normalise(text[self.read : border])
        self.line.read(more)
        self.read = border
        begins = more.text.rfind("-----BEGIN")
        self.key = more.text[begins:] if begins >= 0 else self.key and self.key + more.text
        if not OPEN_PRIVATE_KEY.match(self.key):
            self.key = ""
        in_fence = self.line.in_fence and border < self.last + FORCED_AFTER
        return in_fence or self.line.is_open or self.key != ""


def _parts_an_address(text: str, border: int) -> bool:
    """Whether a place between two Chinese characters may be in an e-mail address."""
    before = normalise(text[max(0, border - NEAR) : border]).text
    behind = normalise(text[border : border + HELD_BACK]).text
    return bool(ADDRESS_BEFORE.search(before) or ADDRESS_AFTER.match(behind))


def _parts_a_number(text: str, border: int) -> bool | None:
    """Whether one number may stand on both sides; None while what decides it is to come."""
    before, gap = _before(text, border)
    if not before.isdigit():
        return False
    behind = normalise(text[border : border + NEAR]).text
    after = LETTER_OR_DIGIT.search(behind)
    if after is not None:
        return after[0].isdigit() and gap + after.start() <= NUMBER_GAP
    if gap + len(behind) > NUMBER_GAP or len(text) >= border + NEAR:
        return False
    return None


def _parts_groups(text: str, border: int, *, is_end: bool) -> bool | None:
    """Whether groups of one number, or letters of a word that is spelled out, stand on both sides.

    None while what decides it is to come. The end of a sentence parts letters only.
    """
    before, after = (ALONE_BEFORE, ALONE_AFTER) if is_end else (GROUP_BEFORE, GROUP_AFTER)
    near = normalise(text[max(0, border - NEAR) : border]).text
    if not is_end and IBAN_BEFORE.search(near):
        return True
    if not before.search(near):
        return False
    behind = normalise(text[border : border + NEAR]).text
    if len(behind.lstrip()) <= GROUP_CHARS and len(text) < border + NEAR:
        return None
    return after.match(behind) is not None


def _before(text: str, border: int) -> tuple[str, int]:
    """The last letter or digit before a border, and how many characters stand between."""
    before = normalise(text[max(0, border - NEAR) : border]).text
    last = LAST_LETTER_OR_DIGIT.search(before)
    return (last[1], len(last[2])) if last else ("", len(before))
