"""Where a text is cut: borders, between which nothing that the filter looks for lies, and passages.

The place of a border depends on the text alone, never on how it arrived: a border is decided by
the text before it and the next word after it. No finding of a rule crosses one, because findings
hold no white space and no Chinese. There are exceptions, and no border lies within these either:
code, labels, tags and links (`OpenLine`), private keys, numbers, groups of one number, such as an
IBAN, words that are spelled out, and e-mail addresses with Chinese names.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from safety.text.private_key import OPEN_PRIVATE_KEY

if TYPE_CHECKING:
    from safety.text.normalise import NormalisedText

PASSAGE = 2000
"""A passage ends at the first border this many characters behind its start, or with the text."""
FORCED_AFTER = 600
"""Characters after which a piece without the end of a sentence is cut between two words."""
HELD_BACK = 128
"""Characters that must follow a cut which is not the end of a sentence or a line."""
GAP = r"(?:[./_·-]|(?<![._]) ){0,3}"
"""What people put between the groups of one number, for numbers with a check digit.

Behind a full stop and a space a new sentence begins, and a border lies there.
"""

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
# No number has more characters than this between two digits, once normalised; in the text as it is
# written, there may be invisible characters too.
NUMBER_GAP = 3
NEAR = 200
ADDRESS_BEFORE = re.compile(r"@[^\s@]*\Z")
ADDRESS_AFTER = re.compile(rf"{CJK}{{1,4}}[^\s@]{{0,64}}@")
LETTER_OR_DIGIT = re.compile(r"[^\W_]")
# A single character, as in a word that is spelled out; or one of many short groups.
ALONE = r"(?:(?<!\S)\S|(?<![A-Za-z0-9])[A-Za-z0-9\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af])"
GROUP = rf"(?:(?<![A-Za-z0-9])[A-Z0-9]{{1,6}}|{ALONE})"
ALONE_BEFORE, GROUP_BEFORE = (re.compile(rf"{one}\s+\Z") for one in (ALONE, GROUP))
ALONE_AFTER, GROUP_AFTER = (re.compile(rf"\s*{one}(?![A-Za-z0-9])") for one in (ALONE, GROUP))
GROUP_CHARS = 6
# In small letters, the groups of an IBAN look like words.
IBAN_BEFORE = re.compile(
    rf"(?<![A-Za-z0-9])[A-Za-z]{{2}}[0-9]{{2}}(?:{GAP}[A-Za-z0-9]){{0,30}}[^A-Za-z0-9]{{1,3}}\Z"
)
LAST_LETTER_OR_DIGIT = re.compile(r"([^\W_])([\W_]*)\Z")
REACH = 1000
"""The longest label or tag that a rule finds with spaces in it is shorter than this."""
FENCE = re.compile(r" {0,3}```")
BACKTICKS = re.compile(r"`+")
# A rule reads this together with what follows white space.
GOES_ON = re.compile(r"(?:\+|\]:|[0-9] ?(?:x|ext))\Z")


@dataclass(frozen=True, slots=True)
class Passage:
    """A part of a text that the classifier reads as one, and the ends of its pieces.

    All places are counted from the start of the text. A piece ends at a border, or with the text.
    """

    start: int
    ends: tuple[int, ...]

    def __post_init__(self) -> None:
        assert self.start < self.ends[0]

    @property
    def span(self) -> tuple[int, int]:
        return self.start, self.ends[-1]

    @property
    def lengths(self) -> list[int]:
        """The ends, counted from the start of the passage."""
        return [end - self.start for end in self.ends]


def passages(ends: Iterable[int]) -> Iterator[Passage]:
    """Yield the passages of the pieces that end here."""
    start, pieces = 0, []
    for end in ends:
        pieces.append(end)
        if end - start >= PASSAGE:
            yield Passage(start, tuple(pieces))
            start, pieces = end, []
    if pieces:
        yield Passage(start, tuple(pieces))


@dataclass(slots=True)
class OpenLine:
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
        """Whether a cut here would be inside code, a label, a tag or a link. No fence counts."""
        tail = self.tail
        return (
            self.in_code
            or self.in_target
            or tail.rfind("[") > tail.rfind("]")
            or (tail.rfind("<") > tail.rfind(">") and not _is_less_than(tail))
            or GOES_ON.search(tail.rstrip()[-8:]) is not None
        )

    def read(self, more: str) -> None:
        """Take the next bit of the normalised text."""
        first, *others = more.split("\n")
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
            # The rule for links pairs them so: a backtick before another one opens nothing.
            self.in_code = not self.in_code or len(run) > 1
        word = "" if line[-1:].isspace() else (line.split() or [""])[-1]
        goes_on = len(word) == len(line) >= REACH
        self.in_target = _is_target(word) or (goes_on and self.in_target)
        self.tail = line[-REACH:]


@dataclass(slots=True)
class Segmenter:
    """Finds the borders of one growing text. `last` is the latest, 0 before the first."""

    last: int = 0
    decided: int = 0  # no border lies between `last` and here, however the text goes on
    line: OpenLine = field(default_factory=OpenLine)  # the text up to `read`
    read: int = 0  # the last candidate that was looked at
    key: str = ""  # from the header on, a private key that may go on at `read`

    def __post_init__(self) -> None:
        assert 0 <= self.last <= self.decided

    def next(self, text: "NormalisedText") -> int | None:
        """Return the first border after `last`, or None while the text does not decide it yet."""
        for match in CANDIDATE.finditer(text.original, self.decided):
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
        self.decided = max(self.decided, len(text.original) - PARTIAL)
        return None

    def _is_border(self, text: "NormalisedText", match: re.Match[str]) -> bool | None:
        border, length = match.end(), len(text.original)
        if border == length:
            return None
        if match["between"] is not None:
            if border < self.last + FORCED_AFTER:
                return False
            if length < border + HELD_BACK:
                return None
        if self._is_inside(text, border) or (not match[0] and _parts_an_address(text, border)):
            return False
        # A number is judged with the word behind it.
        if match["between"] is not None and _last_before(text, border)[0].isdigit():
            return False
        is_parted = _parts_a_number(text, border)
        if is_parted is False and "\n" not in match[0]:
            is_parted = _parts_groups(text, border, is_end=match["between"] is None)
        return None if is_parted is None else not is_parted

    def _is_inside(self, text: "NormalisedText", border: int) -> bool:
        """Say whether a border would cut code, a link, Slack markup or a private key."""
        more = text.folded(self.read, border)
        self.line.read(more)
        self.read = border
        begins = more.rfind("-----BEGIN")
        self.key = more[begins:] if begins >= 0 else self.key and self.key + more
        if not OPEN_PRIVATE_KEY.match(self.key):
            self.key = ""
        in_fence = self.line.in_fence and border < self.last + FORCED_AFTER
        return in_fence or self.line.is_open or self.key != ""


def _before(text: "NormalisedText", border: int) -> str:
    return text.folded(max(0, border - NEAR), border)


def _behind(text: "NormalisedText", border: int, length: int = NEAR) -> str:
    return text.folded(border, border + length)


def _parts_an_address(text: "NormalisedText", border: int) -> bool:
    """Say whether a place between two Chinese characters may be in an e-mail address."""
    is_behind_at = ADDRESS_BEFORE.search(_before(text, border))
    return bool(is_behind_at or ADDRESS_AFTER.match(_behind(text, border, HELD_BACK)))


def _parts_a_number(text: "NormalisedText", border: int) -> bool | None:
    """Say whether one number may go on behind a border; None while the text does not decide it."""
    before, gap = _last_before(text, border)
    if not before.isdigit():
        return False
    behind = _behind(text, border)
    after = LETTER_OR_DIGIT.search(behind)
    if after is not None:
        return after[0].isdigit() and gap + after.start() <= NUMBER_GAP
    if gap + len(behind) > NUMBER_GAP or len(text.original) >= border + NEAR:
        return False
    return None


def _parts_groups(text: "NormalisedText", border: int, *, is_end: bool) -> bool | None:
    """Say whether groups of one number, or letters of a spelled-out word, are on both sides.

    None while the text does not decide it. The end of a sentence parts letters only.
    """
    before, after = (ALONE_BEFORE, ALONE_AFTER) if is_end else (GROUP_BEFORE, GROUP_AFTER)
    near = _before(text, border)
    if not is_end and IBAN_BEFORE.search(near):
        return True
    if not before.search(near):
        return False
    behind = _behind(text, border)
    if len(behind.lstrip()) <= GROUP_CHARS and len(text.original) < border + NEAR:
        return None
    return after.match(behind) is not None


def _last_before(text: "NormalisedText", border: int) -> tuple[str, int]:
    """Return the last letter or digit before a border, and how many characters follow it."""
    before = _before(text, border)
    last = LAST_LETTER_OR_DIGIT.search(before)
    return (last[1], len(last[2])) if last else ("", len(before))


def _is_target(word: str) -> bool:
    """Say whether a word holds a URL, or the target of a link, which may hold links in brackets."""
    unclosed = 0
    for target in reversed(word.split("](")[1:]):
        unclosed += 1 + target.count("(") - target.count(")")
        if unclosed > 0:
            return True
    return "://" in word


def _is_less_than(tail: str) -> bool:
    return tail[tail.rfind("<") + 1 :][:1].isspace()
