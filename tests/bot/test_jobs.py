"""The owner of running jobs: tries again, stops, drains, recovers."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.background_tasks import in_background
from bot.drafting.jobs import jobs as jobs_module
from bot.drafting.jobs.job_run import Settled
from bot.drafting.jobs.jobs import Jobs
from bot.drafting.jobs.lease import Lease
from bot.drafting.jobs.pipeline import JobPipeline
from bot.drafting.slack_port import RESUMED, SlackUnavailable
from bot.store import Job, JobKind, JobStatus, LeaseLost, Store, StoreUnavailable, Thread
from tests.bot.fakes import until


class Run(JobPipeline):
    """A run that does what a test says."""

    def __init__(self, work: Callable[[Job], object], job: Job, settled: Settled) -> None:
        self.work = work
        self.job = job
        self.settled = settled
        self.stopped: list[int] = []
        self.goes_on = False

    async def run(self) -> None:
        if asyncio.iscoroutine(coming := self.work(self.job)):
            await coming

    async def say_it_goes_on(self) -> None:
        self.goes_on = True

    def stop(self, version_id: int) -> None:
        self.stopped.append(version_id)


class Script:
    """What each run of each job does; the last entry is repeated."""

    def __init__(self, *works: Callable[[Job], object]) -> None:
        self.works = works
        self.runs: list[Run] = []

    def __call__(self, job: Job, settled: Settled) -> Run:
        work = self.works[min(len(self.runs), len(self.works) - 1)]
        self.runs.append(Run(work, job, settled))
        return self.runs[-1]


def nothing(job: Job) -> None:
    """A run that is done at once."""


def away(job: Job) -> None:
    raise SlackUnavailable("chat.postMessage")


def broken(job: Job) -> None:
    raise ValueError("a text of somebody's")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = await Store.open(f"sqlite+aiosqlite:///{tmp_path / 'test.db'}")
    yield opened
    await opened.close()


@pytest.fixture
async def lease(store: Store) -> Lease:
    joined = Lease(store, SecretStr("key"), 30)
    await joined.join()
    return joined


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs_module, "BACKOFF", (0.0, 0.0))
    monkeypatch.setattr(jobs_module, "LAST_TRIES", 3)
    monkeypatch.setattr(jobs_module, "FAILURE_PAUSES", (0.0, 0.0))


async def added(store: Store, owner: str | None, key: str = "k1") -> Job:
    thread = Thread(team="T1", channel="C1", requester="U1", recipe="blog", brief="rain")
    job = Job(kind=JobKind.DRAFT, requester="U1", sampling={"n": 1, "seed": 7})
    job.owner, job.epoch = owner, int(owner is not None)
    committed = await store.add_job(job, key=key, limit=99, thread=thread)
    assert committed is not None
    return committed


async def finished(jobs: Jobs) -> None:
    await until(lambda: jobs.running == 0)


async def test_a_job_is_run_again_while_slack_or_the_store_is_away(
    store: Store, lease: Lease
) -> None:
    def no_store(job: Job) -> None:
        raise StoreUnavailable("locked")

    script = Script(away, no_store, nothing)
    jobs, job = Jobs(store, script, lease), await added(store, lease.bot)
    jobs.start(job)
    await finished(jobs)
    assert len(script.runs) == 3


async def test_a_job_that_never_gets_through_is_given_up(store: Store, lease: Lease) -> None:
    script = Script(away)
    jobs, job = Jobs(store, script, lease), await added(store, lease.bot)
    jobs.start(job)
    await finished(jobs)
    assert len(script.runs) == 5
    assert (await store.get_job(job.id)).status is JobStatus.FAILED


async def test_a_job_that_breaks_is_tried_three_times_and_counts_no_longer_against_its_requester(
    store: Store, lease: Lease
) -> None:
    script = Script(broken)
    jobs, job = Jobs(store, script, lease), await added(store, lease.bot)
    jobs.start(job)
    await finished(jobs)
    assert len(script.runs) == 3
    ended = await store.get_job(job.id)
    assert (ended.status, ended.owner, ended.failures) == (JobStatus.FAILED, None, 3)


async def test_a_job_that_broke_in_another_bot_is_tried_only_as_often_as_is_left(
    store: Store, lease: Lease
) -> None:
    script = Script(broken)
    jobs, job = Jobs(store, script, lease), await added(store, lease.bot)
    await store.count_failure(job.id)
    await store.count_failure(job.id)
    jobs.start(job)
    await finished(jobs)
    assert len(script.runs) == 1


async def test_a_job_that_breaks_once_goes_on(store: Store, lease: Lease) -> None:
    script = Script(broken, nothing)
    jobs, job = Jobs(store, script, lease), await added(store, lease.bot)
    jobs.start(job)
    await finished(jobs)
    assert len(script.runs) == 2
    assert (await store.get_job(job.id)).status is JobStatus.OPEN


async def test_a_job_that_others_have_taken_is_left_to_them_without_a_word(
    store: Store, lease: Lease
) -> None:
    def taken(job: Job) -> None:
        raise LeaseLost(job.name)

    script = Script(taken)
    jobs, job = Jobs(store, script, lease), await added(store, lease.bot)
    jobs.start(job)
    await finished(jobs)
    assert len(script.runs) == 1
    assert (await store.get_job(job.id)).status is JobStatus.OPEN


async def test_a_job_that_is_reopened_while_it_runs_is_run_once_more(
    store: Store, lease: Lease
) -> None:
    going = asyncio.Event()

    async def waits(job: Job) -> None:
        await store.end_job(job.id, JobStatus.WAITING)
        await going.wait()
        await store.release_job(job)

    script = Script(waits, nothing)
    jobs, job = Jobs(store, script, lease), await added(store, lease.bot)
    async with in_background(jobs.watch):
        jobs.start(job)
        await until(lambda: len(script.runs) == 1)
        await asyncio.sleep(0.05)
        assert await store.reopen_waiting(job)
        jobs.wake()
        await asyncio.sleep(0.05)
        assert len(script.runs) == 1
        going.set()
        await until(lambda: len(script.runs) == 2)
        assert script.runs[1].job.epoch == 2


async def test_jobs_that_are_taken_leave_room_for_new_ones_and_those_that_wait_for_others_too(
    store: Store, lease: Lease, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs_module, "MOST_TAKEN", 2)
    for i in range(5):
        await added(store, None, f"old{i}")
    newest = await added(store, None, "newest")
    asked: list[int] = []

    async def waits(job: Job) -> None:
        asked.append(job.id)
        await asyncio.Event().wait()

    async def waits_for_the_newest(job: Job) -> None:
        asked.append(job.id)
        await script.runs[-1].settled(newest.id)

    script = Script(waits, waits, waits_for_the_newest, waits)
    jobs = Jobs(store, script, lease)
    async with in_background(jobs.watch):
        await until(lambda: len(asked) == 2)
        jobs.start(await added(store, lease.bot, "new"))
        # It waits for one that nobody runs yet, and so holds no place of those.
        await until(lambda: len(asked) == 3)
        await asyncio.sleep(0.05)
        assert len(asked) == 3
        await jobs.abandon()


async def test_a_stop_reaches_the_run_of_its_job(store: Store, lease: Lease) -> None:
    going = asyncio.Event()

    async def waits(job: Job) -> None:
        await going.wait()

    script = Script(waits)
    jobs, job = Jobs(store, script, lease), await added(store, lease.bot)
    jobs.start(job)
    await asyncio.sleep(0)
    jobs.stop(job.id, 12)
    jobs.stop(job.id + 1, 13)
    going.set()
    await finished(jobs)
    jobs.stop(job.id, 14)
    assert script.runs[0].stopped == [12]


async def test_the_jobs_that_an_earlier_process_left_open_go_on(store: Store, lease: Lease) -> None:
    left, done = await added(store, "dead", "k1"), await added(store, "dead", "k2")
    await store.end_job(done.id, JobStatus.DONE)
    script = Script(nothing)
    jobs = Jobs(store, script, lease)
    await jobs.take()
    await finished(jobs)
    assert [run.job.id for run in script.runs] == [left.id]


async def test_a_job_that_waits_for_another_goes_on_when_that_ended_elsewhere(
    store: Store, lease: Lease
) -> None:
    jobs, other = Jobs(store, Script(nothing), lease), await added(store, "elsewhere")
    waiting = asyncio.create_task(jobs.settled(other.id))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    await store.end_job(other.id, JobStatus.DONE)
    jobs.hear(["ended", str(other.id)])
    async with asyncio.timeout(1):
        await waiting


async def test_a_drain_lets_jobs_end_and_takes_no_new_ones(store: Store, lease: Lease) -> None:
    async def short(job: Job) -> None:
        await asyncio.sleep(0.01)

    script = Script(short)
    jobs = Jobs(store, script, lease)
    jobs.start(await added(store, lease.bot, "k1"))
    draining = asyncio.create_task(jobs.drain(5))
    await asyncio.sleep(0)
    assert jobs.owner is None
    jobs.start(await added(store, lease.bot, "k2"))
    await added(store, None, "k3")
    await jobs.take()
    await draining
    assert len(script.runs) == 1


async def test_what_a_drain_cuts_off_is_free_for_others_at_once(store: Store, lease: Lease) -> None:
    async def forever(job: Job) -> None:
        await asyncio.Event().wait()

    jobs, job = Jobs(store, Script(forever), lease), await added(store, lease.bot)
    jobs.start(job)
    await asyncio.sleep(0)
    await jobs.drain(0.01)
    assert jobs.running == 0
    left = await store.get_job(job.id)
    assert (left.status, left.owner) == (JobStatus.OPEN, None)
    assert lease.is_valid


async def test_a_run_that_cannot_be_cut_off_keeps_no_job_from_others(
    store: Store, lease: Lease, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs_module, "CUT_SECONDS", 0.05)
    released = asyncio.Event()

    async def stuck(job: Job) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await released.wait()

    jobs, job = Jobs(store, Script(stuck), lease), await added(store, lease.bot)
    jobs.start(job)
    await asyncio.sleep(0.01)
    async with asyncio.timeout(5):
        await jobs.drain(0.01)
    assert (await store.get_job(job.id)).owner is None
    released.set()
    await finished(jobs)


async def test_a_job_that_waits_for_its_next_try_says_that_it_goes_on_after_a_restart(
    store: Store, lease: Lease, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs_module, "BACKOFF", (60.0,))
    script = Script(away)
    jobs = Jobs(store, script, lease)
    jobs.start(await added(store, lease.bot))
    await until(lambda: bool(jobs._pausing))
    await jobs.drain(0)
    assert script.runs[0].goes_on


async def test_what_was_begun_waits_behind_what_is_new_when_it_is_taken(
    store: Store, lease: Lease
) -> None:
    behind = dict[int, bool]()

    def note(job: Job) -> None:
        behind[job.id] = RESUMED.get()

    new, begun = await added(store, None, "k1"), await added(store, "dead", "k2")
    invited = await added(store, None, "k3")
    for job in (begun, invited):
        await store.count_try(job.id, "en")
    await store.end_job(invited.id, JobStatus.WAITING)
    assert await store.reopen_waiting(invited)
    jobs = Jobs(store, Script(note), lease)
    await jobs.take()
    await finished(jobs)
    assert behind == {new.id: False, begun.id: True, invited.id: False}
