"""What each step computes. Rank 0 has the scheduler; every rank executes its StepPlan.

Pure bookkeeping on integers: no torch, no sockets.
"""

import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from inference.engine.kv_cache import ROOT, PagePool, PrefixMatch
from inference.engine.sequence import FinishReason, Sequence

GUESSES = (1, 3, 7)
# Below this no number of guesses has paid on any machine; it spares the sums.
LEAST_RATE = 0.1

Cost = Callable[[int], float]
"""What a step takes for so many rows; only ratios matter."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Tokens of one sequence to compute in a step: tokens[i] stands at position start + i. Logits
    are wanted after the last `samples` of them. adapter: whose words they are, "" for the model's
    own.
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
    """

    chunks: list[Chunk] = field(default_factory=list)
    copies: list[tuple[int, int]] = field(default_factory=list)
    threads: int = 1

    @property
    def rows(self) -> int:
        return sum(len(chunk.tokens) for chunk in self.chunks)

    def to_bytes(self) -> bytes:
        chunks = [(c.tokens, c.start, c.block_table, c.samples, c.adapter) for c in self.chunks]
        return json.dumps((chunks, self.copies, self.threads)).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> "StepPlan":
        chunks, copies, threads = json.loads(data)
        return cls([Chunk(*chunk) for chunk in chunks], [(a, b) for a, b in copies], threads)


@dataclass(frozen=True, slots=True)
class NewTokens:
    """What a step has brought for one sequence; no token if it only had its prompt scored."""

    sequence: Sequence
    tokens: list[int]
    finish: FinishReason | None


@dataclass(slots=True)
class Counters:
    """What has happened since the start."""

    preemptions: int = 0
    guessed: int = 0
    accepted: int = 0


@dataclass(slots=True)
class Scheduler:
    """Continuous batching: sequences join and leave between steps, in the order in which they came.

    Who came later never holds up who came earlier: when pages run out, the youngest gives its own
    back and is computed again (Kwon et al. 2023, recomputation). All that run are older than all
    that wait.
    """

    pool: PagePool
    end_ids: frozenset[int]
    max_running: int
    max_step_tokens: int
    cost: Cost = float
    speculate: bool = True
    waiting: deque[Sequence] = field(default_factory=deque)
    running: list[Sequence] = field(default_factory=list)
    planned: list[tuple[Sequence, Chunk]] = field(default_factory=list)
    copies: list[tuple[int, int]] = field(default_factory=list)
    counters: Counters = field(default_factory=Counters)

    def __post_init__(self) -> None:
        assert self.max_step_tokens >= self.max_running

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
        """The next step: a token for each sequence that decodes, and the rest of the budget for
        prompts. Empty when there is nothing to do.
        """
        self.planned, self.copies = [], []
        decoding = sum(seq.uncomputed == 1 for seq in self.running)
        budget = self.max_step_tokens - decoding
        for sequence in list(self.running):
            if sequence not in self.running:
                continue
            if sequence.uncomputed == 1:
                budget -= self._decode(sequence, budget)
            else:
                budget -= self._prefill(sequence, budget)
        while budget and self.waiting and len(self.running) < self.max_running:
            if not self._admit(self.waiting[0]):
                break
            self.running.append(self.waiting.popleft())
            planned = self._prefill(self.running[-1], budget)
            assert planned, "what was admitted has room"
            budget -= planned
        return StepPlan([chunk for _, chunk in self.planned], self.copies)

    def commit(self, drawn: list[list[int]]) -> list[NewTokens]:
        """Takes in what the current plan has brought: for each chunk the tokens that were drawn
        after its last rows, as many as it guessed and one; none if it is not the end of a text.

        Returns what has become of each sequence of the plan.
        """
        planned, self.planned = self.planned, []
        done = []
        for (sequence, chunk), tokens in zip(planned, drawn, strict=True):
            new = self._accept(sequence, tokens) if tokens else []
            sequence.computed = chunk.start + len(chunk.tokens) - len(sequence.proposed)
            sequence.computed += max(0, len(new) - 1)
            sequence.scored = max(sequence.scored, min(sequence.computed, sequence.prompt_len))
            done.append(self._take_in(sequence, new))
        return done

    def _decode(self, sequence: Sequence, budget: int) -> int:
        """Plans the next token; returns how many guesses go with it."""
        self._propose(sequence, budget)
        count = 1 + len(sequence.proposed)
        if not self._grow(sequence, len(sequence.token_ids) - 1 + count):
            return 0
        self._plan(sequence, [sequence.token_ids[-1], *sequence.proposed], samples=count)
        return count - 1

    def _prefill(self, sequence: Sequence, budget: int) -> int:
        """Plans as much as the budget allows; returns how much that is."""
        sequence.proposed = []
        count = min(sequence.uncomputed, budget)
        if not count or not self._grow(sequence, sequence.computed + count):
            return 0
        tokens = list(sequence.token_ids[sequence.computed : sequence.computed + count])
        samples = int(count == sequence.uncomputed)
        if sequence.scores_prompt:
            # After a preemption some of it has been scored before.
            samples = min(count, max(0, sequence.computed + count - sequence.scored))
        self._plan(sequence, tokens, samples)
        return count

    def _plan(self, sequence: Sequence, tokens: list[int], samples: int) -> None:
        table, adapter = list(sequence.block_table), sequence.params.adapter
        chunk = Chunk(tokens, sequence.computed, table, samples, adapter)
        self.planned.append((sequence, chunk))

    def _propose(self, sequence: Sequence, budget: int) -> None:
        """Guesses what comes next, if computing that is likely to be worth it."""
        sequence.proposed, lookup = [], sequence.lookup
        if not self.speculate:
            return
        lookup.follow(sequence.token_ids)
        if lookup.match is None or lookup.rate < LEAST_RATE:
            return
        size, pool = len(sequence.token_ids), self.pool
        pages = len(sequence.block_table) + pool.available - len(self.running)
        in_pages = pages * pool.page_size - size
        # Half of the budget at most: those who have not begun want some of it.
        room = min(budget // 2, in_pages, sequence.max_len - size - 1)
        # All that the step computes so far, the tokens of those who come after this one included.
        rows = self.max_step_tokens - budget
        count = min(worthwhile_guesses(lookup.rate, rows, self.cost), room)
        if count > 0:
            sequence.proposed = lookup.guess(sequence.token_ids, count)

    def _grow(self, sequence: Sequence, length: int) -> bool:
        """Pages for the first `length` tokens, from the youngest if need be; False if that was the
        sequence itself.
        """
        for _ in range(self.pool.pages_for(length) - len(sequence.block_table)):
            while not self.pool.available:
                youngest = self.running[-1]
                self._preempt(youngest)
                if youngest is sequence:
                    return False
            sequence.block_table.append(self.pool.take())
        return True

    def _preempt(self, sequence: Sequence) -> None:
        """Back to the queue, before all that came later. What it has computed stays in the cache
        for as long as nobody needs the room.
        """
        self.counters.preemptions += 1
        self._end(sequence)
        sequence.computed, sequence.proposed = 0, []
        self.waiting.appendleft(sequence)

    def _admit(self, sequence: Sequence) -> bool:
        """Gives it what the cache has of its tokens, if there is room for the others."""
        # The last token is computed in any case: what comes after it is wanted.
        limit = sequence.scored if sequence.scores_prompt else len(sequence.token_ids) - 1
        match = self.pool.match(sequence.token_ids[:limit], sequence.params.adapter)
        if self._is_being_computed(sequence, match.tokens(self.pool.page_size), limit):
            return False
        if not self._fits(sequence, match):
            if self.running:
                return False
            # Alone it fits, but perhaps not beside the page that it begins like.
            match = PrefixMatch(match.pages, match.name, None, 0)
        self._start(sequence, match)
        return True

    def _is_being_computed(self, sequence: Sequence, matched: int, limit: int) -> bool:
        """Whether somebody computes the next page of it just now: waiting is faster then."""
        end = matched + self.pool.page_size
        wanted = sequence.token_ids[:end]
        return end <= limit and any(
            other.computed < end
            and other.uncomputed > 1
            and other.token_ids[:end] == wanted
            and other.params.adapter == sequence.params.adapter
            for other in self.running
        )

    def _fits(self, sequence: Sequence, match: PrefixMatch) -> bool:
        """Whether it can be computed with a page to spare for each that runs."""
        held = match.pages if match.source is None else [*match.pages, match.source]
        free = self.pool.available - sum(page in self.pool.unused for page in held)
        needed = self.pool.pages_for(len(sequence.token_ids)) - len(match.pages)
        return needed + len(self.running) <= free

    def _start(self, sequence: Sequence, match: PrefixMatch) -> None:
        self.pool.hold(match.pages)
        sequence.block_table = list(match.pages)
        sequence.computed = match.tokens(self.pool.page_size)
        sequence.named, sequence.name = len(match.pages), match.name
        if match.source is not None:
            # Two texts part inside this page: the second writes to a copy of it.
            self.pool.hold([match.source])
            target = self.pool.take()
            self.copies.append((match.source, target))
            self.pool.release([match.source])
            sequence.block_table.append(target)
        if sequence.cached is None:
            sequence.cached = min(sequence.computed, sequence.prompt_len)

    def _accept(self, sequence: Sequence, drawn: list[int]) -> list[int]:
        """The tokens that were drawn after what turned out to be right."""
        new = drawn[:1]
        for guess, token in zip(sequence.proposed, drawn[1:], strict=True):
            if new[-1] != guess:
                break
            new.append(token)
        self.counters.guessed += len(sequence.proposed)
        self.counters.accepted += len(new) - 1
        return new

    def _take_in(self, sequence: Sequence, new: list[int]) -> NewTokens:
        if sequence.computed < sequence.prompt_len:
            self._remember(sequence)
            return NewTokens(sequence, [], None)
        taken: list[int] = []
        finish = sequence.finish_reason(self.end_ids)
        for token in new:
            if finish:
                break
            sequence.token_ids.append(token)
            taken.append(token)
            finish = sequence.finish_reason(self.end_ids)
        # What was computed behind the end of the text is not part of it.
        sequence.computed = min(sequence.computed, len(sequence.token_ids))
        self._remember(sequence)
        if sequence.emitted == len(taken):
            self._remember_rest(sequence)
        if finish:
            self._end(sequence)
        return NewTokens(sequence, taken, finish)

    def _remember(self, sequence: Sequence) -> None:
        """Lets others find the pages that have become full."""
        size = self.pool.page_size
        while (sequence.named + 1) * size <= sequence.computed:
            start = sequence.named * size
            page, tokens = sequence.block_table[sequence.named], sequence.token_ids
            content = tuple(tokens[start : start + size])
            sequence.name = self.pool.remember(page, sequence.name, content)
            sequence.named += 1

    def _remember_rest(self, sequence: Sequence) -> None:
        """Lets others find the last page, which is not full."""
        rest = tuple(sequence.token_ids[sequence.named * self.pool.page_size : sequence.computed])
        if rest:
            self.pool.remember(sequence.block_table[sequence.named], sequence.name, rest)

    def _end(self, sequence: Sequence) -> None:
        self.running.remove(sequence)
        self._remember_rest(sequence)
        self.pool.release(sequence.block_table)
        sequence.named, sequence.name = 0, ROOT


def worthwhile_guesses(rate: float, rows: int, cost: Cost) -> int:
    """How many guesses to compute beside `rows` rows, if each is right at `rate` and a token is
    worth what it costs now.
    """
    token = cost(rows) / rows
    best, most = 0, 0.0
    for count in GUESSES:
        expected = sum(rate**i for i in range(1, count + 1))
        gain = expected * token - (cost(rows + count) - cost(rows))
        if gain > most:
            best, most = count, gain
    return best
