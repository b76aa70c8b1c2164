"""When the tokens of a text came, and the speeds that follow from it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class TimedStream:
    """One text as it came. steps: (seconds since the request, number of tokens) of each step."""

    prompt_len: int
    steps: list[tuple[float, int]]
    token_ids: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        assert self.steps

    @property
    def ttft(self) -> float:
        """Seconds to the first token."""
        return self.steps[0][0]

    @property
    def seconds(self) -> float:
        return self.steps[-1][0]

    @property
    def count(self) -> int:
        return sum(number for _, number in self.steps)

    @property
    def tpot(self) -> float | None:
        """Seconds for each token after the first step."""
        later = self.count - self.steps[0][1]
        return (self.seconds - self.ttft) / later if later else None

    def until(self, ends: frozenset[int]) -> "TimedStream":
        """Return the stream up to the first token that ends a text, but at least two steps."""
        taken = 0
        for number, (_, size) in enumerate(self.steps):
            taken += size
            if number and not ends.isdisjoint(self.token_ids[:taken]):
                steps, ids = self.steps[: number + 1], self.token_ids[:taken]
                return TimedStream(self.prompt_len, steps, ids)
        return self


TimedRun = list[TimedStream]
"""Texts that were requested at the same time."""


def rate_of(run: TimedRun) -> float:
    """Return tokens per second, with the time for the prompts."""
    return sum(stream.count for stream in run) / seconds_of(run)


def seconds_of(run: TimedRun) -> float:
    return max(stream.seconds for stream in run)


def decode_rate_of(run: TimedRun) -> float:
    """Return tokens per second after the prompts."""
    return sum(1 / stream.tpot for stream in run if stream.tpot)


def prefill_rate_of(run: TimedRun) -> float:
    """Return tokens of the prompts per second."""
    return sum(stream.prompt_len for stream in run) / max(stream.ttft for stream in run)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest of the values that is not below `share` of them."""
    return sorted(values)[math.ceil(share * len(values)) - 1]
