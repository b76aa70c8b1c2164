"""The head of a thread says the truth in the end, whatever goes wrong at the end of its drafts."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import chain

import pytest

from bot.app import Bot
from bot.store import DueHead, Job, JobKind, JobStatus, Store, Thread, VersionStatus
from bot.store.heads import CLAIM
from bot.store.models import now
from bot.workspace import PostedMessage
from tests.person import Person, StartBot, buttons
from tests.scripted_engine import ScriptedEngine


def is_true(head: PostedMessage) -> bool:
    """Say whether a head says that its draft stands."""
    return "stop_thread" not in buttons(head) and "1 draft" in str(head.blocks)


async def test_a_head_is_right_in_the_end_though_slack_fails_just_after_the_draft(
    bot: Bot, ana: Person
) -> None:
    ana.workspace.fail("chat.update", status=500, times=3)
    await ana.draft("blog: ship 1")
    await ana.sees_drafts(1)
    assert "stop_thread" in buttons(ana.root)
    await ana.workspace.until(lambda: is_true(ana.root))


async def test_a_head_that_was_left_wrong_is_put_right_by_the_next_start(
    start: StartBot, ana: Person
) -> None:
    async with start():
        ana.workspace.fail("chat.update", status=500, times=100)
        await ana.draft("blog: ship 1")
        await ana.sees_drafts(1)
    ana.workspace.heal()
    assert "stop_thread" in buttons(ana.root)
    async with start():
        await ana.workspace.until(lambda: is_true(ana.root), 5)


async def test_many_changes_are_shown_at_once_by_the_last_state(
    bot: Bot, ana: Person, engine: ScriptedEngine
) -> None:
    workspace = ana.workspace
    workspace.fail("chat.update", retry_after=1)
    await ana.draft("blog: ship 1")
    await ana.sees_drafts(1)
    before = len(workspace.calls)
    for word in ("mute", "unmute", "mute"):
        await ana.reply(word)
    await workspace.until(lambda: "uiet" in str(ana.root.blocks) or "mute" in str(ana.root.blocks))
    edits = [call for call in workspace.calls[before:] if call.method == "chat.update"]
    assert len(edits) <= 3


@pytest.fixture
async def stores(url: str) -> AsyncIterator[tuple[Store, Store]]:
    """Yield two stores of one database, as two bots have it."""
    one, other = await Store.open(url), await Store.open(url)
    yield one, other
    await one.close()
    await other.close()


async def begun(store: Store, name: str, n: int = 1) -> Job:
    """Commit a job whose head stands, and says that its drafts are being written."""
    thread = Thread(team="T1", channel="C1", requester=name, recipe="blog", brief="rain")
    job = Job(kind=JobKind.DRAFT, requester=name, sampling={"n": n})
    added = await store.add_job(job, key=f"key-{name}", limit=9, thread=thread)
    assert added is not None
    await store.set_root(added.thread_id, f"{name}.0", n)
    return added


async def claimed(store: Store) -> list[int]:
    """Claim all that is due, and return the threads, in this order."""
    threads = []
    while head := await store.claim_head():
        threads.append(head.thread.id)
    return threads


async def shown(store: Store, job: Job, writing: int = 0) -> None:
    """Show the head of a job's thread."""
    head = await store.claim_head()
    assert head is not None
    assert head.thread.id == job.thread_id
    await store.record_shown(head, writing)


async def test_what_a_head_says_makes_it_due_where_it_changes(
    stores: tuple[Store, Store],
) -> None:
    store, _ = stores
    job = await begun(store, "ana", n=2)
    first, second = await store.ensure_versions(job)
    assert not await store.has_due_head(), "it says already that two are being written"
    await store.end_version(first.id, VersionStatus.FINISHED, text="Rain.")
    await shown(store, job, writing=1)
    assert await store.stop_version(second.id)
    await shown(store, job)
    for change in (
        store.mark_accepted(first.id, "https://acme.slack.com/x"),
        store.set_muted(job.thread_id, "ana"),
        store.end_version(first.id, VersionStatus.DELETED),
    ):
        assert not await store.has_due_head()
        await change
        await shown(store, job)
    await store.end_job(job.id, JobStatus.DONE)
    assert not await store.has_due_head()


async def test_the_end_of_a_job_without_a_draft_makes_its_head_due(
    stores: tuple[Store, Store],
) -> None:
    store, _ = stores
    job = await begun(store, "ana")
    await store.end_job(job.id, JobStatus.FAILED)
    await shown(store, job)


async def test_two_bots_show_each_head_once(stores: tuple[Store, Store]) -> None:
    one, other = stores
    jobs = [await begun(one, f"person-{n}") for n in range(12)]
    for job in jobs:
        await one.end_job(job.id, JobStatus.FAILED)
    both = await asyncio.gather(claimed(one), claimed(other), claimed(one), claimed(other))
    assert sorted(chain(*both)) == sorted(job.thread_id for job in jobs)
    assert not await one.has_due_head()
    await other.free_heads()
    assert await one.has_due_head()


async def test_a_stop_button_for_nothing_goes_before_a_link_that_is_missing(
    stores: tuple[Store, Store],
) -> None:
    store, _ = stores
    accepted, misleading = await begun(store, "ana"), await begun(store, "ben")
    (version,) = await store.ensure_versions(accepted)
    await store.end_version(version.id, VersionStatus.FINISHED)
    await shown(store, accepted)
    await store.mark_accepted(version.id)
    await store.end_job(misleading.id, JobStatus.FAILED)
    assert await claimed(store) == [misleading.thread_id, accepted.thread_id]


async def test_what_changes_while_a_head_is_shown_makes_it_due_once_more(
    stores: tuple[Store, Store],
) -> None:
    store, _ = stores
    job = await begun(store, "ana")
    await store.set_muted(job.thread_id, "ana")
    head = await store.claim_head()
    assert head is not None
    await store.set_muted(job.thread_id, None)
    await store.record_shown(head, 1)
    assert await claimed(store) == [job.thread_id]


async def test_a_head_that_two_bots_showed_at_once_is_shown_once_more(
    stores: tuple[Store, Store],
) -> None:
    one, other = stores
    job = await begun(one, "ana")
    await one.set_muted(job.thread_id, "ana")
    slow = await one.claim_head()
    assert slow is not None
    await one.end_job(job.id, JobStatus.FAILED)
    await other.set_muted(job.thread_id, None)
    await shown(other, job)
    assert not await other.has_due_head()
    await one.record_shown(slow, 1)
    assert one.heads_due.is_set()
    await shown(other, job)
    assert not await one.has_due_head()


async def test_a_head_that_is_put_off_is_due_later_and_a_clock_that_was_wrong_hides_none(
    stores: tuple[Store, Store],
) -> None:
    store, _ = stores
    job = await begun(store, "ana")
    await store.set_muted(job.thread_id, "ana")
    head = await store.claim_head()
    assert head is not None
    await store.put_off_head(head, 0.1)
    assert not await store.has_due_head()
    await asyncio.sleep(0.15)
    head = await store.claim_head()
    assert head is not None
    await store._update(Thread, job.thread_id, head_due=now() + timedelta(seconds=9 * CLAIM))
    assert isinstance(await store.claim_head(), DueHead)
