"""What the supervisor and the ranks say to each other: JSON messages with a length before each.

Every rank has one end of a socket pair; it closes when either side dies. No torch here.
"""

import asyncio
import json
import select
import socket
import struct
import time
from dataclasses import dataclass, field
from typing import Any

from inference.engine.scheduler import SchedulerStats
from inference.engine.sequence import FinishReason, SamplingParams, Sequence, tokens_of

Logprobs = list[list[tuple[int, float]]]
"""For each token itself and its alternatives, with their log-probabilities."""

LENGTH = struct.Struct("<I")
WAIT_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class RankArgs:
    """The command line of a rank. Without a page_count the ranks find out how many pages they have
    memory for; what else is None is chosen by the device.
    """

    rank: int
    tp: int
    parent: int
    fd: int
    store: str
    model: str
    adapters: dict[str, str]
    device: str
    dtype: str
    weights: str
    deterministic: bool | None
    speculate: bool
    end_ids: list[int]
    page_size: int
    page_count: int | None
    kv_fraction: float | None
    max_running: int | None
    max_step_tokens: int | None
    loading_seconds: float
    hang_seconds: float


@dataclass(frozen=True, slots=True)
class Add:
    """Begin a sample, or continue it after the tokens in `emitted` and the first `scored` of the
    prompt's scores.
    """

    id: str
    prompt: list[int]
    emitted: list[int]
    scored: int
    params: dict[str, Any]

    def sequence(self) -> Sequence:
        tokens, params = tokens_of(self.prompt + self.emitted), SamplingParams(**self.params)
        return Sequence(self.id, tokens, len(self.prompt), params, scored=self.scored)


@dataclass(frozen=True, slots=True)
class Cancel:
    """End a sample before the next step."""

    id: str


@dataclass(frozen=True, slots=True)
class Loading:
    """How many layers of its weights a rank has read."""

    done: int
    of: int


@dataclass(frozen=True, slots=True)
class Ready:
    """All ranks have loaded the model. max_running: samples that they compute at once."""

    device: str
    numbers: str
    threads: int
    page_count: int
    max_running: int


@dataclass(frozen=True, slots=True)
class Said:
    """Something about this rank that an operator may want to know, with facts."""

    event: str
    facts: dict[str, str]


@dataclass(frozen=True, slots=True)
class Failed:
    """The model cannot be served; another try would not help."""

    sentence: str


@dataclass(frozen=True, slots=True)
class SampleOutput:
    """What one or more steps bring for a sample: tokens, and why it ends after them if it does.

    cached: with its first tokens, how many tokens of the prompt were in the cache.
    """

    id: str
    tokens: list[int]
    finish: FinishReason | None = None
    cached: int | None = None
    logprobs: Logprobs | None = None
    prompt_logprobs: Logprobs | None = None

    def then(self, later: "SampleOutput") -> "SampleOutput":
        """Return this output and a later one of the same sample as one."""
        assert self.id == later.id
        assert self.finish is None
        return SampleOutput(
            self.id,
            self.tokens + later.tokens,
            later.finish,
            self.cached if later.cached is None else later.cached,
            _both(self.logprobs, later.logprobs),
            _both(self.prompt_logprobs, later.prompt_logprobs),
        )


def _both(first: Logprobs | None, second: Logprobs | None) -> Logprobs | None:
    return None if first is None and second is None else (first or []) + (second or [])


@dataclass(frozen=True, slots=True)
class Outputs:
    """What steps have brought, one item a sample. Without items if the steps have only prefilled,
    and once in every idle second.
    """

    items: list[SampleOutput] = field(default_factory=list)
    stats: SchedulerStats = field(default_factory=SchedulerStats)


RankMessage = Add | Cancel | Loading | Said | Ready | Failed | Outputs
KINDS = {kind.__name__: kind for kind in (Add, Cancel, Loading, Said, Ready, Failed)}


def encode(message: RankMessage) -> bytes:
    # Not by asdict, which copies every list, in every step.
    data = json.dumps([type(message).__name__, message], default=_values).encode()
    return LENGTH.pack(len(data)) + data


def _values(item: Any) -> list[Any]:
    return [getattr(item, name) for name in item.__slots__]


def decode(body: bytes) -> RankMessage:
    kind, values = json.loads(body)
    if kind == Outputs.__name__:
        items, stats = values
        return Outputs([SampleOutput(*item) for item in items], SchedulerStats(*stats))
    message: RankMessage = KINDS[kind](*values)
    return message


async def read_message(reader: asyncio.StreamReader) -> RankMessage:
    """Return the next message. Raises asyncio.IncompleteReadError if the other side is gone."""
    (length,) = LENGTH.unpack(await reader.readexactly(LENGTH.size))
    return decode(await reader.readexactly(length))


class MessageSocket:
    """The end of a rank. It blocks, for a rank has nothing else to do."""

    def __init__(self, fd: int) -> None:
        self.socket = socket.socket(fileno=fd)
        self.socket.setblocking(True)

    def send(self, message: RankMessage) -> None:
        """Send a message. Raises OSError if the supervisor is gone."""
        self.socket.sendall(encode(message))

    def receive(self, timeout: float) -> RankMessage | None:
        """Return the next message, or None after `timeout` seconds. Raises EOFError if the
        supervisor is gone.
        """
        if not select.select([self.socket], [], [], timeout)[0]:
            return None
        (length,) = LENGTH.unpack(self._read(LENGTH.size))
        return decode(self._read(length))

    def _read(self, size: int) -> bytes:
        data = self.socket.recv(size, socket.MSG_WAITALL)
        if len(data) < size:
            raise EOFError("the supervisor is gone")
        return data


@dataclass(slots=True)
class OutputBatcher:
    """Sends the beginning and the end of a sample at once, the rest some times a second.

    For each message the supervisor and its clients need a core, which they take from a rank in the
    middle of a step.
    """

    socket: MessageSocket
    waiting: dict[str, SampleOutput] = field(default_factory=dict)
    sent_at: float = 0.0

    def add(self, outputs: list[SampleOutput], stats: SchedulerStats) -> None:
        """Take the outputs of a step, and send all that wait if it is time.

        A step without outputs is sent too: the supervisor ends ranks that are silent.
        """
        for output in outputs:
            before = self.waiting.get(output.id)
            self.waiting[output.id] = before.then(output) if before else output
        urgent = not outputs or any(o.finish or o.cached is not None for o in outputs)
        if urgent or time.monotonic() - self.sent_at > WAIT_SECONDS:
            self.socket.send(Outputs(list(self.waiting.values()), stats))
            self.waiting, self.sent_at = {}, time.monotonic()
