"""What each step computes: pure bookkeeping, and a machine that plays the model."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from random import Random
from typing import TypedDict, Unpack

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference.engine.kv_cache import PagePool
from inference.engine.prompt_lookup import StepCost, worthwhile_guesses
from inference.engine.scheduler import Scheduler
from inference.engine.sequence import SamplingParams, Sequence, tokens_of
from inference.engine.step_plan import Chunk, StepPlan
from tests.inference.engine import Params
from tests.inference.integrity import Machine, check, states_of

END = 0
PAGE = 16

NextToken = Callable[[int, int, SamplingParams, int], int]
"""The next token, from the state of all tokens so far, the last of them, and how it is drawn."""


def babble(state: int, token: int, params: SamplingParams, number: int) -> int:
    """Return a repetition most of the time, and sometimes a token that nobody can guess."""
    if params.temperature:
        state = hash((state, params.seed, params.index, number))
    turns, way = state % 5 == 0, state // 5 % 9
    return way if turns else token % 6 + 1


def count(state: int, token: int, params: SamplingParams, number: int) -> int:
    return token + 1


def circle(state: int, token: int, params: SamplingParams, number: int) -> int:
    return token % 5 + 1


def alone(prompt: list[int], params: SamplingParams, model: NextToken) -> list[int]:
    """Return what the model writes without cache, company or guesses."""
    text = list(prompt)
    while len(text) < len(prompt) + params.max_tokens and (text == prompt or text[-1] != END):
        state = states_of(text, params.adapter)[-1]
        text.append(model(state, text[-1], params, len(text) - len(prompt)))
    return text[len(prompt) :]


@dataclass
class Simulation:
    """A scheduler and its machine. Each step is checked, and what it brings is kept by sequence:
    tokens, why they end, how many rows were computed, which tokens of the prompt were scored.
    """

    scheduler: Scheduler
    model: NextToken = babble
    sequences: dict[str, Sequence] = field(default_factory=dict)
    written: dict[str, list[int]] = field(default_factory=dict)
    finish: dict[str, str] = field(default_factory=dict)
    rows: Counter[str] = field(default_factory=Counter)
    scored: dict[str, list[int]] = field(default_factory=dict)
    flight: list[tuple[StepPlan, list[list[int]]]] = field(default_factory=list)
    ahead: int = 0

    def __post_init__(self) -> None:
        self.machine = Machine(self.scheduler.pool.page_size)

    def add(
        self,
        prompt: Iterable[int],
        written: Iterable[int] = (),
        id: str = "",
        **params: Unpack[Params],
    ) -> Sequence:
        prompt, written, id = list(prompt), list(written), id or str(len(self.sequences))
        sampling = SamplingParams(**Params(temperature=0.0) | params)
        sequence = Sequence(id, tokens_of(prompt + written), len(prompt), sampling)
        self.sequences[id], self.written[id], self.scored[id] = sequence, written, []
        self.scheduler.add(sequence)
        return sequence

    def cancel(self, id: str) -> None:
        s = self.scheduler
        s.cancel(id)
        check(s)
        assert id not in [sequence.id for sequence in [*s.running, *s.waiting]]

    def step(self) -> StepPlan:
        """Complete a step; if it can be, the one after it is computed before."""
        s = self.scheduler
        if not self.flight:
            self._launch(s.schedule())
            self._check_order()
            if s.has_work:
                assert s.planned[0][0] is s.running[0], "who came first goes on in each step"
        if (ahead := s.schedule_ahead()) is not None:
            self._launch(ahead)
            self.ahead += 1
        plan, drawn = self.flight.pop(0)
        for sampled in s.commit(drawn) if plan.chunks else []:
            self.written[sampled.sequence.id] += sampled.tokens
            if sampled.finish:
                assert self.finish.setdefault(sampled.sequence.id, sampled.finish)
        check(s)
        self._check_order()
        return plan

    def _launch(self, plan: StepPlan) -> None:
        """Let the machine compute a plan, with the tokens that nobody has read yet filled in."""
        check(self.scheduler)
        plan = StepPlan.from_bytes(plan.to_bytes())
        unread = [tokens[0] for tokens in self.flight[-1][1]] if self.flight else []
        chunks = [
            replace(
                chunk,
                tokens=[token if token >= 0 else unread[-1 - token] for token in chunk.tokens],
            )
            for chunk in plan.chunks
        ]
        planned = self.scheduler.steps[-1] if plan.chunks else []
        seen = self.machine.execute(replace(plan, chunks=chunks))
        drawn = [
            self._draw(sequence, chunk, rows, [unread[-1 - t] for t in chunk.tokens if t < 0])
            for (sequence, chunk), rows in zip(planned, seen, strict=True)
        ]
        self.flight.append((plan, drawn))

    def run(self) -> list[StepPlan]:
        """Run steps until all are done."""
        limit = sum(sequence.max_len for sequence in self.sequences.values())
        plans = []
        while self.scheduler.has_work:
            plans.append(self.step())
            assert len(plans) <= limit, "each step brings somebody on"
        return plans

    def expected(self, id: str) -> list[int]:
        sequence = self.sequences[id]
        prompt = list(sequence.token_ids[: sequence.prompt_len])
        return alone(prompt, sequence.params, self.model)

    def _draw(
        self, sequence: Sequence, chunk: Chunk, seen: list[tuple[int, int]], unread: list[int]
    ) -> list[int]:
        text = [*sequence.token_ids, *unread]
        end, whole = len(seen), [*text, *sequence.proposed]
        assert [token for token, _ in seen] == whole[:end], "the pages hold the text itself"
        self.rows[sequence.id] += len(chunk.tokens)
        if sequence.scores_prompt:
            told = range(end - chunk.samples, min(end, sequence.prompt_len - 1))
            self.scored[sequence.id] += told
        if chunk.start >= sequence.prompt_len:
            assert chunk.samples <= 1 + len(sequence.proposed), "no logits that nobody wants"
        if end < len(whole) or not sequence.params.max_tokens:
            return []
        rows = seen[len(text) - 1 :]
        assert len(rows) <= chunk.samples, "logits of all that is drawn from"
        emitted = len(text) - sequence.prompt_len
        numbers = range(emitted, emitted + len(rows))
        return [
            self.model(state, token, sequence.params, number)
            for number, (token, state) in zip(numbers, rows, strict=True)
        ]

    def _check_order(self) -> None:
        arrivals = {id: number for number, id in enumerate(self.sequences)}
        queue = [arrivals[q.id] for q in [*self.scheduler.running, *self.scheduler.waiting]]
        assert queue == sorted(queue), "who came first runs first"


class SchedulerOptions(TypedDict, total=False):
    """Arguments of `Scheduler`."""

    cost: StepCost
    speculate: bool
    decode_rows: int


def simulation(
    model: NextToken = count,
    pages: int = 64,
    running: int = 8,
    budget: int = 512,
    **options: Unpack[SchedulerOptions],
) -> Simulation:
    pool = PagePool(pages, PAGE)
    return Simulation(Scheduler(pool, frozenset({END}), running, budget, **options), model)


def flat(rows: int) -> float:
    """Return the same cost for any number of rows."""
    return 1.0


def test_a_new_sequence_joins_between_steps_while_others_decode() -> None:
    w = simulation()
    w.add(range(1, 11), max_tokens=50)
    w.step()
    w.add(range(101, 111), max_tokens=50)
    assert [(c.start, len(c.tokens), c.samples) for c in w.step().chunks] == [
        (10, 1, 1),
        (0, 10, 1),
    ]


def test_a_long_prompt_is_computed_in_pieces_and_never_stops_the_streams_of_others() -> None:
    w = simulation(budget=32)
    streams = [w.add([n], max_tokens=50) for n in (100, 200)]
    w.step()
    w.add(range(1, 101), max_tokens=50)
    plans = [w.step() for _ in range(4)]
    assert [len(c.tokens) for p in plans for c in p.chunks] == [1, 1, 30] * 3 + [1, 1, 10]
    assert [p.chunks[2].samples for p in plans] == [0, 0, 0, 1]
    assert [stream.emitted for stream in streams] == [5, 5]


def test_a_cancelled_sequence_is_out_of_the_next_step_and_its_pages_are_free() -> None:
    w = simulation()
    for name in ("a", "b", "c"):
        w.add(range(1, 100), id=name, max_tokens=50)
    w.step()
    w.cancel("a")
    w.step()
    assert [q.id for q in w.scheduler.running] == ["b", "c"]
    for name in ("b", "c", "never heard of"):
        w.cancel(name)
    assert w.step() == StepPlan()
    assert w.scheduler.pool.available == 64


def unread(plan: StepPlan) -> list[list[int]]:
    return [chunk.tokens for chunk in plan.chunks]


def test_while_all_decode_each_step_is_planned_before_the_tokens_of_the_last_are_known() -> None:
    w = simulation(decode_rows=8, speculate=False)
    for start in (100, 200):
        w.add([start], max_tokens=5)
    plans = w.run()
    assert [unread(plan) for plan in plans] == [[[100], [200]]] + [[[-1], [-2]]] * 4
    assert all(plan.decode for plan in plans)
    assert [w.written[name] for name in "01"] == [w.expected(name) for name in "01"]


def test_who_ends_while_the_next_step_is_computed_gets_nothing_from_it() -> None:
    w = simulation(lambda state, token, params, number: END if token == 103 else token + 1)
    w.scheduler.decode_rows = 8
    for start in (100, 200):
        w.add([start], max_tokens=8)
    plans = w.run()
    # The first ends with its fourth token, when a step for its fifth has begun.
    assert [unread(plan) for plan in plans[3:6]] == [[[-1], [-2]], [[-1], [-2]], [[-2]]]
    assert w.written["0"] == [101, 102, 103, END]
    assert w.finish == {"0": "stop", "1": "length"}


def test_who_is_cancelled_while_the_next_step_is_computed_leaves_its_pages_to_others() -> None:
    w = simulation(pages=4, decode_rows=8, speculate=False)
    w.add([100], id="a", max_tokens=40)
    w.add([200], id="b", max_tokens=10)
    w.step()
    w.cancel("a")
    w.add(range(300, 330), id="c", max_tokens=10)
    w.run()
    assert w.written["b"] == w.expected("b")
    assert w.written["c"] == w.expected("c")
    assert w.scheduler.pool.available == 4


def test_nothing_is_planned_ahead_of_somebody_who_waits_unless_no_place_is_free() -> None:
    w = simulation(running=2, decode_rows=8, speculate=False)
    for start in (100, 200):
        w.add([start], max_tokens=6)
    w.step()
    w.add([300], max_tokens=2)
    w.step()
    assert w.ahead == 2, "two run, and no more may"
    w.cancel("0")
    w.step()
    w.step()
    assert [q.id for q in w.scheduler.running] == ["1", "2"]


@pytest.mark.parametrize(
    "params",
    [Params(logprobs=0), Params(adapter="formal"), Params(max_tokens=2, prompt_logprobs=0)],
)
def test_what_needs_more_than_a_token_is_no_decode_step(params: Params) -> None:
    w = simulation(decode_rows=8, speculate=False)
    w.add([100, 101], **Params(max_tokens=2) | params)
    assert not w.step().decode


def test_who_does_not_fit_waits_and_comes_in_when_pages_are_free() -> None:
    w = simulation(pages=4)
    w.add(range(1, 41), id="a", max_tokens=20)
    w.add(range(101, 141), id="b", max_tokens=20)
    assert len(w.step().chunks) == 1
    w.cancel("a")
    assert w.step().chunks[0].tokens == list(range(101, 141))


@pytest.mark.parametrize(("tokens", "admitted"), [(16, True), (17, False)])
def test_who_comes_in_leaves_a_page_to_spare_for_each_that_runs(
    tokens: int, admitted: bool
) -> None:
    w = simulation(pages=4)
    w.add(range(1, 21), max_tokens=40)
    w.add(range(101, 101 + tokens), max_tokens=1)
    assert len(w.step().chunks) == 1 + admitted


def test_no_more_run_at_once_than_may() -> None:
    w = simulation(running=2)
    for start in (100, 200, 300):
        w.add([start], max_tokens=3)
    assert [len(plan.chunks) for plan in w.run()] == [2, 2, 2, 1, 1, 1]


def test_the_end_token_and_the_limit_end_a_sequence() -> None:
    w = simulation(model=lambda state, token, params, number: END if token == 7 else 7)
    w.add([3], id="cut", max_tokens=1)
    w.add([4], id="ends", max_tokens=9)
    w.run()
    assert w.finish == {"cut": "length", "ends": "stop"}
    assert w.written == {"cut": [7], "ends": [7, END]}


def test_an_end_token_in_the_prompt_ends_nothing() -> None:
    w = simulation()
    w.add([5, END], max_tokens=2)
    w.run()
    assert (w.written, w.finish) == ({"0": [1, 2]}, {"0": "length"})


def test_siblings_share_one_prefill() -> None:
    w = simulation()
    for index in range(5):
        w.add(range(1, 101), max_tokens=1, temperature=1.0, index=index)
    w.run()
    assert w.rows.total() == 100 + 5 - 1


def test_who_begins_like_one_that_is_being_computed_waits_and_computes_only_the_rest() -> None:
    w = simulation(budget=32)
    w.add(range(1, 101), id="first", max_tokens=1)
    w.add([*range(1, 101), *range(200, 220)], id="behind", max_tokens=1)
    for _ in range(3):
        w.step()
        assert [q.id for q in w.scheduler.waiting] == ["behind"]
    w.run()
    # The prompt's last page is not full: it is found when the first is done.
    assert w.rows["first"] == 100
    assert w.rows["behind"] <= 20 + PAGE


def test_a_refinement_pays_only_for_what_is_new() -> None:
    w = simulation()
    first = w.add(range(1, 42), max_tokens=30)
    w.run()
    second = w.add([*first.token_ids, *range(500, 510)], max_tokens=1)
    w.run()
    # The draft's last token was never computed.
    assert (w.rows[second.id], second.cached) == (10 + 1, 41 + 30 - 1)


def test_a_page_is_copied_where_two_texts_part_and_both_go_on_with_their_own() -> None:
    w = simulation()
    first = w.add(range(1, 24), max_tokens=20)
    w.step()
    second = w.add([*range(1, 21), 500, 501], max_tokens=20)
    plan = w.step()
    assert plan.copies == [(first.block_table[1], second.block_table[1])]
    assert first.block_table[0] == second.block_table[0]
    assert [(c.start, c.tokens) for c in plan.chunks[1:]] == [(20, [500, 501])]
    w.run()
    assert [w.written[q.id] for q in (first, second)] == [
        list(range(24, 44)),
        list(range(502, 522)),
    ]


def test_the_text_that_ended_first_is_the_first_to_be_forgotten() -> None:
    w = simulation(pages=6)
    for start in (100, 200, 300):
        w.add(range(start, start + 31), max_tokens=1)
        w.run()
    w.add(range(400, 431), max_tokens=1)
    w.run()
    kept = [w.scheduler.pool.match(tokens_of(range(n, n + 31))) for n in (100, 200, 300, 400)]
    assert [match.tokens(PAGE) for match in kept] == [0, 31, 31, 31]


def test_when_pages_run_out_the_youngest_gives_its_own_back_and_gets_the_same_tokens() -> None:
    w = simulation(model=babble, pages=8, speculate=False)
    for index in range(3):
        w.add([index + 1] * 20, id="abc"[index], max_tokens=40, seed=27, temperature=1.0)
    while not w.scheduler.preemptions:
        w.step()
    assert [q.id for q in w.scheduler.running] == ["a", "b"]
    assert w.sequences["c"].emitted
    w.run()
    assert w.written == {name: w.expected(name) for name in "abc"}


def test_what_is_left_of_a_preempted_text_is_found_again_and_not_told_as_cached() -> None:
    w = simulation(pages=8)
    w.add(range(1, 60), max_tokens=20)
    second = w.add(range(101, 148), max_tokens=30)
    w.run()
    assert w.scheduler.preemptions == 1
    assert 47 + 30 - 1 < w.rows[second.id] < 47 + 30 - 1 + 47
    assert second.cached == 0


@pytest.mark.parametrize("max_tokens", [0, 3])
def test_a_scored_prompt_computes_every_token_even_of_a_text_that_is_cached(
    max_tokens: int,
) -> None:
    w = simulation(budget=33)
    w.add(range(1, 101), max_tokens=1)
    w.run()
    scored = w.add(range(1, 101), max_tokens=max_tokens, prompt_logprobs=0)
    plans = w.run()
    assert sum(len(c.tokens) for p in plans for c in p.chunks if c.start < 100) == 100
    assert (scored.cached, w.finish[scored.id]) == (0, "length")
    assert w.scored[scored.id] == list(range(99))
    assert w.written[scored.id] == list(range(101, 101 + max_tokens))


def test_a_prompt_is_scored_once_even_if_its_pages_are_taken_and_it_is_computed_again() -> None:
    w = simulation(pages=4)
    w.add(range(1, 15), max_tokens=40)
    scored = w.add(range(101, 115), max_tokens=40, prompt_logprobs=0)
    w.run()
    assert w.scheduler.preemptions
    assert w.scored[scored.id] == list(range(13))


def test_a_text_that_repeats_itself_comes_many_tokens_a_step_and_is_the_same() -> None:
    w = simulation(model=circle, cost=flat)
    sequence = w.add([1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 1], max_tokens=40)
    plans = w.run()
    assert w.written[sequence.id] == w.expected(sequence.id)
    counters = w.scheduler
    assert 0 < counters.accepted == counters.guessed
    assert len(plans) == 40 - counters.accepted < 20
    assert w.rows[sequence.id] == 11 + 40 - 1


def test_nothing_is_guessed_of_a_text_that_does_not_repeat_itself() -> None:
    w = simulation(model=count, cost=flat)
    w.add(range(1, 41), max_tokens=40)
    assert len(w.run()) == 40
    assert w.scheduler.guessed == 0


@pytest.mark.parametrize("options", [{"cost": float}, {"cost": flat, "speculate": False}])
def test_nothing_is_guessed_where_it_does_not_pay_or_is_not_wanted(
    options: SchedulerOptions,
) -> None:
    w = simulation(model=circle, **options)
    w.add([1, 2, 3, 4, 5] * 3, max_tokens=40)
    assert len(w.run()) == 40
    assert w.scheduler.guessed == 0


def test_the_rate_of_hits_is_followed_though_nothing_is_computed_for_it() -> None:
    w = simulation(model=circle, cost=float)
    sequence = w.add([1], max_tokens=40)
    w.run()
    assert sequence.lookup.rate > 0.9


def test_a_wrong_guess_leaves_no_trace() -> None:
    w = simulation(
        model=lambda state, token, params, number: 9 if number % 12 == 11 else number % 4 + 1,
        cost=flat,
    )
    sequence = w.add([1, 2, 3, 4] * 5, max_tokens=40)
    w.run()
    assert w.scheduler.guessed > w.scheduler.accepted > 0
    assert w.written[sequence.id] == w.expected(sequence.id)


def test_what_was_guessed_behind_the_end_is_not_part_of_the_text() -> None:
    w = simulation(model=lambda state, token, params, number: (token + 1) % 5, cost=flat)
    sequence = w.add([1, 2, 3, 4, END] * 4 + [1], max_tokens=40)
    w.run()
    assert w.written[sequence.id] == [2, 3, 4, END] == list(sequence.token_ids[21:])
    assert w.finish[sequence.id] == "stop"
    assert w.scheduler.accepted > 3


def test_guesses_take_no_page_that_somebody_needs() -> None:
    w = simulation(model=circle, pages=3, cost=flat)
    w.add([1, 2, 3, 4, 5] * 3, max_tokens=20)
    w.add(range(101, 117), max_tokens=2)
    w.run()
    assert w.scheduler.preemptions == 0
    assert w.scheduler.accepted > 0


def test_guesses_leave_room_for_those_who_have_not_begun() -> None:
    w = simulation(model=lambda state, token, params, number: token % 8 + 1, running=2, budget=8)
    w.scheduler.cost = flat
    w.add([1, 2, 3, 4, 5, 6, 7, 8] * 3, max_tokens=400)
    for _ in range(6):
        w.step()
    late = w.add([90], max_tokens=3)
    w.step()
    assert late.emitted


def test_a_text_that_has_just_ended_is_found_though_others_had_its_beginning_before() -> None:
    w = simulation(pages=10)
    w.add(range(1, 50), max_tokens=1)
    w.run()
    again = w.add(range(1, 50), max_tokens=30, prompt_logprobs=0)
    w.step()
    w.add(range(500, 580), max_tokens=1)
    w.run()
    assert w.scheduler.pool.match(again.token_ids).tokens(PAGE) == 49 + 30 - 1


def test_guesses_are_worth_it_when_they_are_often_right_and_rows_are_free() -> None:
    def four_free(rows: int) -> float:
        return 1.0 + max(0, rows - 4)

    assert worthwhile_guesses(0.9, 1, float) == 0
    assert worthwhile_guesses(0.9, 1, flat) == 7
    assert worthwhile_guesses(0.9, 1, four_free) == 3
    assert worthwhile_guesses(0.9, 3, four_free) == 1
    assert worthwhile_guesses(0.9, 4, four_free) == 0
    assert worthwhile_guesses(0.2, 4, lambda rows: 10.0 + rows) == 0
    assert worthwhile_guesses(0.5, 1, lambda rows: 3.0 + rows / 4) == 3
    assert worthwhile_guesses(0.9, 4, lambda rows: 10.0 + rows) == 7


def test_a_plan_survives_its_journey() -> None:
    w = simulation()
    w.add(range(1, 24), max_tokens=9)
    w.step()
    w.add(range(1, 20), max_tokens=9)
    plan = w.scheduler.schedule()
    assert plan.copies
    assert StepPlan.from_bytes(plan.to_bytes()) == plan


_random = Random(7)
TEMPLATE = [_random.randrange(1, 9) for _ in range(60)]
TEMPLATES = (
    TEMPLATE,
    TEMPLATE[:21] + [_random.randrange(1, 9) for _ in range(40)],
    [1, 2, 3, 4, 5, 6] * 10,
)
COSTS = (flat, float, lambda rows: 4.0 + rows // 4)
KINDS = ("new", "new", "siblings", "siblings", "continue", "resume", "cancel")
EVENTS = st.lists(
    st.fixed_dictionaries(
        {
            "kind": st.sampled_from(KINDS),
            "pick": st.integers(0, 9),
            "cut": st.integers(1, 60),
            "tail": st.lists(st.integers(1, 8), max_size=5),
            "max_tokens": st.integers(0, 40),
            "scored": st.sampled_from([False, False, False, True]),
            "sampled": st.booleans(),
            "adapter": st.sampled_from(["", "", "formal", "terse"]),
            "steps": st.sampled_from([0, 0, 1, 2, 3, 8, 30]),
        }
    ),
    min_size=1,
    max_size=12,
)


@st.composite
def simulations(draw: st.DrawFn) -> Simulation:
    pool = PagePool(draw(st.integers(4, 40)), draw(st.sampled_from([1, 2, 4, 8])))
    running = draw(st.integers(1, 6))
    budget = running + draw(st.sampled_from([0, 1, 5, 20, 100]))
    cost, speculate = draw(st.sampled_from(COSTS)), draw(st.sampled_from([True, True, False]))
    rows = draw(st.sampled_from([0, 4, 64]))
    return Simulation(Scheduler(pool, frozenset({END}), running, budget, cost, speculate, rows))


class SchedulerEvent(TypedDict):
    """Something that happens to a scheduler; `KINDS` use what they need of it."""

    kind: str
    pick: int
    cut: int
    tail: list[int]
    max_tokens: int
    scored: bool
    sampled: bool
    adapter: str
    steps: int


def happen(w: Simulation, event: SchedulerEvent) -> set[str]:
    """Let an event happen; return the sequences that it cancels."""
    known, kind, pick = list(w.sequences.values()), event["kind"], event["pick"]
    other = known[-1 - pick % len(known)] if known else None
    if kind == "cancel" and other:
        w.cancel(other.id)
        return {other.id}
    prompt = TEMPLATES[pick % len(TEMPLATES)][: event["cut"]] + event["tail"]
    if kind in ("siblings", "continue") and other:
        end = other.prompt_len if kind == "siblings" else len(other.token_ids)
        prompt = list(other.token_ids[:end]) + (event["tail"] if kind == "continue" else [])
    capacity = w.scheduler.pool.capacity
    prompt = prompt[: capacity - 1]
    params = Params(
        max_tokens=min(event["max_tokens"], capacity - len(prompt)),
        temperature=float(event["sampled"]),
        seed=pick,
        adapter=event["adapter"],
    )
    if event["scored"] or not params["max_tokens"]:
        params["prompt_logprobs"] = 0
    if kind == "resume" and params["max_tokens"]:
        params.pop("prompt_logprobs", None)
        whole = alone(prompt, SamplingParams(**params), w.model)
        w.add(prompt, whole[: min(event["cut"], len(whole) - 1)], **params)
        return set()
    for index in range(1 + pick % 3 if kind == "siblings" else 1):
        w.add(prompt, **params | Params(index=index))
    return set()


@settings(max_examples=200)
@given(simulations(), EVENTS)
def test_everybody_gets_the_tokens_that_the_model_writes_alone(
    w: Simulation, events: list[SchedulerEvent]
) -> None:
    cancelled: set[str] = set()
    for event in events:
        cancelled |= happen(w, event)
        for _ in range(event["steps"]):
            w.step()
    w.run()
    assert w.scheduler.pool.available == w.scheduler.pool.page_count
    for id, sequence in w.sequences.items():
        written, expected = w.written[id], w.expected(id)
        if id in cancelled and id not in w.finish:
            assert written == expected[: len(written)]
            continue
        assert written == expected
        assert w.finish[id] == ("stop" if written[-1:] == [END] else "length")
        if sequence.params.prompt_logprobs is not None:
            assert set(w.scored[id]) == set(range(sequence.prompt_len - 1))
