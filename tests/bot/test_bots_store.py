"""Who lives, who runs which job, and what fences a run: on SQLite and on PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update

from bot import metrics
from bot.metrics import REGISTRY
from bot.store import (
    DatabaseInUse,
    Hold,
    HoldStatus,
    Job,
    JobKind,
    JobStatus,
    LeaseLost,
    NewerDatabase,
    OtherKey,
    Store,
    StoreUnavailable,
    Thread,
    VersionStatus,
    alone_on,
)
from bot.store.database import connect, upgrade
from bot.store.models import Base, LivingBot, now
from bot.store.moments import Moment

LONG = 60.0


@pytest.fixture(params=["sqlite", "postgresql"])
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """Return the address of an empty database."""
    if request.param == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path / 'test.db'}"
        return
    yield request.getfixturevalue("postgres")
    await emptied(request.getfixturevalue("postgres"))


@pytest.fixture
async def server(postgres: str) -> AsyncIterator[str]:
    """Return the address of an empty database that several bots may share."""
    yield postgres
    await emptied(postgres)


async def emptied(url: str) -> None:
    engine = connect(url)
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.drop_all)
        await connection.exec_driver_sql("DROP TABLE IF EXISTS alembic_version")
    await engine.dispose()


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    opened = await Store.open(url)
    yield opened
    await opened.close()


@pytest.fixture
async def shared(server: str) -> AsyncIterator[Store]:
    opened = await Store.open(server)
    yield opened
    await opened.close()


async def added(store: Store, key: str = "k1", owner: str | None = None) -> Job:
    thread = Thread(team="T1", channel="C1", requester="U1", recipe="blog", brief="rain")
    job = Job(kind=JobKind.DRAFT, requester="U1", sampling={"n": 1, "seed": 7})
    job.owner, job.epoch = owner, int(owner is not None)
    committed = await store.add_job(job, key=key, limit=99, thread=thread)
    assert committed is not None
    return committed


async def end_lease(store: Store, bot: str) -> None:
    async with store._write() as session:
        ended = update(LivingBot).where(LivingBot.id == bot)
        await session.execute(ended.values(lease_until=Moment(-1)))


async def test_moments_of_the_database_follow_one_another(store: Store) -> None:
    async with store._read() as session:
        query = select(Moment(-0.5) < Moment(), Moment() < Moment(30.5), Moment())
        earlier, later, present = (await session.execute(query)).one()
    assert (bool(earlier), bool(later)) == (True, True)
    assert abs((present - now()).total_seconds()) < 5


async def test_a_job_that_nobody_runs_is_taken_by_one_bot_with_a_new_epoch(store: Store) -> None:
    await store.join("a", "key", LONG)
    job = await added(store)
    (taken,) = await store.claim_jobs("a", 9, [])
    assert (taken.id, taken.owner, taken.epoch) == (job.id, "a", 1)
    assert await store.claim_jobs("a", 9, [job.id]) == []


async def test_jobs_are_taken_from_the_oldest_on_and_no_more_than_there_is_room_for(
    store: Store,
) -> None:
    jobs = [await added(store, f"k{i}") for i in range(4)]
    await store.end_job(jobs[0].id, JobStatus.DONE)
    first = await store.claim_jobs("a", 2, [])
    assert [job.id for job in first] == [jobs[1].id, jobs[2].id]


async def test_bots_that_look_at_once_take_different_jobs(shared: Store) -> None:
    jobs = [await added(shared, f"k{i}") for i in range(12)]
    bots = "abcd"
    for bot in bots:
        await shared.join(bot, "key", LONG)
    taken = await asyncio.gather(*(shared.claim_jobs(bot, 3, []) for bot in bots))
    ids = [job.id for each in taken for job in each]
    assert len(ids) == len(set(ids))
    rest = await shared.claim_jobs("a", 12, ids)
    assert sorted([*ids, *(job.id for job in rest)]) == [job.id for job in jobs]


async def test_the_job_of_a_bot_that_lives_is_not_taken_and_that_of_a_dead_one_is(
    shared: Store,
) -> None:
    await shared.join("a", "key", LONG)
    await shared.join("b", "key", LONG)
    job = await added(shared, owner="a")
    assert await shared.claim_jobs("b", 9, []) == []
    await end_lease(shared, "a")
    before = metrics.TAKEOVERS._value.get()
    (taken,) = await shared.claim_jobs("b", 9, [])
    assert metrics.TAKEOVERS._value.get() == before + 1
    assert (taken.id, taken.epoch) == (job.id, 2)


async def test_what_was_given_back_or_is_its_own_counts_as_taken_from_nobody(
    shared: Store,
) -> None:
    def taken_over() -> float:
        return REGISTRY.get_sample_value("draftsmith_bot_lease_takeovers_total") or 0.0

    before = taken_over()
    await shared.join("a", "key", LONG)
    job = await added(shared, "k1", "a")
    await shared.release_job(job)
    (again,) = await shared.claim_jobs("a", 9, [])
    assert (again.epoch, taken_over()) == (2, before)
    await end_lease(shared, "a")
    await shared.claim_jobs("b", 9, [])
    assert taken_over() == before + 1


async def test_a_run_whose_job_was_taken_writes_nothing_more(store: Store) -> None:
    await store.join("a", "key", LONG)
    before = await added(store, owner="a")
    fenced = store.fenced_by(before)
    (version,) = await fenced.ensure_versions(before)
    assert await fenced.save_text(version.id, "It rains.")
    await store.leave("a")
    (after,) = await store.claim_jobs("a", 9, [])
    writes: list[Callable[[], Any]] = [
        lambda: fenced.save_text(version.id, "It rains no more."),
        lambda: fenced.end_version(version.id, VersionStatus.FINISHED),
        lambda: fenced.end_job(before.id, JobStatus.DONE),
        lambda: fenced.record_post(version.id, 1, "C1", "1.0"),
    ]
    for write in writes:
        with pytest.raises(LeaseLost):
            await write()
    kept = await store.get_version(version.id)
    assert (kept.text, kept.status) == ("It rains.", VersionStatus.WRITING)
    assert await store.list_posts(version.id) == []
    assert await store.fenced_by(after).save_text(version.id, "It rains no more.")


async def test_nobody_takes_a_job_while_a_write_of_its_run_is_under_way(shared: Store) -> None:
    job = await added(shared, owner="dead")
    async with shared.fenced_by(job)._write():
        assert await shared.claim_jobs("b", 9, []) == []
    assert len(await shared.claim_jobs("b", 9, [])) == 1


async def test_on_sqlite_whoever_joins_takes_over_everything_at_once(tmp_path: Path) -> None:
    store = await Store.open(f"sqlite+aiosqlite:///{tmp_path / 'test.db'}")
    await store.join("a", "key", LONG)
    job = await added(store, owner="a")
    living = await store.join("b", "another key", LONG)
    assert (living.bots, living.oldest) == (1, True)
    assert [taken.id for taken in await store.claim_jobs("b", 9, [])] == [job.id]
    await store.close()


async def test_a_bot_with_another_key_cannot_join_those_that_live(shared: Store) -> None:
    await shared.join("a", "key", LONG)
    with pytest.raises(OtherKey):
        await shared.join("b", "another key", LONG)
    await end_lease(shared, "a")
    assert (await shared.join("b", "another key", LONG)).bots == 1


async def test_the_oldest_bot_is_one_and_the_next_follows_when_it_leaves(shared: Store) -> None:
    assert (await shared.join("b", "key", LONG)).oldest
    assert not (await shared.join("a", "key", LONG)).oldest
    assert (await shared.living("b")).bots == 2
    await shared.leave("b")
    assert (await shared.living("a")).oldest


async def test_a_lease_that_others_forgot_is_not_renewed(shared: Store) -> None:
    await shared.join("a", "key", LONG)
    assert await shared.renew("a", LONG)
    await end_lease(shared, "a")
    await shared.join("b", "key", LONG)
    assert not await shared.renew("a", LONG)


async def test_a_job_whose_commit_had_no_answer_is_taken_up_by_its_own_bot_later(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.join("a", "key", LONG)
    job = await added(store, owner="a")
    assert await store.claim_jobs("a", 9, []) == []
    monkeypatch.setattr("bot.store.bots.ORPHANED_SECONDS", -60.0)
    assert await store.claim_jobs("a", 9, [job.id]) == []
    assert [taken.id for taken in await store.claim_jobs("a", 9, [])] == [job.id]


async def test_a_job_is_not_done_while_a_decision_about_its_draft_waits(store: Store) -> None:
    job = await added(store, owner="a")
    (version,) = await store.ensure_versions(job)
    hold = Hold(job_id=job.id, version_id=version.id, sealed="x", categories=[], expires_at=now())
    await store.add_hold(hold)
    assert await store.decide_hold(hold.id, HoldStatus.APPROVED, "U2")
    await store.end_job(job.id, JobStatus.DONE)
    left = await store.get_job(job.id)
    assert (left.status, left.owner) == (JobStatus.OPEN, None)
    await store.close_hold(hold, VersionStatus.FINISHED)
    await store.end_job(job.id, JobStatus.DONE)
    assert (await store.get_job(job.id)).status is JobStatus.DONE


async def test_the_text_of_a_stopped_version_grows_no_more(store: Store) -> None:
    (version,) = await store.ensure_versions(await added(store))
    assert await store.save_text(version.id, "It")
    await store.stop_version(version.id)
    assert not await store.save_text(version.id, "It rains")
    assert (await store.get_version(version.id)).text == "It"


async def test_a_stop_and_an_end_are_heard_by_all_who_listen(shared: Store) -> None:
    heard: list[list[str]] = []
    news = asyncio.Event()

    def hear(words: Any) -> None:
        heard.append(list(words))
        news.set()

    listening = asyncio.create_task(shared.listen(hear))
    async with asyncio.timeout(10):
        await news.wait()
        job = await added(shared, owner="a")
        (version,) = await shared.ensure_versions(job)
        await shared.stop_version(version.id)
        await shared.end_job(job.id, JobStatus.DONE)
        while len(heard) < 3:
            news.clear()
            await news.wait()
    assert heard == [["free"], ["stop", f"{job.id}", f"{version.id}"], ["ended", f"{job.id}"]]
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)


async def test_whoever_listens_learns_that_the_connection_broke(shared: Store) -> None:
    news = asyncio.Event()
    listening = asyncio.create_task(shared.listen(lambda _: news.set()))
    async with asyncio.timeout(10):
        await news.wait()
        async with shared._write() as session:
            others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query ~ 'LISTEN'"
            await (await session.connection()).exec_driver_sql(
                f"{others} AND pid <> pg_backend_pid()"
            )
        with pytest.raises(StoreUnavailable):
            await listening


def test_one_process_holds_a_file_of_sqlite(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'test.db'}"
    with alone_on(url), pytest.raises(DatabaseInUse), alone_on(url):
        pass
    with alone_on(url):
        pass


@pytest.mark.parametrize("database", [":memory:", "file:test.db?uri=true"])
def test_a_database_without_a_file_of_its_own_leaves_no_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with alone_on(f"sqlite+aiosqlite:///{database}"):
        assert [*tmp_path.iterdir()] == []


async def test_processes_that_start_at_once_migrate_one_after_the_other(url: str) -> None:
    stores = await asyncio.gather(*(Store.open(url) for _ in range(4)))
    async with stores[0]._read() as session:
        assert await session.scalar(select(func.count()).select_from(Job)) == 0
    for store in stores:
        await store.close()


async def test_a_database_that_a_newer_version_has_migrated_is_left_alone(url: str) -> None:
    await (await Store.open(url)).close()
    engine = connect(url)
    async with engine.begin() as connection:
        await connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(NewerDatabase):
        await Store.open(url)
    async with engine.begin() as connection:
        kept = await connection.exec_driver_sql("SELECT version_num FROM alembic_version")
        assert kept.scalar_one() == "9999"
    await engine.dispose()


REVISIONS = ["0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008", "0009"]
THREAD = (
    "INSERT INTO threads (id, team, channel, requester, recipe, brief, root_ts, created_at)"
    " VALUES (1, 'T1', 'C1', 'U1', 'blog', 'rain', '1.0', '2026-10-01 12:00:00+00:00')"
)
JOB = (
    "INSERT INTO jobs (id, kind, requester, sampling, thread_id, tries, status, created_at) VALUES"
    """ (1, 'draft', 'U1', '{"n": 1, "seed": 7}', 1, 1, 'open', '2026-10-01 12:00:00+00:00')"""
)


@pytest.mark.parametrize("revision", REVISIONS)
async def test_the_job_that_an_older_version_left_open_is_taken_after_the_upgrade(
    url: str, revision: str
) -> None:
    engine = connect(url)
    async with engine.begin() as connection:
        await connection.run_sync(upgrade, revision)
        for row in (THREAD, JOB):
            await connection.exec_driver_sql(row)
    await engine.dispose()
    store = await Store.open(url)
    await store.join("a", "key", LONG)
    (taken,) = await store.claim_jobs("a", 9, [])
    assert (taken.id, taken.epoch, taken.failures) == (1, 1, 0)
    await store.close()
