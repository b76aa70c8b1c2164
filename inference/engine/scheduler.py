"""What each step computes. Rank 0 has the scheduler; every rank executes its StepPlan.

Pure bookkeeping on integers: no torch, no sockets.
"""

from collections import deque
from collections.abc import Sequence as Seq
from dataclasses import dataclass, field

from inference.engine.kv_cache import ROOT, PagePool, PrefixMatch
from inference.engine.prompt_lookup import LEAST_RATE, StepCost, worthwhile_guesses
from inference.engine.sequence import FinishReason, Sequence
from inference.engine.step_plan import Chunk, StepPlan

Planned = Seq[tuple[Sequence, Chunk]]
"""What a step computes, and of which sequence."""


@dataclass(frozen=True, slots=True)
class NewTokens:
    """What a step has brought for one sequence; no token if it was only prefilled or scored."""

    sequence: Sequence
    tokens: list[int]
    finish: FinishReason | None


@dataclass(frozen=True, slots=True)
class SchedulerStats:
    """How busy the ranks are, and what they have counted since their start."""

    running: int = 0
    waiting: int = 0
    pages_held: int = 0
    preemptions: int = 0
    guessed: int = 0
    accepted: int = 0


@dataclass(slots=True)
class Scheduler:
    """Continuous batching: sequences join and leave between steps, in the order in which they came.

    A later sequence never delays an earlier one: when pages run out, the youngest gives its pages
    back and is computed again (Kwon et al. 2023, recomputation). All that run are older than all
    that wait.

    steps: planned and not yet committed, with the sequence of each chunk; a second one was planned
    ahead. decode_rows: how many rows a static step can have (0: there is none).
    """

    pool: PagePool
    end_ids: frozenset[int]
    max_running: int
    max_step_tokens: int
    cost: StepCost = float
    speculate: bool = True
    decode_rows: int = 0
    waiting: deque[Sequence] = field(default_factory=deque)
    running: list[Sequence] = field(default_factory=list)
    steps: deque[list[tuple[Sequence, Chunk]]] = field(default_factory=deque)
    copies: list[tuple[int, int]] = field(default_factory=list)
    preemptions: int = 0
    guessed: int = 0
    accepted: int = 0

    def __post_init__(self) -> None:
        assert self.max_step_tokens >= self.max_running

    @property
    def has_work(self) -> bool:
        return bool(self.waiting or self.running or self.steps)

    @property
    def planned(self) -> list[tuple[Sequence, Chunk]]:
        """The step that is to be committed next."""
        return self.steps[0] if self.steps else []

    @property
    def stats(self) -> SchedulerStats:
        return SchedulerStats(
            len(self.running),
            len(self.waiting),
            self.pool.page_count - self.pool.available,
            self.preemptions,
            self.guessed,
            self.accepted,
        )

    def add(self, sequence: Sequence) -> None:
        assert sequence.max_len <= self.pool.capacity, "the server refuses what can never fit"
        self.waiting.append(sequence)

    def cancel(self, sequence_id: str) -> None:
        """End a sequence before the next step. An unknown id is one that has just finished. Steps
        that are planned already compute it for nobody, before any later step can take its pages.
        """
        self.waiting = deque(seq for seq in self.waiting if seq.id != sequence_id)
        for sequence in [seq for seq in self.running if seq.id == sequence_id]:
            self._end(sequence)

    def schedule(self) -> StepPlan:
        """Return the plan of the next step: a token for each sequence that decodes, and the rest of
        the budget for prompts. It is empty if there is nothing to do.
        """
        assert not self.steps
        self.steps.append([])
        self.copies = []
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
        chunks = [chunk for _, chunk in self.planned]
        if not chunks:
            self.steps.clear()
        return StepPlan(chunks, self.copies, decode=self._is_decode())

    def schedule_ahead(self) -> StepPlan | None:
        """Return the plan of the step after the planned one, before its tokens are known: one more
        for each sequence that goes on. None if that depends on the tokens, or if somebody waits.
        """
        if len(self.steps) != 1 or not self._is_decode() or self._can_admit():
            return None
        going = [
            (row, sequence, chunk)
            for row, (sequence, chunk) in enumerate(self.planned)
            if sequence in self.running and chunk.start + 2 < sequence.max_len
        ]
        alone = all(len(chunk.tokens) == 1 for _, chunk in self.planned)
        known = {sequence.id for sequence, _ in self.planned}
        if not alone or not going or any(seq.id not in known for seq in self.running):
            return None
        if any(self._would_guess(sequence, len(going)) for _, sequence, _ in going):
            return None
        missing = [
            self.pool.pages_for(chunk.start + 2) - len(sequence.block_table)
            for _, sequence, chunk in going
        ]
        if sum(missing) > self.pool.available:
            return None
        ahead = []
        for (row, sequence, chunk), pages in zip(going, missing, strict=True):
            sequence.block_table += [self.pool.take() for _ in range(pages)]
            table = list(sequence.block_table)
            ahead.append((sequence, Chunk([-1 - row], chunk.start + 1, table, 1)))
        self.steps.append(ahead)
        self.copies = []
        return StepPlan([chunk for _, chunk in ahead], decode=True)

    def commit(self, drawn: list[list[int]]) -> list[NewTokens]:
        """Take in what the oldest plan has brought, and return it for each sequence of the plan.
        Sequences that have ended since get nothing.

        drawn: for each chunk the tokens that were drawn after its last rows, one more than it
        guessed; none if it is not the end of a text.
        """
        done = []
        for (sequence, chunk), tokens in zip(self.steps.popleft(), drawn, strict=True):
            if sequence not in self.running:
                done.append(NewTokens(sequence, [], None))
                continue
            new = self._accept(sequence, tokens) if tokens else []
            sequence.computed = chunk.start + len(chunk.tokens) - len(sequence.proposed)
            sequence.computed += max(0, len(new) - 1)
            sequence.scored = max(sequence.scored, min(sequence.computed, sequence.prompt_len))
            done.append(self._take_in(sequence, new))
        return done

    def _decode(self, sequence: Sequence, budget: int) -> int:
        """Plan the next token; return how many guesses go with it."""
        self._propose(sequence, budget)
        count = 1 + len(sequence.proposed)
        if not self._grow(sequence, len(sequence.token_ids) - 1 + count):
            return 0
        self._plan(sequence, [sequence.token_ids[-1], *sequence.proposed], samples=count)
        return count - 1

    def _prefill(self, sequence: Sequence, budget: int) -> int:
        """Plan as many tokens as the budget allows; return how many."""
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
        self.steps[-1].append((sequence, chunk))

    def _is_decode(self) -> bool:
        """Say whether a static step can compute the planned step, and draw its tokens."""
        rows = sum(len(chunk.tokens) for _, chunk in self.planned)
        return 0 < rows <= self.decode_rows and all(
            chunk.samples == len(chunk.tokens)
            and sequence.params.logprobs is None
            and not sequence.scores_prompt
            and not chunk.adapter
            # What a guess would add to the penalised tokens is not known on the device.
            and (len(chunk.tokens) == 1 or sequence.params.repetition_penalty == 1.0)
            for sequence, chunk in self.planned
        )

    def _can_admit(self) -> bool:
        return bool(self.waiting) and len(self.running) < self.max_running

    def _would_guess(self, sequence: Sequence, rows: int) -> bool:
        """Say whether guesses are worth their rows after tokens like those before: that needs the
        last one.
        """
        lookup = sequence.lookup
        lookup.follow(sequence.token_ids)
        hopeful = self.speculate and lookup.rate >= LEAST_RATE
        return hopeful and worthwhile_guesses(lookup.rate, rows, self.cost) > 0

    def _propose(self, sequence: Sequence, budget: int) -> None:
        """Guess what comes next, if it is likely to be worth the computation."""
        sequence.proposed, lookup = [], sequence.lookup
        if not self.speculate:
            return
        lookup.follow(sequence.token_ids)
        if lookup.match is None or lookup.rate < LEAST_RATE:
            return
        size, pool = len(sequence.token_ids), self.pool
        pages = len(sequence.block_table) + pool.available - len(self.running)
        in_pages = pages * pool.page_size - size
        # Half of the budget at most: sequences that have not begun need some of it.
        room = min(budget // 2, in_pages, sequence.max_len - size - 1)
        # All rows of the step so far, with the tokens of the sequences after this one.
        rows = self.max_step_tokens - budget
        count = min(worthwhile_guesses(lookup.rate, rows, self.cost), room)
        if count > 0:
            sequence.proposed = lookup.guess(sequence.token_ids, count)

    def _grow(self, sequence: Sequence, length: int) -> bool:
        """Get pages for the first `length` tokens, from the youngest sequence if need be. Returns
        False if that was this one.
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
        """Put it back at the head of the queue. What it has computed stays in the cache for as long
        as nobody needs the room.
        """
        self.preemptions += 1
        self._end(sequence)
        sequence.computed, sequence.proposed = 0, []
        self.waiting.appendleft(sequence)

    def _admit(self, sequence: Sequence) -> bool:
        """Start it with what the cache has of its tokens, if there is room for the others."""
        # The last token is always computed: what comes after it is wanted.
        limit = sequence.scored if sequence.scores_prompt else len(sequence.token_ids) - 1
        match = self.pool.match(sequence.token_ids[:limit], sequence.params.adapter)
        if self._is_being_computed(sequence, match.tokens(self.pool.page_size), limit):
            return False
        if not self._fits(sequence, match):
            if self.running:
                return False
            # Alone it fits, but perhaps not beside the page to be copied.
            match = PrefixMatch(match.pages, match.name, None, 0)
        self._start(sequence, match)
        return True

    def _is_being_computed(self, sequence: Sequence, matched: int, limit: int) -> bool:
        """Say whether another sequence is computing its next page: then it is faster to wait."""
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
        """Say whether it can be computed with a page to spare for each that runs."""
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
            # Two texts differ inside this page: the second writes to a copy of it.
            self.pool.hold([match.source])
            target = self.pool.take()
            self.copies.append((match.source, target))
            self.pool.release([match.source])
            sequence.block_table.append(target)
        if sequence.cached is None:
            sequence.cached = min(sequence.computed, sequence.prompt_len)

    def _accept(self, sequence: Sequence, drawn: list[int]) -> list[int]:
        """Return the tokens that were drawn after right guesses."""
        new = drawn[:1]
        for guess, token in zip(sequence.proposed, drawn[1:], strict=True):
            if new[-1] != guess:
                break
            new.append(token)
        self.guessed += len(sequence.proposed)
        self.accepted += len(new) - 1
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
        # Guesses after the end of the text are not part of it.
        sequence.computed = min(sequence.computed, len(sequence.token_ids))
        self._remember(sequence)
        if sequence.emitted == len(taken):
            self._remember_rest(sequence)
        if finish:
            self._end(sequence)
        return NewTokens(sequence, taken, finish)

    def _remember(self, sequence: Sequence) -> None:
        """Let others find the pages that have become full."""
        size = self.pool.page_size
        while (sequence.named + 1) * size <= sequence.computed:
            start = sequence.named * size
            page, tokens = sequence.block_table[sequence.named], sequence.token_ids
            content = tuple(tokens[start : start + size])
            sequence.name = self.pool.remember(page, sequence.name, content)
            sequence.named += 1

    def _remember_rest(self, sequence: Sequence) -> None:
        """Let others find the last page, which is not full."""
        rest = tuple(sequence.token_ids[sequence.named * self.pool.page_size : sequence.computed])
        if rest:
            self.pool.remember(sequence.block_table[sequence.named], sequence.name, rest)

    def _end(self, sequence: Sequence) -> None:
        self.running.remove(sequence)
        self._remember_rest(sequence)
        self.pool.release(sequence.block_table)
        sequence.named, sequence.name = 0, ROOT
