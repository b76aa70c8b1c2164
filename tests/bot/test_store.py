"""What is committed, on SQLite and on PostgreSQL."""

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, inspect, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.store import (
    GUEST,
    MUTED,
    FeedbackReason,
    HistoryStep,
    Job,
    JobKind,
    JobStatus,
    Store,
    StoreUnavailable,
    Thread,
    TooManyRunning,
    VersionStatus,
)
from bot.store.database import connect, migrate, upgrade
from bot.store.models import Base, SeenEvent
from bot.store.transactions import WriteLock
from safety import SafeText


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    """Open an empty store with the newest schema."""
    opened = await Store.open(url)
    yield opened
    await opened.close()


def a_thread(channel: str = "C1") -> Thread:
    return Thread(team="T1", channel=channel, requester="U1", recipe="blog", brief="rain")


def a_job(n: int = 1, **known: Any) -> Job:
    return Job(kind=JobKind.DRAFT, requester="U1", sampling={"n": n, "seed": 7}, **known)


async def begun(store: Store, key: str = "k1", n: int = 1) -> Job:
    job = await store.add_job(a_job(n), key=key, limit=9, thread=a_thread())
    assert job is not None
    return job


async def test_the_migrations_make_the_tables_of_the_models(store: Store) -> None:
    def tables(connection: object) -> dict[str, set[str]]:
        found = inspect(connection)
        names = set(found.get_table_names()) - {"alembic_version"}
        return {name: {column["name"] for column in found.get_columns(name)} for name in names}

    async with store._engine.connect() as connection:
        made = await connection.run_sync(tables)
    wanted = {name: set(table.columns.keys()) for name, table in Base.metadata.tables.items()}
    assert made == wanted


async def test_a_key_that_was_seen_adds_nothing(store: Store) -> None:
    await begun(store)
    assert await store.add_job(a_job(), key="k1", limit=9, thread=a_thread()) is None
    assert len(await store.list_jobs(JobStatus.OPEN)) == 1


async def test_the_same_key_at_once_adds_one_job(store: Store) -> None:
    adding = [store.add_job(a_job(), key="k1", limit=9, thread=a_thread()) for _ in range(8)]
    added = await asyncio.gather(*adding)
    assert [job is not None for job in added].count(True) == 1


async def test_open_jobs_are_limited_by_person_and_a_refused_one_leaves_no_trace(
    store: Store,
) -> None:
    first = await begun(store, "k1")
    await begun(store, "k2")
    with pytest.raises(TooManyRunning):
        await store.add_job(a_job(), key="k3", limit=2, thread=a_thread())
    await store.end_job(first.id, JobStatus.DONE)
    assert await store.add_job(a_job(), key="k3", limit=2, thread=a_thread())


async def test_version_numbers_run_through_the_thread(store: Store) -> None:
    first = await begun(store, n=3)
    more = await store.add_job(a_job(thread_id=first.thread_id), key="k2", limit=9)
    assert more is not None
    assert [v.number for v in await store.ensure_versions(first)] == [1, 2, 3]
    assert [v.number for v in await store.ensure_versions(more)] == [4]
    assert [v.number for v in await store.ensure_versions(first)] == [1, 2, 3]


async def test_jobs_of_one_thread_begun_at_once_take_different_numbers(store: Store) -> None:
    first = await begun(store)
    jobs = [first]
    for i in range(5):
        job = await store.add_job(a_job(thread_id=first.thread_id), key=f"more{i}", limit=9)
        assert job is not None
        jobs.append(job)
    versions = await asyncio.gather(*(store.ensure_versions(job) for job in jobs))
    assert sorted(v.number for made in versions for v in made) == [1, 2, 3, 4, 5, 6]


async def test_the_last_version_is_the_one_that_ended_last_not_the_highest_number(
    store: Store,
) -> None:
    job = await begun(store, n=2)
    one, two = await store.ensure_versions(job)
    await store.end_version(two.id, VersionStatus.FINISHED, text="two")
    await store.end_version(one.id, VersionStatus.FINISHED, text="one")
    last = await store.find_last_version(job.thread_id, VersionStatus.FINISHED)
    assert last is not None
    assert last.number == 1


async def test_history_walks_from_the_first_draft_to_the_version(store: Store) -> None:
    job = await begun(store)
    (draft,) = await store.ensure_versions(job)
    await store.end_version(draft.id, VersionStatus.FINISHED, text="long")
    refine = await store.add_job(
        a_job(thread_id=job.thread_id, parent_id=draft.id, instruction="shorter"),
        key="k2",
        limit=9,
    )
    assert refine is not None
    (short,) = await store.ensure_versions(refine)
    await store.end_version(short.id, VersionStatus.FINISHED, text="brief")
    assert await store.get_history(short.id) == [
        HistoryStep(None, "long"),
        HistoryStep("shorter", "brief"),
    ]
    assert await store.get_history(None) == []


async def test_a_message_leads_to_its_version_and_a_version_to_its_parts(store: Store) -> None:
    (version,) = await store.ensure_versions(await begun(store))
    for part, ts in ((2, "2.0"), (1, "1.0"), (1, "1.0")):
        await store.record_post(version.id, part, "C1", ts)
    found = await store.find_version_at("C1", "2.0")
    assert found is not None
    assert found.id == version.id
    assert await store.find_version_at("C2", "2.0") is None
    assert await store.list_posts(version.id) == ["1.0", "2.0"]


async def test_a_waiting_job_is_reopened_once(store: Store) -> None:
    job = await begun(store)
    await store.end_job(job.id, JobStatus.WAITING)
    assert [j.id for j in await store.list_jobs(JobStatus.WAITING, channel="C1")] == [job.id]
    assert await store.list_jobs(JobStatus.WAITING, channel="C2") == []
    assert [await store.reopen_waiting(job), await store.reopen_waiting(job)] == [True, False]


async def test_a_waiting_job_that_was_reopened_is_not_given_up(store: Store) -> None:
    job = await begun(store)
    await store.end_job(job.id, JobStatus.WAITING)
    assert await store.reopen_waiting(job)
    assert not await store.refuse_waiting(job)
    assert (await store.get_job(job.id)).status is JobStatus.OPEN
    await store.end_job(job.id, JobStatus.WAITING)
    assert await store.refuse_waiting(job)
    assert (await store.get_job(job.id)).status is JobStatus.REFUSED


async def test_tries_are_counted(store: Store) -> None:
    job = await begun(store)
    assert await store.count_try(job.id, "zh") == (0, "zh", 0)
    assert await store.count_try(job.id, "en") == (1, "zh", 0)


async def test_old_events_are_forgotten_and_young_ones_kept(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await begun(store, "young")
    await store.purge()
    assert await store.add_job(a_job(), key="young", limit=9, thread=a_thread()) is None
    monkeypatch.setattr("bot.store.jobs.EVENTS_KEPT", timedelta(seconds=-1))
    await store.purge()
    assert await store.add_job(a_job(), key="young", limit=9, thread=a_thread())


async def test_migrating_twice_changes_nothing(tmp_path: Path) -> None:
    engine = connect(f"sqlite+aiosqlite:///{tmp_path / 'test.db'}")
    await migrate(engine)
    await migrate(engine)
    await engine.dispose()


OLD_ROWS = """
INSERT INTO threads (id, team, channel, requester, recipe, brief, root_ts, muted, created_at)
    VALUES (1, 'T1', 'C1', 'U1', 'blog', 'rain', '1.0', false, '2026-10-01 12:00:00+00:00');
INSERT INTO jobs (id, kind, requester, sampling, thread_id, tries, status, created_at)
    VALUES (1, 'draft', 'U1', '{"n": 1, "seed": 7}', 1, 1, 'open', '2026-10-01 12:00:00+00:00');
INSERT INTO versions (id, thread_id, job_id, number, sample, text, status, rules)
    VALUES (1, 1, 1, 1, 0, 'It rains.', 'finished', '[]');
INSERT INTO sources (id, key, name, text, left_out, job_id, author, thread_id, created_at)
    VALUES (1, 's1', 'a.txt', 'Rain.', 0, 1, 'U2', 1, '2026-10-01 11:59:00+00:00');
"""


async def test_what_the_version_before_kept_is_there_after_an_upgrade(url: str) -> None:
    engine = connect(url)
    async with engine.begin() as connection:
        await connection.run_sync(upgrade, "0004")
        for row in filter(str.strip, OLD_ROWS.split(";")):
            await connection.exec_driver_sql(row)
    await engine.dispose()
    store = await Store.open(url)
    (job,) = await store.list_jobs(JobStatus.OPEN)
    thread = await store.find_thread_at("C1", "1.0")
    assert thread is not None
    assert (thread.others_root, thread.muted, thread.muted_by) == (False, False, None)
    (source,) = await store.list_sources(job)
    assert (source.text, source.origin) == ("Rain.", None)
    assert await store.list_origins(thread.id) == []
    assert await store.list_authors(thread.id) == {"U1", "U2"}
    await store.mark_accepted(1, "https://acme.slack.com/archives/C1/p1")
    assert await store.rate_version(1, "U2", good=True, key="k9")
    assert await store.record_notice(thread.id, "U2", MUTED)
    (version,) = await store.list_versions(thread.id)
    assert (version.text, bool(version.posted_url)) == ("It rains.", True)
    keys = [row.post_key for row in (thread, job, version)]
    assert keys == ["thread-1", "job-1", "version-1"], "as its messages carry them"
    await store.close()


async def test_a_database_that_cannot_be_opened_is_unavailable_without_a_word_of_its_text(
    tmp_path: Path,
) -> None:
    with pytest.raises(StoreUnavailable) as away:
        await Store.open(f"sqlite+aiosqlite:///{tmp_path}/no/such/folder.db")
    assert os.fspath(tmp_path) not in str(away.value)


async def test_an_urgent_writer_waits_for_no_more_than_two_writers() -> None:
    lock, order = WriteLock(), []

    async def write(name: str, *, urgent: bool = False) -> None:
        async with lock.acquire(urgent=urgent):
            order.append(name)
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        for name in "abcde":
            group.create_task(write(name))
        await asyncio.sleep(0)
        group.create_task(write("urgent", urgent=True))
    assert order.index("urgent") <= 2
    assert [name for name in order if len(name) == 1] == ["a", "b", "c", "d", "e"]


async def test_urgent_writes_that_come_together_share_commits(tmp_path: Path) -> None:
    store, commits = (
        await Store.open(f"sqlite+aiosqlite:///{tmp_path}/draftsmith.db"),
        list[object](),
    )
    event.listen(store._urgent_engine.sync_engine, "commit", commits.append)
    keys = [*map(str, range(40)), "7"]
    written = await asyncio.gather(*map(store.record_event, keys))
    assert (written.count(False), len(commits)) == (1, 2)
    assert all([await store.knows_event(key) for key in keys])
    await store.close()


async def test_one_urgent_write_that_breaks_off_costs_the_others_nothing(store: Store) -> None:
    begun, broken = asyncio.Event(), asyncio.Event()

    async def break_off() -> None:
        async with store._write(urgent=True) as session:
            session.add(SeenEvent(key="broken"))
            await session.flush()
            begun.set()
            await broken.wait()

    breaking = asyncio.create_task(break_off())
    await begun.wait()
    other, given_up = [asyncio.create_task(store.record_event(key)) for key in "ab"]
    await asyncio.sleep(0)
    given_up.cancel()
    breaking.cancel()
    assert await other
    assert [await store.knows_event(key) for key in ("broken", "a")] == [False, True]
    assert await store.record_event("broken")


@pytest.mark.parametrize("urgent", [True, False])
async def test_a_write_that_is_cut_off_within_a_statement_leaves_a_store_that_works(
    tmp_path: Path, *, urgent: bool
) -> None:
    store = await Store.open(f"sqlite+aiosqlite:///{tmp_path}/draftsmith.db")
    begun = asyncio.Event()
    slow = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<600000)"

    async def count() -> None:
        async with store._write(urgent=urgent) as session:
            connection = await session.connection()
            begun.set()
            await connection.exec_driver_sql(f"{slow} SELECT count(*) FROM n")

    counting = asyncio.create_task(count())
    await begun.wait()
    others = [asyncio.create_task(store.record_event(key)) for key in "ab"]
    await asyncio.sleep(0.01)
    counting.cancel()
    told = await asyncio.gather(*others, return_exceptions=True)
    assert all(each is True or isinstance(each, StoreUnavailable) for each in told)
    assert await store.record_event("c")
    await store.close()


async def test_all_urgent_writes_that_wait_hear_that_the_database_is_locked(tmp_path: Path) -> None:
    store = await Store.open(f"sqlite+aiosqlite:///{tmp_path}/draftsmith.db")
    assert store._together is not None
    begin, begun = store._together._begin, 0

    def counted() -> AbstractAsyncContextManager[AsyncSession]:
        nonlocal begun
        begun += 1
        return begin()

    store._together._begin = counted
    with sqlite3.connect(tmp_path / "draftsmith.db", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        told = await asyncio.gather(*map(store.record_event, "abc"), return_exceptions=True)
        assert [type(each) for each in told] == [StoreUnavailable] * 3
        assert begun == 1, "they wait together"
        other.execute("ROLLBACK")
    assert await store.record_event("a")
    await store.close()


async def test_a_kept_text_is_its_owners_and_the_first_under_its_key_stays(store: Store) -> None:
    for sealed in ("sealed", "again"):
        await store.keep_text("key", "U1", sealed)
    assert await store.find_kept_text("key", "U1") == "sealed"
    assert await store.find_kept_text("key", "U2") is None
    await store.drop_kept_text("key")
    assert await store.find_kept_text("key", "U1") is None


async def test_a_person_is_told_once_in_a_thread_until_it_is_muted_anew(store: Store) -> None:
    thread_id = (await begun(store)).thread_id
    await store.set_muted(thread_id, "U1")
    told = [await store.record_notice(thread_id, person, MUTED) for person in ("U1", "U2", "U2")]
    assert told == [False, True, False]
    assert await store.record_notice(thread_id, "U2", GUEST)
    await store.set_muted(thread_id, None)
    assert (await store.get_thread(thread_id)).muted_by is None
    await store.set_muted(thread_id, "U2")
    told = [await store.record_notice(thread_id, person, MUTED) for person in ("U1", "U2")]
    assert told == [True, False]
    assert not await store.record_notice(thread_id, "U2", GUEST)


async def test_released_text_is_kept_as_any_text_is(store: Store) -> None:
    (version,) = await store.ensure_versions(await begun(store))
    ended = await store.end_version(version.id, VersionStatus.FINISHED, text=SafeText("Rain."))
    assert ended.text == "Rain."


async def test_a_thumb_counts_once_for_each_delivery_and_the_last_one_counts(
    store: Store,
) -> None:
    (version,) = await store.ensure_versions(await begun(store))
    for key, good, counts in (
        ("k2", False, True),
        ("k3", True, True),
        ("k2", False, False),
    ):
        assert await store.rate_version(version.id, "U1", good, key) is counts
    await store.explain_rating(version.id, "U1", FeedbackReason.TONE, "too late")
    assert [(f.user, f.good, f.words) for f in await store.list_feedback()] == [("U1", True, "")]


async def test_thumbs_of_one_reader_that_come_at_once_leave_one(store: Store) -> None:
    (version,) = await store.ensure_versions(await begun(store))
    rating = [store.rate_version(version.id, "U1", i % 2 == 0, f"r{i}") for i in range(6)]
    assert await asyncio.gather(*rating) == [True] * 6
    assert len(await store.list_feedback()) == 1
    await store.explain_rating(version.id, "U1", FeedbackReason.TONE, "dull")
    await store.end_version(version.id, VersionStatus.DELETED)
    assert not await store.rate_version(version.id, "U1", False, "r9")
    assert [f.words for f in await store.list_feedback()] == [""]


async def test_what_waits_is_counted_and_a_probe_leaves_nothing(store: Store) -> None:
    assert (await store.count_backlog()).oldest is None
    for key in "abc":
        await store.add_job(a_job(), key, 9, a_thread())
    last = await store.find_job(3)
    assert last is not None
    await store.end_job(last.id, JobStatus.WAITING)
    await store.probe()
    backlog = await store.count_backlog()
    assert backlog.jobs == {JobStatus.OPEN: 2, JobStatus.WAITING: 1, JobStatus.HELD: 0}
    assert (backlog.holds, backlog.heads) == (0, 0)
    assert backlog.oldest == (await store.get_job(1)).created_at
    async with store._read() as session:
        keys = (await session.scalars(select(SeenEvent.key))).all()
    assert sorted(keys) == ["a", "b", "c"]
