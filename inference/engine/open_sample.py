"""A sample that a client waits for. No torch here."""

import asyncio
import time
from dataclasses import asdict, dataclass, field

from inference.engine.messages import Add, SampleOutput
from inference.engine.sequence import SamplingParams
from inference.errors import OperatorError


class GenerationStopped(OperatorError):
    """The ranks could not go on with a sample."""


@dataclass(slots=True, eq=False)
class OpenSample:
    """The prompt of a sample, and what the ranks have sent for it. Times are monotonic."""

    id: str
    prompt: list[int]
    params: SamplingParams
    emitted: list[int] = field(default_factory=list)
    scored: int = 0
    strikes: int = 0
    asked_at: float = field(default_factory=time.monotonic)
    first_at: float | None = None
    inbox: asyncio.Queue[SampleOutput | GenerationStopped] = field(default_factory=asyncio.Queue)

    def __post_init__(self) -> None:
        assert self.prompt

    def as_add(self) -> Add:
        return Add(self.id, self.prompt, self.emitted, self.scored, asdict(self.params))
