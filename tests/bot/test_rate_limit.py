"""Budgets, under a clock that the test turns."""

import asyncio
import heapq
from collections.abc import Coroutine
from itertools import count, pairwise
from typing import Any

import pytest

from bot.drafting.slack_port import resuming
from bot.slack.client.rate_limit import (
    COUNT_SECONDS,
    TIER_4,
    TIERS,
    CallBudget,
    Clock,
    Priority,
    RateLimiter,
)
from bot.workspace.api.methods import METHODS

# Its budget is a channel's, or the page of the method names no figure.
WITHOUT_FIGURE = {
    "apps.connections.open",
    "assistant.threads.setStatus",
    "assistant.threads.setSuggestedPrompts",
    "assistant.threads.setTitle",
    "auth.test",
    "chat.postMessage",
}
NOT_CALLED = {
    "agents.sessions.rename",
    "conversations.list",
    "reactions.get",
    "users.conversations",
    "views.push",
}


def test_each_method_has_the_budget_that_slack_grants_it() -> None:
    granted = {name: method.limit.calls for name, method in METHODS.items() if method.limit}
    assert {
        name: calls for name, calls in granted.items() if name not in WITHOUT_FIGURE | NOT_CALLED
    } == TIERS


class StoppedClock(Clock):
    """Time stands still until everybody waits; then it goes on to the next who wakes."""

    def __init__(self) -> None:
        self.now = 0.0
        self._order = count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def time(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.now + seconds, next(self._order), future))
        await future

    async def run(self, *work: Coroutine[Any, Any, Any]) -> None:
        tasks = asyncio.gather(*work)
        while not tasks.done():
            for _ in range(20):
                await asyncio.sleep(0)
            if self._sleepers and not tasks.done():
                self.now, _, future = heapq.heappop(self._sleepers)
                if not future.done():
                    future.set_result(None)
        await tasks


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock()


@pytest.mark.parametrize("per_minute", [1, 3, *sorted(set(TIERS.values()))])
async def test_no_minute_holds_more_calls_than_slack_grants(
    clock: StoppedClock, per_minute: int
) -> None:
    budget, calls = CallBudget(per_minute, clock), []

    async def caller(priority: Priority, after: float) -> None:
        await clock.sleep(after)
        for _ in range(per_minute):
            await budget.acquire(priority)
            calls.append(clock.now)

    first, last = Priority.ANSWER, Priority.LATER
    lanes = [(first, 0), (Priority.GROWTH, 0), (last, 20), (Priority.END, 40), (first, 70)]
    await clock.run(*(caller(priority, after) for priority, after in lanes))
    assert len(calls) == 5 * per_minute
    assert all(
        late - early >= 59.99 for early, late in zip(calls, calls[per_minute:], strict=False)
    )


async def test_drafts_that_share_a_budget_take_their_turns_one_after_another(
    clock: StoppedClock,
) -> None:
    budget, turns = CallBudget(TIER_4, clock), []

    async def draft(name: int) -> None:
        for _ in range(40):
            await budget.acquire()
            turns.append(name)
            await clock.sleep(0.75)

    await clock.run(*(draft(name) for name in range(5)))
    assert [turns.count(name) for name in range(5)] == [40] * 5
    waited = turns[50:]
    assert all(len(set(five)) == 5 for five in zip(*(waited[i:] for i in range(5)), strict=False))


async def test_steps_lengthen_when_more_drafts_run(clock: StoppedClock) -> None:
    async def last_gap(drafts: int) -> float:
        budget, times = CallBudget(TIER_4, clock), []

        async def draft(name: int) -> None:
            for _ in range(40):
                await budget.acquire()
                times.extend([clock.now] if name == 0 else [])
                await clock.sleep(0.75)

        await clock.run(*(draft(name) for name in range(drafts)))
        return max(late - early for early, late in pairwise(times))

    assert await last_gap(1) == pytest.approx(0.75)
    assert await last_gap(10) > 5


async def test_as_many_drafts_as_a_minute_holds_end_at_once(clock: StoppedClock) -> None:
    budget, ended = CallBudget(TIERS["chat.update"], clock), []

    async def ending() -> None:
        await budget.acquire(Priority.END)
        ended.append(clock.now)

    await clock.run(*(ending() for _ in range(TIERS["chat.update"] + 1)))
    assert ended[:-1] == [0] * TIERS["chat.update"]
    assert 60 < ended[-1] < 62


async def test_drafts_that_grow_leave_room_for_the_end_of_each(clock: StoppedClock) -> None:
    limits, ended = RateLimiter(clock=clock), []

    async def growing(name: int) -> None:
        limits.reserve("chat.update", 1)
        if name < 5:
            await limits.acquire("chat.update", priority=Priority.GROWTH)
        await clock.sleep(90 - clock.now)
        limits.reserve("chat.update", -1)
        await limits.acquire("chat.update", priority=Priority.END)
        ended.append(clock.now)

    async def others() -> None:
        for _ in range(100):
            await limits.acquire("chat.update", priority=Priority.GROWTH)

    await clock.run(*(growing(name) for name in range(45)), others())
    assert ended == [90] * 45


async def test_what_was_kept_for_drafts_that_ended_is_soon_given_to_others(
    clock: StoppedClock,
) -> None:
    limits, turns = RateLimiter({"chat.update": 3}, clock), []

    async def growing() -> None:
        await limits.acquire("chat.update", priority=Priority.GROWTH)
        turns.append(clock.now)

    async def ending() -> None:
        limits.reserve("chat.update", 3)
        await clock.sleep(10)
        assert not limits.is_free("chat.update")
        limits.reserve("chat.update", -3)

    await clock.run(ending(), growing())
    (turn,) = turns
    assert 10 <= turn <= 11


async def test_the_end_of_a_draft_does_not_wait_behind_those_that_grow(clock: StoppedClock) -> None:
    budget, ended = CallBudget(TIER_4, clock), []

    async def growing() -> None:
        for _ in range(20):
            await budget.acquire()

    async def ending() -> None:
        await clock.sleep(10)
        await budget.acquire(Priority.END)
        ended.append(clock.now)

    await clock.run(*(growing() for _ in range(5)), ending())
    assert ended == [10]


async def test_after_retry_after_nobody_calls_the_method_and_others_go_on(
    clock: StoppedClock,
) -> None:
    limits, calls = RateLimiter(clock=clock), []

    async def caller(method: str, priority: Priority) -> None:
        await limits.acquire(method, priority=priority)
        calls.append((method, clock.now))

    limits.back_off("chat.update", 30)
    await clock.run(
        caller("chat.update", Priority.END),
        caller("chat.update", Priority.GROWTH),
        caller("chat.delete", Priority.GROWTH),
    )
    assert calls == [("chat.delete", 0), ("chat.update", 30), ("chat.update", 30)]


async def test_a_channel_gets_one_post_a_second(clock: StoppedClock) -> None:
    limits, posts = RateLimiter(clock=clock), []

    async def poster(channel: str) -> None:
        for _ in range(3):
            await limits.acquire("chat.postMessage", channel=channel)
            posts.append((channel, clock.now))

    await clock.run(poster("C1"), poster("C2"))
    for channel in ("C1", "C2"):
        times = [at for where, at in posts if where == channel]
        assert all(late - early >= 1 for early, late in pairwise(times))
    assert clock.now < 3


async def test_who_gives_up_waiting_takes_no_turn(clock: StoppedClock) -> None:
    budget = CallBudget(1, clock)
    await budget.acquire(Priority.END)
    waiting = asyncio.create_task(budget.acquire(Priority.END))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    started = clock.now
    await clock.run(budget.acquire(Priority.END))
    assert clock.now - started == pytest.approx(COUNT_SECONDS)


async def test_a_budget_knows_when_it_is_used_up(clock: StoppedClock) -> None:
    limits = RateLimiter({"chat.startStream": 20}, clock)
    starts = 0
    while limits.is_free("chat.startStream"):
        await limits.acquire("chat.startStream")
        starts += 1
    assert 0 < starts < 20


async def test_whoever_waits_for_a_call_goes_by_its_priority_and_new_work_before_resumed(
    clock: StoppedClock,
) -> None:
    budget, order = CallBudget(60, clock), []

    async def caller(name: str, priority: Priority, after: float) -> None:
        await clock.sleep(after)
        await budget.acquire(priority)
        order.append(name)

    budget.back_off(30)
    with resuming():
        resumed = [
            asyncio.create_task(caller(f"resumed {priority.name}", priority, 1))
            for priority in (Priority.GROWTH, Priority.END, Priority.ANSWER)
        ]
    new = [caller(priority.name, priority, 10) for priority in reversed(Priority)]
    await clock.run(*new, caller("another ANSWER", Priority.ANSWER, 20), asyncio.wait(resumed))
    answers, drafts = ["ANSWER", "another ANSWER"], ["ANSWER", "END", "GROWTH"]
    behind = [f"resumed {name}" for name in drafts]
    assert order == [*answers, "END", "GROWTH", *behind, "LATER"]


@pytest.mark.parametrize("kept_off", [Priority.END, Priority.LATER])
async def test_no_lane_is_starved_for_ever(clock: StoppedClock, kept_off: Priority) -> None:
    budget = CallBudget(20, clock)
    waited: list[float] = []

    async def flood() -> None:
        while not waited:
            await budget.acquire(Priority.ANSWER)

    async def one() -> None:
        await clock.sleep(1)
        await budget.acquire(kept_off)
        waited.append(clock.now)

    await clock.run(*(flood() for _ in range(30)), one())
    assert 60 < waited[0] < 130


@pytest.mark.parametrize("per_minute", [1, 16, 50])
async def test_heads_go_on_while_more_drafts_are_open_than_there_are_calls(
    clock: StoppedClock, per_minute: int
) -> None:
    budget, shown = CallBudget(per_minute, clock), list[float]()
    budget.reserved = 2 * per_minute

    async def heads() -> None:
        for _ in range(3):
            await budget.acquire(Priority.LATER)
            shown.append(clock.now)

    showing = asyncio.create_task(heads())
    await clock.run(clock.sleep(4 * COUNT_SECONDS))
    showing.cancel()
    assert len(shown) == 3


async def test_resumed_drafts_leave_new_ones_their_calls(clock: StoppedClock) -> None:
    limits, ended = RateLimiter(clock=clock), []

    async def end(after: float) -> None:
        await clock.sleep(after)
        await limits.acquire("chat.update", priority=Priority.END)
        ended.append((after, clock.now))

    with resuming():
        resumed = [asyncio.create_task(end(0)) for _ in range(100)]
    await clock.run(*(end(after) for after in (1, 10, 30, 50)), asyncio.wait(resumed))
    assert all(at == after for after, at in ended if after)
    assert max(at for _, at in ended) < 180


async def test_bots_share_what_slack_grants_and_each_has_a_call(clock: StoppedClock) -> None:
    limits = RateLimiter({"chat.update": 50, "rare": 1}, clock)

    async def most_at_once(method: str) -> int:
        await clock.sleep(COUNT_SECONDS)
        made = 0
        while limits.is_free(method, Priority.ANSWER):
            await limits.acquire(method, priority=Priority.ANSWER)
            made += 1
        return made

    found = []

    async def look() -> None:
        for bots in (1, 3, 2):
            limits.share_among(bots)
            found.append([await most_at_once(method) for method in ("chat.update", "rare")])

    await clock.run(look())
    assert found == [[50, 1], [16, 1], [25, 1]]
