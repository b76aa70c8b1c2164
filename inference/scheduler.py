"""What each step computes. Rank 0 has the scheduler; every rank executes its StepPlan.

Pure bookkeeping on integers: no torch, no sockets.
"""

from __future__ import annotations

import json
from collections import deque
from dataclasses import asdict, dataclass, field

from inference.kv_cache import PagePool
from inference.sequence import FinishReason, Sequence


@dataclass(frozen=True, slots=True)
class Chunk:
    """Tokens of one sequence to compute in a step: tokens[i] stands at position start + i."""

    tokens: list[int]
    start: int
    block_table: list[int]
    samples: bool

    def __post_init__(self) -> None:
        assert self.tokens


@dataclass(frozen=True, slots=True)
class StepPlan:
    """One step, complete in itself: a rank needs nothing else to execute it."""

    chunks: list[Chunk] = field(default_factory=list)

    def to_bytes(self) -> bytes:
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> StepPlan:
        return cls([Chunk(**chunk) for chunk in json.loads(data)["chunks"]])


@dataclass(frozen=True, slots=True)
class Sampled:
    """A token that a sequence has got, and why it ends there, if it does."""

    id: str
    token: int
    finish: FinishReason | None


class Scheduler:
    """Continuous batching: decode first, then prefill with what is left of the step's tokens."""

    def __init__(
        self, pool: PagePool, end_ids: frozenset[int], max_running: int, max_step_tokens: int
    ) -> None:
        assert max_step_tokens >= max_running > 0
        self.pool = pool
        self.end_ids = end_ids
        self.max_running = max_running
        self.max_step_tokens = max_step_tokens
        self.waiting: deque[Sequence] = deque()
        self.running: list[Sequence] = []
        self.planned: list[tuple[Sequence, Chunk]] = []

    @property
    def has_work(self) -> bool:
        return bool(self.waiting or self.running)

    def add(self, sequence: Sequence) -> None:
        assert sequence.max_len <= self.pool.capacity, "the server refuses what can never fit"
        self.waiting.append(sequence)

    def cancel(self, sequence_id: str) -> None:
        """Ends a sequence before the next step. Unknown ids are those that have just finished."""
        self.waiting = deque(seq for seq in self.waiting if seq.id != sequence_id)
        for sequence in [seq for seq in self.running if seq.id == sequence_id]:
            self._end(sequence)

    def schedule(self) -> StepPlan:
        """The next step; empty when there is nothing to do."""
        self._admit()
        decoding = [seq for seq in self.running if seq.uncomputed == 1]
        prefilling = [seq for seq in self.running if seq.uncomputed > 1]
        budget = self.max_step_tokens
        self.planned = []
        for sequence in decoding + prefilling:
            if budget:
                chunk = _next_chunk(sequence, budget)
                budget -= len(chunk.tokens)
                self.planned.append((sequence, chunk))
        return StepPlan([chunk for _, chunk in self.planned])

    @property
    def to_sample(self) -> list[Sequence]:
        """The sequences of the current plan that get a token, in the order of its chunks."""
        return [sequence for sequence, chunk in self.planned if chunk.samples]

    def commit(self, tokens: list[int]) -> list[Sampled]:
        """Takes in what the current plan computed: one token for each of `to_sample`."""
        sampling = self.to_sample
        for sequence, chunk in self.planned:
            sequence.computed += len(chunk.tokens)
        self.planned = []
        return [self._append(seq, token) for seq, token in zip(sampling, tokens, strict=True)]

    def _admit(self) -> None:
        # A sequence reserves room for its longest possible draft: one that runs is never stopped.
        while self.waiting and len(self.running) < self.max_running:
            if not self.pool.can_take(self.waiting[0].max_len):
                return
            sequence = self.waiting.popleft()
            sequence.block_table = self.pool.take(sequence.max_len)
            self.running.append(sequence)

    def _append(self, sequence: Sequence, token: int) -> Sampled:
        sequence.token_ids.append(token)
        finish = sequence.finish_reason(self.end_ids)
        if finish:
            self._end(sequence)
        return Sampled(sequence.id, token, finish)

    def _end(self, sequence: Sequence) -> None:
        self.running.remove(sequence)
        self.pool.give_back(sequence.block_table)


def _next_chunk(sequence: Sequence, budget: int) -> Chunk:
    count = min(sequence.uncomputed, budget)
    start = sequence.computed
    return Chunk(
        tokens=sequence.token_ids[start : start + count],
        start=start,
        block_table=list(sequence.block_table),
        samples=count == sequence.uncomputed,
    )
