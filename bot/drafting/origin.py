"""Messages of a thread as a source: which are read, and what was kept of them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import accumulate
from typing import Any, Literal, Self

from bot.drafting.slack_port import Said
from safety import SafeText, joined, part

What = Literal["thread", "around", "files"]

BETWEEN = "\n\n"
CUT = "…"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a source is read: the thread of one message, `itself`, which is no part of it.

    `what`: the `thread`, without which nothing is to be drafted; what stands `around` a message
    that is a source already; or the `files` of the message alone. With `takes_files`, those of the
    message become sources, for the event that told of it told of none. Of the thread are read the
    messages later than `after` and earlier than `before`, where these are set.

    Once it is read, `messages` is their number and `kept` how many of them the source holds;
    `files` counts the files in them, which are not read, and `authors` wrote them.
    """

    what: What
    channel: str
    root_ts: str
    itself: str
    takes_files: bool = False
    after: str = ""
    before: str = ""
    messages: int = 0
    kept: int = 0
    files: int = 0
    authors: Sequence[str] = ()

    def __post_init__(self) -> None:
        assert 0 <= self.kept <= self.messages

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        return {**asdict(self), "authors": list(self.authors)}

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> Self:
        """Read what `to_dict` wrote."""
        return cls(**kept)


def text_of(said: Sequence[Said], limit: int) -> tuple[str, int, int]:
    """Return messages as one text of at most `limit` characters.

    Also return how many of them it holds, and how many characters of all were left out.

    The first says what the thread is about, and the last ones what came of it: where not all can
    be kept, those between are left out.
    """
    whole = list(map(_line, said))
    lines = [_cut(line, limit // 2) for line in whole]
    kept = _kept([len(line) for line in lines], limit)
    text = BETWEEN.join(lines[i] for i in kept)
    return text, len(kept), len(BETWEEN.join(whole)) - len(text)


def count(text: str) -> int:
    """Count the messages in the text of a thread."""
    return len(text.split(BETWEEN)) if text else 0


def shorter(text: SafeText, room: int) -> SafeText:
    """Leave out messages, or the end of the only one, until no more than `room` is used."""
    lengths = [len(line) for line in text.split(BETWEEN)]
    if len(lengths) == 1:
        return part(text, 0, room)
    *others, last = _kept(lengths, room)
    starts = list(accumulate(lengths, lambda at, length: at + length + len(BETWEEN), initial=0))
    lines = [part(text, starts[i], starts[i + 1]) for i in others]
    return joined(*lines, part(text, starts[last], starts[last] + lengths[last]))


def _kept(lengths: Sequence[int], room: int) -> list[int]:
    """Return which messages are kept: the first, and as many of the last as there is room for."""
    used, newest = lengths[0] if lengths else 0, len(lengths)
    while newest > 1 and used + len(BETWEEN) + lengths[newest - 1] <= room:
        newest -= 1
        used += len(BETWEEN) + lengths[newest]
    return [0, *range(newest, len(lengths))] if lengths else []


def _cut(line: str, most: int) -> str:
    return line if len(line) <= most else line[: most - len(CUT)] + CUT


def _line(said: Said) -> str:
    """Write a message as one passage: no empty line within it, for these stand between messages."""
    named = "".join(f" [{' '.join(name.split())}]" for name in said.files)
    words = "\n".join(filter(None, map(str.rstrip, said.text.splitlines()))) + named
    return f"{' '.join(said.name.split())}: {words.strip()}"
