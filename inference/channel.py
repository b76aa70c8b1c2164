"""What the supervisor and the ranks say to each other: JSON messages with a length before each.

Every rank has one end of a socket pair; it closes when either side dies. No torch here.
"""

from __future__ import annotations

import asyncio
import json
import select
import socket
import struct
from dataclasses import asdict, dataclass
from typing import Final

from inference.sequence import FinishReason, SamplingParams, Sequence

LENGTH: Final = struct.Struct("<I")


@dataclass(frozen=True, slots=True)
class RankArgs:
    """What the supervisor tells a rank at its start, on the command line."""

    rank: int
    tp: int
    parent: int
    fd: int
    store: str
    model: str
    device: str
    dtype: str
    end_ids: list[int]
    page_size: int
    page_count: int
    max_running: int
    max_step_tokens: int
    loading_seconds: float
    hang_seconds: float

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> RankArgs:
        return cls(**json.loads(text))


@dataclass(frozen=True, slots=True)
class Add:
    """Begin a sample, or take it up again after the tokens in `emitted`."""

    id: str
    prompt: list[int]
    emitted: list[int]
    params: dict[str, float]

    def sequence(self) -> Sequence:
        params = SamplingParams(**self.params)  # type: ignore[arg-type]
        return Sequence(self.id, self.prompt + self.emitted, len(self.prompt), params)


@dataclass(frozen=True, slots=True)
class Cancel:
    """End a sample before the next step."""

    id: str


@dataclass(frozen=True, slots=True)
class Loading:
    """How far a rank has come with its weights."""

    done: int
    of: int


@dataclass(frozen=True, slots=True)
class Ready:
    """The ranks are up."""

    device: str
    dtype: str
    threads: int


@dataclass(frozen=True, slots=True)
class Failed:
    """The model cannot be served; trying again would not help."""

    sentence: str


@dataclass(frozen=True, slots=True)
class Tokens:
    """What one step has brought: (sample, token, why it ends there). Empty when it has only
    prefilled, and once in every idle second."""

    items: list[tuple[str, int, FinishReason | None]]


Message = Add | Cancel | Loading | Ready | Failed | Tokens
KINDS: Final = {kind.__name__: kind for kind in (Add, Cancel, Loading, Ready, Failed, Tokens)}


def encode(message: Message) -> bytes:
    body = json.dumps({"kind": type(message).__name__, **asdict(message)}).encode()
    return LENGTH.pack(len(body)) + body


def decode(body: bytes) -> Message:
    fields = json.loads(body)
    message: Message = KINDS[fields.pop("kind")](**fields)
    return message


async def read_message(reader: asyncio.StreamReader) -> Message:
    """The next message. Raises asyncio.IncompleteReadError when the other side is gone."""
    (length,) = LENGTH.unpack(await reader.readexactly(LENGTH.size))
    return decode(await reader.readexactly(length))


class Channel:
    """A rank's end. Blocking, for a rank has nothing else to do."""

    def __init__(self, fd: int) -> None:
        self.socket = socket.socket(fileno=fd)
        self.socket.setblocking(True)

    def send(self, message: Message) -> None:
        """Raises OSError when the supervisor is gone."""
        self.socket.sendall(encode(message))

    def receive(self, timeout: float) -> Message | None:
        """The next message, or None after `timeout` seconds. Raises EOFError when the supervisor
        is gone."""
        if not select.select([self.socket], [], [], timeout)[0]:
            return None
        (length,) = LENGTH.unpack(self._exactly(LENGTH.size))
        return decode(self._exactly(length))

    def _exactly(self, size: int) -> bytes:
        data = self.socket.recv(size, socket.MSG_WAITALL)
        if len(data) < size:
            raise EOFError("the supervisor is gone")
        return data
