"""The samples that clients wait for, and which of them may have killed the ranks. No torch here."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field

from inference.engine.messages import Add, SampleOutput
from inference.engine.sequence import SamplingParams
from inference.errors import OperatorError
from inference.request_names import present_name

MAX_STRIKES = 2


class GenerationStopped(OperatorError):
    """The ranks could not go on with a sample."""


@dataclass(slots=True, eq=False)
class OpenSample:
    """The prompt of a sample, and what the ranks have sent for it. Times are monotonic.

    `request` is the name of the request that it belongs to.
    """

    id: str
    prompt: list[int]
    params: SamplingParams
    emitted: list[int] = field(default_factory=list)
    scored: int = 0
    strikes: int = 0
    asked_at: float = field(default_factory=time.monotonic)
    first_at: float | None = None
    request: str = field(default_factory=present_name)
    inbox: asyncio.Queue[SampleOutput | GenerationStopped] = field(default_factory=asyncio.Queue)

    def __post_init__(self) -> None:
        assert self.prompt

    def as_add(self) -> Add:
        return Add(self.id, self.prompt, self.emitted, self.scored, asdict(self.params))


class Quarantine:
    """After a death of the ranks: the open samples that have got no token since.

    They go back to the ranks one at a time, so that a sample that kills the ranks is told from
    those beside it.
    """

    def __init__(self, send: Callable[[OpenSample], None]) -> None:
        """Take `send`, which gives a sample to the ranks."""
        self._send = send
        # The first of them is with the ranks.
        self._samples: deque[OpenSample] = deque()

    def begin(self, samples: Iterable[OpenSample]) -> None:
        """Put these samples in, when the ranks are up."""
        self._samples = deque(samples)
        self._send_first()

    def add(self, sample: OpenSample) -> bool:
        """Let a new sample wait behind the others; False if there are none, and it may go on."""
        if self._samples:
            self._samples.append(sample)
            return True
        return False

    def release(self, sample: OpenSample) -> None:
        """Let out a sample that has got a token or is closed, and send the next."""
        if sample not in self._samples:
            return
        was_first = sample is self._samples[0]
        self._samples.remove(sample)
        if was_first:
            self._send_first()

    def end(self) -> OpenSample | None:
        """Count a strike against the sample that was with the ranks when they died.

        Returns it if it is to be given up.
        """
        samples, self._samples = self._samples, deque()
        if not samples:
            return None
        samples[0].strikes += 1
        return samples[0] if samples[0].strikes == MAX_STRIKES else None

    def _send_first(self) -> None:
        if self._samples:
            self._send(self._samples[0])
