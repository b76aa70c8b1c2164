"""The plan of one step: what rank 0 sends, and every rank executes. Pure data on integers."""

import json
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Chunk:
    """Tokens of one sequence to compute in a step: tokens[i] has the position start + i. Logits are
    wanted after the last `samples` of them. adapter: the one to compute with, "" for none.

    A token of -1 - i is the one that row i of the step before draws, and that nobody has read yet.
    """

    tokens: list[int]
    start: int
    block_table: list[int]
    samples: int
    adapter: str = ""

    def __post_init__(self) -> None:
        assert 0 <= self.samples <= len(self.tokens) > 0


@dataclass(frozen=True, slots=True)
class StepPlan:
    """One step, complete in itself: a rank needs nothing else to execute it.

    copies: pages to copy, (from, to), in order, before anything else. threads: that compute it.
    decode: a token is drawn after each row, and the rows are few: a static step can compute it.
    """

    chunks: list[Chunk] = field(default_factory=list)
    copies: list[tuple[int, int]] = field(default_factory=list)
    threads: int = 1
    decode: bool = False

    @property
    def rows(self) -> int:
        return sum(len(chunk.tokens) for chunk in self.chunks)

    def to_bytes(self) -> bytes:
        chunks = [(c.tokens, c.start, c.block_table, c.samples, c.adapter) for c in self.chunks]
        return json.dumps((chunks, self.copies, self.threads, self.decode)).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> "StepPlan":
        chunks, copies, threads, decode = json.loads(data)
        pairs = [(a, b) for a, b in copies]
        return cls([Chunk(*chunk) for chunk in chunks], pairs, threads, decode)
