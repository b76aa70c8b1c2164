"""Checks that hold for a scheduler at any time, and a model that notices wrong pages."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import accumulate

from inference.engine.kv_cache import ROOT, PagePool
from inference.engine.scheduler import Scheduler
from inference.engine.sequence import Sequence
from inference.engine.step_plan import Chunk, StepPlan


def check(scheduler: Scheduler) -> None:
    """Check it between any two calls. Raises AssertionError at the first thing that is wrong."""
    running, waiting, pool = scheduler.running, scheduler.waiting, scheduler.pool
    check_pool(pool, [sequence.block_table for sequence in running])
    assert len(running) <= scheduler.max_running
    for sequence in waiting:
        assert (sequence.computed, sequence.block_table, sequence.proposed) == (0, [], [])
        assert (sequence.named, sequence.name) == (0, ROOT)
    for sequence in running:
        _check_table(pool, sequence)
    _check_shared(pool, running)
    _check_plan(scheduler)


def check_pool(pool: PagePool, tables: Iterable[list[int]]) -> None:
    """Check that each page is in one of its three places, and can be found by its content."""
    held = Counter(page for table in tables for page in table)
    assert sorted([*held, *pool.empty, *pool.unused]) == list(range(pool.page_count))
    known = {number for number, page in enumerate(pool.pages) if page.parent is not None}
    assert set(pool.unused) <= known
    assert not known.intersection(pool.empty)
    names = [pool.pages[number].name for number in known]
    assert len(set(names)) == len(names)
    assert all(ROOT < name <= pool.names for name in names)
    for number, page in enumerate(pool.pages):
        assert page.refs == held[number]
        if number in known:
            assert 0 < len(page.tokens) <= pool.page_size
            assert page.parent is not None
            assert pool.children[page.parent][page.tokens] == number
        else:
            assert (page.tokens, page.name) == ((), -1)
    assert all(pool.children.values())
    assert sum(map(len, pool.children.values())) == len(known)


def _check_table(pool: PagePool, sequence: Sequence) -> None:
    """Check that the known content of its pages is its own text, page by page."""
    table, size, text = sequence.block_table, pool.page_size, sequence.token_ids
    assert len(set(table)) == len(table) <= pool.pages_for(sequence.max_len)
    assert sequence.named == sequence.computed // size <= len(table)
    assert sequence.computed <= min(len(table) * size, len(text))
    root = pool.root(sequence.params.adapter)
    assert (sequence.name == root) == (sequence.named == 0)
    content = {page.name: page.tokens for page in pool.pages if page.parent is not None}
    before = tuple(text[max(0, sequence.named - 1) * size : sequence.named * size])
    assert content.get(sequence.name, before) == before
    for index, page in enumerate(pool.pages[number] for number in table):
        if page.parent is None:
            continue
        start, end = index * size, index * size + len(page.tokens)
        assert end <= sequence.computed
        assert page.tokens == tuple(text[start:end])
        assert (page.parent == root) == (index == 0)
        before = tuple(text[max(0, start - size) : start])
        assert content.get(page.parent, before) == before


def _check_shared(pool: PagePool, running: list[Sequence]) -> None:
    """Check that a page in two tables is full and done, and comes after the same text in both."""
    texts: dict[int, list[int]] = {}
    for sequence in running:
        for index, page in enumerate(sequence.block_table):
            end = (index + 1) * pool.page_size
            if pool.pages[page].refs > 1:
                assert end <= sequence.computed
                text = list(sequence.token_ids[:end])
                assert texts.setdefault(page, text) == text


def _check_plan(scheduler: Scheduler) -> None:
    """Check that it computes what comes next, and writes to no page that others read."""
    planned, pool = scheduler.planned, scheduler.pool
    alive = [(seq, chunk) for seq, chunk in planned if seq in scheduler.running]
    _check_ahead(scheduler)
    assert sum(len(chunk.tokens) for _, chunk in planned) <= scheduler.max_step_tokens
    assert len({sequence.id for sequence, _ in planned}) == len(planned)
    for sequence, chunk in alive:
        end = chunk.start + len(chunk.tokens)
        assert chunk.start == sequence.computed
        tokens = [*sequence.token_ids, *sequence.proposed][chunk.start : end]
        assert chunk.tokens == tokens or chunk.tokens[0] < 0
        assert end <= sequence.max_len
        assert chunk.block_table == sequence.block_table[: len(chunk.block_table)]
        for index in range(chunk.start // pool.page_size, pool.pages_for(end)):
            assert pool.pages[chunk.block_table[index]].refs == 1
    if planned and len(alive) == len(planned):
        targets = [pool.pages[target] for _, target in scheduler.copies]
        assert all(page.refs == 1 and page.parent is None for page in targets)


def _check_ahead(scheduler: Scheduler) -> None:
    """Check that a step that was planned ahead computes what comes after the unread tokens."""
    assert len(scheduler.steps) <= 2
    before = [sequence for sequence, _ in scheduler.planned]
    for sequence, chunk in scheduler.steps[1] if len(scheduler.steps) == 2 else ():
        assert chunk.tokens == [-1 - before.index(sequence)]
        if sequence not in scheduler.running:
            continue
        assert chunk.start == sequence.computed + 1 < sequence.max_len
        assert chunk.block_table == sequence.block_table
        last = chunk.block_table[chunk.start // scheduler.pool.page_size]
        assert scheduler.pool.pages[last].refs == 1


def states_of(tokens: Iterable[int], adapter: str = "") -> list[int]:
    """Return a number for each token that stands for it, all before it, and the adapter."""
    states = accumulate(tokens, lambda state, token: hash((state, token)), initial=hash(adapter))
    return list(states)[1:]


@dataclass(slots=True)
class Machine:
    """Executes plans as a rank does, on a cache where each slot keeps its token, the position and
    the state that the model had there. A plan that reads what is not there, or not what was
    computed for this very text, raises AssertionError.
    """

    page_size: int
    slots: dict[tuple[int, int], tuple[int, int, int]] = field(default_factory=dict)

    def execute(self, plan: StepPlan) -> list[list[tuple[int, int]]]:
        """Return for each chunk (token, state) of all positions from 0 to its end, by its pages."""
        for source, target in plan.copies:
            for offset in range(self.page_size):
                self.slots[target, offset] = self.slots.get((source, offset), (-1, -1, -1))
        for chunk in plan.chunks:
            self._write(chunk)
        return [self._attend(chunk) for chunk in plan.chunks]

    def _write(self, chunk: Chunk) -> None:
        for position, token in enumerate(chunk.tokens, chunk.start):
            before = self.slots.get(self._slot(chunk, position - 1)) if position else None
            state = hash((before[2] if before else hash(chunk.adapter), token))
            self.slots[self._slot(chunk, position)] = (token, position, state)

    def _attend(self, chunk: Chunk) -> list[tuple[int, int]]:
        end = chunk.start + len(chunk.tokens)
        seen = [self.slots[self._slot(chunk, position)] for position in range(end)]
        assert [position for _, position, _ in seen] == list(range(end))
        wanted = states_of((token for token, _, _ in seen), chunk.adapter)
        assert [state for _, _, state in seen] == wanted
        return [(token, state) for token, _, state in seen]

    def _slot(self, chunk: Chunk, position: int) -> tuple[int, int]:
        page, offset = divmod(position, self.page_size)
        return chunk.block_table[page], offset
