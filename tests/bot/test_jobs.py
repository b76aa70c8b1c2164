"""The owner of running jobs: tries again, stops, drains, recovers."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from bot.drafting.jobs import jobs as jobs_module
from bot.drafting.jobs.jobs import Jobs
from bot.drafting.jobs.pipeline import JobPipeline, Settled
from bot.drafting.slack_port import SlackUnavailable
from bot.store import Job, JobKind, JobStatus, Store, StoreUnavailable, Thread
from tests.bot.fakes import until


class Run(JobPipeline):
    """A run that does what a test says."""

    def __init__(self, work: Callable[[Job], object], job: Job, settled: Settled) -> None:
        self.work = work
        self.job = job
        self.settled = settled
        self.stopped: list[int] = []

    async def run(self) -> None:
        if asyncio.iscoroutine(coming := self.work(self.job)):
            await coming

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


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs_module, "BACKOFF", (0.0, 0.0))
    monkeypatch.setattr(jobs_module, "LAST_TRIES", 3)


async def added(store: Store, key: str = "k1") -> Job:
    thread = Thread(team="T1", channel="C1", requester="U1", recipe="blog", brief="rain")
    job = Job(kind=JobKind.DRAFT, requester="U1", sampling={"n": 1, "seed": 7})
    committed = await store.add_job(job, key=key, limit=9, thread=thread)
    assert committed is not None
    return committed


async def finished(jobs: Jobs, job: Job) -> None:
    await jobs.settled(job.id)
    assert jobs.running == 0


async def test_a_job_is_run_again_while_slack_or_the_store_is_away(store: Store) -> None:
    def no_store(job: Job) -> None:
        raise StoreUnavailable("locked")

    script = Script(away, no_store, nothing)
    jobs, job = Jobs(store, script), await added(store)
    jobs.start(job)
    await finished(jobs, job)
    assert len(script.runs) == 3


async def test_a_job_that_never_gets_through_is_given_up(store: Store) -> None:
    script = Script(away)
    jobs, job = Jobs(store, script), await added(store)
    jobs.start(job)
    await finished(jobs, job)
    assert len(script.runs) == 5
    assert (await store.get_job(job.id)).status is JobStatus.FAILED


async def test_a_job_that_breaks_counts_no_longer_against_its_requester(store: Store) -> None:
    script = Script(broken)
    jobs, job = Jobs(store, script), await added(store)
    jobs.start(job)
    await finished(jobs, job)
    assert len(script.runs) == 1
    assert (await store.get_job(job.id)).status is JobStatus.FAILED


async def test_a_job_that_is_started_while_it_runs_is_run_once_more(store: Store) -> None:
    going = asyncio.Event()

    async def waits(job: Job) -> None:
        await going.wait()

    script = Script(waits, nothing)
    jobs, job = Jobs(store, script), await added(store)
    jobs.start(job)
    await asyncio.sleep(0)
    jobs.start(job)
    going.set()
    await until(lambda: len(script.runs) == 2)
    await finished(jobs, job)


async def test_a_stop_reaches_the_run_of_its_job(store: Store) -> None:
    going = asyncio.Event()

    async def waits(job: Job) -> None:
        await going.wait()

    script = Script(waits)
    jobs, job = Jobs(store, script), await added(store)
    jobs.start(job)
    await asyncio.sleep(0)
    jobs.stop(job.id, 12)
    jobs.stop(job.id + 1, 13)
    going.set()
    await finished(jobs, job)
    jobs.stop(job.id, 14)
    assert script.runs[0].stopped == [12]


async def test_the_jobs_that_an_earlier_process_left_open_go_on(store: Store) -> None:
    left, done = await added(store, "k1"), await added(store, "k2")
    await store.end_job(done.id, JobStatus.DONE)
    script = Script(nothing)
    jobs = Jobs(store, script)
    await jobs.recover()
    await finished(jobs, left)
    assert [run.job.id for run in script.runs] == [left.id]


async def test_a_drain_lets_jobs_end_and_takes_no_new_ones(store: Store) -> None:
    async def short(job: Job) -> None:
        await asyncio.sleep(0.01)

    script = Script(short)
    jobs = Jobs(store, script)
    jobs.start(await added(store, "k1"))
    draining = asyncio.create_task(jobs.drain(5))
    await asyncio.sleep(0)
    jobs.start(await added(store, "k2"))
    await draining
    assert len(script.runs) == 1


async def test_what_a_drain_cuts_off_stays_open_for_the_next_start(store: Store) -> None:
    async def forever(job: Job) -> None:
        await asyncio.Event().wait()

    jobs, job = Jobs(store, Script(forever)), await added(store)
    jobs.start(job)
    await asyncio.sleep(0)
    await jobs.drain(0.01)
    assert jobs.running == 0
    assert (await store.get_job(job.id)).status is JobStatus.OPEN
