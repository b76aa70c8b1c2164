"""What each step computes: pure bookkeeping, no model."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from inference.kv_cache import PagePool
from inference.scheduler import Scheduler, StepPlan
from inference.sequence import SamplingParams, Sequence

END = 0


def sequence(name: str, prompt: int, max_tokens: int) -> Sequence:
    return Sequence(name, list(range(1, prompt + 1)), prompt, SamplingParams(max_tokens=max_tokens))


def scheduler(pages: int = 64, running: int = 4, budget: int = 32) -> Scheduler:
    return Scheduler(PagePool(pages, 16), frozenset({END}), running, budget)


def step(scheduler: Scheduler, token: int = 7) -> StepPlan:
    plan = scheduler.schedule()
    scheduler.commit([token] * len(scheduler.to_sample))
    return plan


def test_a_new_sequence_joins_between_steps_while_others_decode() -> None:
    s = scheduler()
    s.add(sequence("a", 10, 50))
    step(s)
    s.add(sequence("b", 10, 50))
    plan = step(s)
    assert [(c.start, len(c.tokens)) for c in plan.chunks] == [(10, 1), (0, 10)]


def test_a_long_prompt_is_computed_in_pieces_and_does_not_stop_the_others() -> None:
    s = scheduler(budget=32)
    s.add(sequence("short", 4, 50))
    step(s)
    s.add(sequence("long", 100, 50))
    plans = [step(s) for _ in range(4)]
    assert [len(p.chunks[0].tokens) for p in plans] == [1, 1, 1, 1]
    assert [p.chunks[1].samples for p in plans] == [False, False, False, True]
    assert sum(len(p.chunks[1].tokens) for p in plans) == 100


def test_a_cancelled_sequence_is_out_of_the_next_step_and_its_pages_are_free() -> None:
    s = scheduler()
    s.add(sequence("a", 10, 50))
    s.add(sequence("b", 10, 50))
    step(s)
    s.cancel("a")
    assert len(step(s).chunks) == 1
    s.cancel("b")
    s.cancel("never heard of")
    assert s.schedule() == StepPlan([])
    assert sorted(s.pool.free) == list(range(64))


def test_who_does_not_fit_waits_and_comes_in_when_pages_are_free() -> None:
    s = scheduler(pages=4)
    s.add(sequence("a", 10, 38))
    s.add(sequence("b", 10, 38))
    assert len(step(s).chunks) == 1
    s.cancel("a")
    assert step(s).chunks[0].start == 0


def test_the_end_token_and_the_limit_end_a_sequence() -> None:
    s = scheduler()
    s.add(sequence("a", 3, 2))
    s.add(sequence("b", 3, 9))
    s.schedule()
    s.commit([5, END])
    assert [q.id for q in s.running] == ["a"]
    s.schedule()
    assert [e.finish for e in s.commit([5])] == ["length"]
    assert not s.has_work


def test_a_plan_survives_its_journey() -> None:
    s = scheduler()
    s.add(sequence("a", 10, 50))
    plan = s.schedule()
    assert StepPlan.from_bytes(plan.to_bytes()) == plan


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(1, 80), st.integers(1, 20), st.integers(0, 30)),
        min_size=1,
        max_size=9,
    )
)
def test_no_page_is_ever_in_two_hands_and_every_sequence_gets_its_tokens(
    sizes: list[tuple[int, int, int]],
) -> None:
    s = scheduler(pages=16)
    got: dict[str, int] = {}
    now = 0
    while s.has_work or now <= 30:
        for i, (prompt, max_tokens, arrives) in enumerate(sizes):
            if arrives == now:
                s.add(sequence(str(i), prompt, max_tokens))
        plan = s.schedule()
        assert sum(len(c.tokens) for c in plan.chunks) <= s.max_step_tokens
        held = [page for q in s.running for page in q.block_table]
        assert sorted(held + s.pool.free) == list(range(16))
        for sampled in s.commit([7] * len(s.to_sample)):
            got[sampled.id] = got.get(sampled.id, 0) + 1
            assert bool(sampled.finish) == (got[sampled.id] == sizes[int(sampled.id)][1])
        now += 1
    assert got == {str(i): max_tokens for i, (_, max_tokens, _) in enumerate(sizes)}
