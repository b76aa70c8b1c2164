"""The chain of the audit log's lines: each ends with an HMAC over itself and the line before it.

Without the key, nobody can change, add, move or take out a line between two others unseen. If lines
are taken off the end, the rest is whole: to see that, somebody must keep a head elsewhere.
"""

import hashlib
import hmac
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Self

from pydantic import SecretStr

from safety.errors import OperatorError

TAIL = 1 << 16
LINKED = re.compile(rb'\{.*, "line": ([0-9]{1,15}), "link": "([0-9a-f]{64})"\}\n', re.DOTALL)
HEAD = re.compile(r"([0-9]{1,15}):([0-9a-f]{64})")


class ChainError(OperatorError):
    """A head cannot be read, or a log has none."""


@dataclass(frozen=True, slots=True)
class ChainHead:
    """How many lines there are, and the link of the last."""

    line: int = 0
    link: str = ""

    def __post_init__(self) -> None:
        assert (self.line > 0) == (len(self.link) == 64)

    def __str__(self) -> str:
        return f"{self.line}:{self.link}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a head as `str` writes it. Raises ChainError."""
        match = HEAD.fullmatch(text.strip())
        if match is None or int(match[1]) == 0:
            raise ChainError(
                "Write the head as the log of the bot has it: a number, a colon, a link."
            )
        return cls(int(match[1]), match[2])


@dataclass(frozen=True, slots=True)
class LogEnd:
    """The end of a log: its last linked line, and bytes behind it that a crash left."""

    head: ChainHead = ChainHead()
    torn: bytes = b""


class HashChain:
    def __init__(self, key: SecretStr) -> None:
        # Not the key of the digests, because people choose the texts of those.
        secret = key.get_secret_value().encode()
        self._key = hmac.digest(secret, b"links of the audit log", hashlib.sha256)

    def append(self, entry: str, end: LogEnd) -> bytes:
        """Return the bytes to add to a log that ends so; `entry` is a JSON object on one line."""
        assert entry.startswith("{")
        assert "\n" not in entry
        numbered = f'{entry[:-1]}, "line": {end.head.line + 1}'.encode()
        apart = b"\n" if end.torn and not end.torn.endswith(b"\n") else b""
        link = self._link(end.head, end.torn + apart, numbered)
        return apart + numbered + f', "link": "{link}"}}\n'.encode()

    def troubles(self, lines: Iterable[bytes], kept: ChainHead | None = None) -> Iterator[str]:
        """Yield sentences about what is wrong; `kept` is an earlier head of this log."""
        end, place = LogEnd(), 0
        for place, line in enumerate(lines, 1):
            match = LINKED.fullmatch(line)
            if match is None:
                end = LogEnd(end.head, end.torn + line)
                continue
            yield from self._broken(end, match, place)
            end = LogEnd(ChainHead(int(match[1]) or 1, match[2].decode()))
            if kept and kept.line == end.head.line:
                if kept.link != end.head.link:
                    yield f"Line {place} is not the one whose head was kept: the log was rewritten."
                kept = None
        if end.torn:
            yield f"The log ends at line {place} with what is no whole line."
        if kept:
            yield f"The log has {end.head.line} lines and once had {kept.line}: its end is missing."

    def _broken(self, end: LogEnd, match: re.Match[bytes], place: int) -> Iterator[str]:
        if end.torn:
            yield f"Before line {place} stands no whole line: torn by a crash, or overwritten."
        if int(match[1]) != end.head.line + 1:
            yield f"Line {place} has number {int(match[1])} and should have {end.head.line + 1}."
        numbered = match[0][: match[0].rindex(b', "link": ')]
        if not hmac.compare_digest(self._link(end.head, end.torn, numbered), match[2].decode()):
            yield (
                f"Line {place} does not fit the one before it: it was changed, "
                "or something before it was changed, taken out, added or moved."
            )

    def _link(self, head: ChainHead, torn: bytes, numbered: bytes) -> str:
        before = f"{head} {len(torn)}\n".encode()
        return hmac.new(self._key, before + torn + numbered, hashlib.sha256).hexdigest()


def end_of(file: int) -> LogEnd:
    """Return the end of an open log. Raises OSError; ChainError if it has no linked lines there."""
    size = os.fstat(file).st_size
    tail = os.pread(file, TAIL, max(0, size - TAIL))
    torn: list[bytes] = []
    for line in reversed(BytesIO(tail).readlines()):
        if match := LINKED.fullmatch(line):
            return LogEnd(ChainHead(int(match[1]), match[2].decode()), b"".join(reversed(torn)))
        torn.append(line)
    if size > TAIL:
        raise ChainError("does not end in linked lines")
    return LogEnd(torn=tail)
