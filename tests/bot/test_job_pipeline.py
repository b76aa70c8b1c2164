"""The way of one job, in a Slack of memory; store, filter and the client of the worker are real."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from bot.drafting.brief.recipe import load_recipes
from bot.drafting.drafting_settings import DraftingSettings
from bot.drafting.jobs import draft_footers, generation, measuring
from bot.drafting.jobs.job_context import JobContext
from bot.drafting.jobs.pipeline import JobPipeline
from bot.drafting.jobs.thread_heads import ThreadHeads
from bot.drafting.jobs.worker_queue import WorkerQueue
from bot.drafting.origin import Origin
from bot.drafting.slack_port import Content, NoFile, NotThere, SlackUnavailable
from bot.drafting.sources import Sources
from bot.store import (
    Job,
    JobKind,
    JobStatus,
    LeaseLost,
    Source,
    Store,
    Thread,
    VersionStatus,
)
from inference.client import EngineClient
from safety import AuditLog, Filter, load_policy
from tests.bot.fakes import FakeMessage, FakePeople, FakeSlack, until
from tests.scripted_engine import ScriptedEngine, essay

SECRET = "password: hunter2xyzQ9"
PATIENCE = 5.0


@dataclass
class Desk:
    """A job's surroundings, and what a test does with them."""

    context: JobContext
    engine: ScriptedEngine
    slack: FakeSlack
    people: FakePeople
    settled: list[int] = field(default_factory=list)
    keys: int = 0

    @property
    def store(self) -> Store:
        return self.context.store

    async def ask(
        self, brief: str = "a tram in Lisbon", sources: Sequence[Source] = (), **known: Any
    ) -> Job:
        """Commit a brief, or what is asked in its thread."""
        self.keys += 1
        sampling = self.context.settings.options(seed=7).model_dump()
        sampling |= {"n": known.pop("n", 1)} | known.pop("chosen", {})
        fields: dict[str, Any] = {"kind": JobKind.DRAFT, "requester": "U1"} | known
        thread = None
        if "thread_id" not in fields:
            thread = Thread(team="T1", channel="C1", requester="U1", recipe="blog", brief=brief)
        job = Job(sampling=sampling, **fields)
        added = await self.store.add_job(
            job, key=f"k{self.keys}", limit=9, thread=thread, sources=sources
        )
        assert added is not None
        return added

    def pipeline(self, job: Job) -> JobPipeline:
        async def settled(job_id: int) -> None:
            self.settled.append(job_id)

        return JobPipeline(job, self.context, settled)

    async def run(self, job: Job) -> JobStatus:
        """Run the job once, and return its status."""
        await self.pipeline(job).run()
        return await self.status(job)

    async def head(self, job: Job) -> Content:
        thread = await self.store.get_thread(job.thread_id)
        return self.slack.contents[self.slack.standing[thread.post_key]]

    async def show_heads(self) -> None:
        await ThreadHeads(self.context).show_due()

    async def status(self, job: Job) -> JobStatus:
        return (await self.store.get_job(job.id)).status

    async def done(self, **known: Any) -> tuple[Job, FakeMessage]:
        """Return a job that was run, and the message of its first draft."""
        job = await self.ask(**known)
        assert await self.run(job) is JobStatus.DONE
        return job, self.slack.drafts[-1]


@pytest.fixture(scope="module")
def filter_(tmp_path_factory: pytest.TempPathFactory) -> Filter:
    audit = AuditLog(tmp_path_factory.mktemp("audit") / "audit.jsonl", SecretStr("k" * 32))
    return Filter(load_policy(None), audit=audit)


@pytest.fixture
async def desk(tmp_path: Path, filter_: Filter) -> AsyncIterator[Desk]:
    async def no_file(file_id: str, most: int) -> Any:
        raise NoFile("gone")

    async def no_thread(asked: object) -> Any:
        raise NotThere("not_in_channel")

    store = await Store.open(f"sqlite+aiosqlite:///{tmp_path / 'test.db'}")
    slack, people = FakeSlack(), FakePeople()
    async with ScriptedEngine() as engine, EngineClient(engine.url) as client:
        context = JobContext(
            store=store,
            slack=slack,
            engine=client,
            filter=filter_,
            people=people,
            recipes=load_recipes(None),
            sources=Sources(store, no_file, no_thread, 1_000),
            queue=WorkerQueue(),
            settings=DraftingSettings(worker_patience=PATIENCE),
            bot_user="UBOT",
        )
        yield Desk(context, engine, slack, people)
    await store.close()


async def test_a_brief_becomes_a_head_and_a_finished_draft(desk: Desk) -> None:
    job, draft = await desk.done()
    (version,) = await desk.store.list_versions(job.thread_id)
    assert (version.status, version.text) == (VersionStatus.FINISHED, draft.text)
    assert draft.text == essay(desk.engine.requests[0])
    assert draft.ended("finished")
    await desk.show_heads()
    head = await desk.head(job)
    assert "a tram in Lisbon" in str(head.said)
    assert "1 draft" in str(head.note)
    assert not head.buttons
    assert desk.slack.reactions == ["repeat"]


async def test_while_drafts_are_written_the_head_has_a_button_that_stops_them(desk: Desk) -> None:
    desk.engine.gate.clear()
    running = asyncio.create_task(desk.run(job := await desk.ask(n=2)))
    await until(lambda: desk.engine.running == 1)
    head = await desk.head(job)
    assert [button.action_id for button in head.buttons] == ["stop_thread"]
    desk.engine.gate.set()
    assert await running is JobStatus.DONE
    assert len({draft.text for draft in desk.slack.drafts}) == 2


async def test_a_guest_is_told_and_nothing_is_written(desk: Desk) -> None:
    desk.people.guests = {"U1"}
    assert await desk.run(await desk.ask()) is JobStatus.REFUSED
    assert len(desk.slack.told) == 1
    assert (desk.slack.standing, desk.engine.requests) == ({}, [])


async def test_a_guests_emoji_are_answered_once_in_a_thread(desk: Desk) -> None:
    job, _ = await desk.done()
    (version,) = await desk.store.list_versions(job.thread_id)
    desk.people.guests = {"U2"}
    for _ in range(2):
        again = await desk.ask(
            kind=JobKind.REGENERATE, requester="U2", thread_id=job.thread_id, again_id=version.id
        )
        assert await desk.run(again) is JobStatus.REFUSED
    assert len(desk.slack.told) == 1


async def test_what_a_guest_was_not_told_is_told_by_the_next_run(desk: Desk) -> None:
    job, _ = await desk.done()
    (version,) = await desk.store.list_versions(job.thread_id)
    desk.people.guests = {"U1"}
    again = await desk.ask(
        kind=JobKind.REGENERATE, thread_id=job.thread_id, again_id=version.id, requester="U1"
    )
    desk.slack.failing = {"tell": SlackUnavailable("chat.postEphemeral")}
    with pytest.raises(SlackUnavailable):
        await desk.run(again)
    assert await desk.run(again) is JobStatus.REFUSED
    assert len(desk.slack.told) == 1


async def test_a_brief_that_the_filter_blocks_is_kept_nowhere(desk: Desk) -> None:
    job = await desk.ask(f"our launch, {SECRET}")
    assert await desk.run(job) is JobStatus.REFUSED
    assert "assigned_password" in desk.slack.told[0]
    assert SECRET not in desk.slack.told[0]
    assert SECRET not in (await desk.store.get_thread(job.thread_id)).brief
    assert desk.engine.requests == []


async def test_a_source_that_the_filter_blocks_is_dropped_and_the_brief_is_kept(
    desk: Desk,
) -> None:
    source = Source(key="s1", name="notes", text=SECRET, left_out=0, author="U1")
    job = await desk.ask(sources=[source])
    assert await desk.run(job) is JobStatus.REFUSED
    assert await desk.store.list_sources(job) == []
    assert (await desk.store.get_thread(job.thread_id)).brief == "a tram in Lisbon"


@pytest.mark.parametrize(
    "known",
    [
        {"text": SECRET},
        {"text": "", "file": "F1"},
        {"text": "", "origin": Origin("thread", "C9", "1.0", "2.0").to_dict()},
    ],
)
async def test_a_bad_source_that_could_not_be_told_of_is_told_of_by_the_next_run(
    desk: Desk, known: dict[str, Any]
) -> None:
    job = await desk.ask(sources=[Source(key="s1", name="notes", author="U1", **known)])
    desk.slack.failing = {"tell": SlackUnavailable("chat.postEphemeral")}
    with pytest.raises(SlackUnavailable):
        await desk.run(job)
    assert await desk.run(job) is JobStatus.REFUSED
    assert len(desk.slack.told) == 1
    assert desk.engine.requests == []
    assert await desk.store.list_sources(job) == []


async def test_a_draft_that_the_filter_blocks_is_taken_back_and_its_requester_told(
    desk: Desk,
) -> None:
    desk.engine.write = lambda body: f"A first sentence. The {SECRET} is here. And more. " * 3
    job, draft = await desk.done()
    (version,) = await desk.store.list_versions(job.thread_id)
    assert (version.status, version.text) == (VersionStatus.BLOCKED, "")
    assert draft.ended("retracted")
    assert SECRET not in draft.text
    assert "assigned_password" in desk.slack.told[0]


@pytest.mark.parametrize("call", ["post", "open", "show", "finished"])
async def test_what_slack_did_not_take_is_done_by_the_next_run_and_nothing_twice(
    desk: Desk, call: str
) -> None:
    job = await desk.ask()
    desk.slack.failing = {call: SlackUnavailable("chat.update")}
    try:
        await desk.run(job)
    except SlackUnavailable:
        assert await desk.status(job) is JobStatus.OPEN
        assert await desk.run(job) is JobStatus.DONE
    (version,) = await desk.store.list_versions(job.thread_id)
    assert version.text == essay(desk.engine.requests[0])
    assert version.status is VersionStatus.FINISHED
    assert desk.slack.drafts[-1].end is not None
    assert desk.slack.drafts[-1].end[0] == "finished"


async def test_the_next_run_shows_only_what_does_not_stand(desk: Desk) -> None:
    job = await desk.ask()
    desk.slack.failing = {"finished": SlackUnavailable("chat.update")}
    with pytest.raises(SlackUnavailable):
        await desk.run(job)
    await desk.run(job)
    first, second = desk.slack.drafts
    assert second.shown is not None
    assert second.shown.chars == len(first.text)
    assert len(desk.engine.requests) == 1


async def test_what_an_earlier_process_left_at_work_is_set_to_rest_once(desk: Desk) -> None:
    job = await desk.ask()
    desk.slack.failing = {"finished": SlackUnavailable("chat.update")}
    with pytest.raises(SlackUnavailable):
        await desk.run(job)
    desk.slack.rests.clear()
    await desk.run(job)
    assert desk.slack.rests.count(True) == 1


async def test_a_channel_that_is_closed_to_the_bot_rests_the_job(desk: Desk) -> None:
    job = await desk.ask()
    closed = NotThere("channel_not_found")
    desk.slack.failing = {"post": closed, "is_member": closed}
    assert await desk.run(job) is JobStatus.WAITING
    assert desk.slack.offered == ["draft_in_dm"]
    assert "UBOT" in desk.slack.told[0]


async def test_a_public_channel_is_joined(desk: Desk) -> None:
    desk.slack.outside = {"C1"}
    desk.slack.failing = {"post": NotThere("not_in_channel")}
    await desk.done()
    assert desk.slack.outside == set()


async def test_an_archived_channel_ends_the_job(desk: Desk) -> None:
    desk.slack.failing = {"post": NotThere("x"), "is_member": NotThere("is_archived")}
    assert await desk.run(await desk.ask()) is JobStatus.FAILED
    assert "archived" in desk.slack.told[0]


async def test_a_draft_that_somebody_deletes_ends_alone(desk: Desk) -> None:
    desk.slack.failing = {"show": NotThere("message_not_found")}
    job, _ = await desk.done(n=2)
    statuses = [version.status for version in await desk.store.list_versions(job.thread_id)]
    assert sorted(statuses) == [VersionStatus.DELETED, VersionStatus.FINISHED]


async def test_a_stop_ends_the_version_that_it_names(desk: Desk) -> None:
    desk.engine.gate.clear()
    job = await desk.ask(n=2)
    pipeline = desk.pipeline(job)
    running = asyncio.create_task(pipeline.run())
    await until(lambda: desk.engine.running == 1)
    first, _ = await desk.store.list_versions(job.thread_id)
    pipeline.stop(first.id)
    desk.engine.gate.set()
    await running
    statuses = [version.status for version in await desk.store.list_versions(job.thread_id)]
    assert statuses == [VersionStatus.STOPPED, VersionStatus.FINISHED]


async def test_a_stop_of_all_ends_the_wait_and_the_request(desk: Desk) -> None:
    desk.engine.gate.clear()
    job = await desk.ask()
    pipeline = desk.pipeline(job)
    running = asyncio.create_task(pipeline.run())
    await until(lambda: desk.engine.running == 1)
    (version,) = await desk.store.list_versions(job.thread_id)
    pipeline.stop(version.id)
    await running
    await until(lambda: desk.engine.running == 0)
    assert (await desk.store.get_version(version.id)).status is VersionStatus.STOPPED


async def test_a_run_that_ends_leaves_no_message_that_grows(desk: Desk) -> None:
    job = await desk.ask(n=2)
    desk.engine.gate.clear()
    pipeline = desk.pipeline(job)
    run = asyncio.create_task(pipeline.run())
    await until(lambda: len(desk.slack.drafts) == 2)
    desk.slack.failing = {"stopped": SlackUnavailable("chat.update")}
    for version in await desk.store.list_versions(job.thread_id):
        await desk.store.stop_version(version.id)
        pipeline.stop(version.id)
    with pytest.raises(SlackUnavailable):
        await run
    assert not any(draft.is_written for draft in desk.slack.drafts)
    desk.slack.failing = {"stopped": SlackUnavailable("chat.update")}
    with pytest.raises(SlackUnavailable):
        await desk.run(job)
    assert not any(draft.is_written for draft in desk.slack.drafts)
    assert await desk.run(job) is JobStatus.DONE
    assert all(draft.ended("stopped") for draft in desk.slack.drafts[-2:])


async def test_a_refinement_waits_for_the_draft_that_it_refines(desk: Desk) -> None:
    desk.engine.gate.clear()
    first = await desk.ask()
    running = asyncio.create_task(desk.run(first))
    await until(lambda: desk.engine.running == 1)
    (version,) = await desk.store.list_versions(first.thread_id)
    refinement = await desk.ask(
        kind=JobKind.REFINE,
        thread_id=first.thread_id,
        parent_id=version.id,
        instruction="shorter, and mention the tram",
    )

    async def settled(job_id: int) -> None:
        assert job_id == first.id
        desk.engine.gate.set()
        await running

    await JobPipeline(refinement, desk.context, settled).run()
    assert await desk.status(refinement) is JobStatus.DONE
    told = [message["content"] for message in desk.engine.requests[-1]["messages"]]
    assert told[-1] == "shorter, and mention the tram"
    assert told[-2] == (await desk.store.get_version(version.id)).text


async def test_a_refinement_of_a_draft_without_text_is_refused(desk: Desk) -> None:
    first = await desk.ask()
    (version,) = await desk.store.ensure_versions(first)
    await desk.store.end_version(version.id, VersionStatus.FAILED)
    refinement = await desk.ask(
        kind=JobKind.REFINE, thread_id=first.thread_id, parent_id=version.id, instruction="shorter"
    )
    assert await desk.run(refinement) is JobStatus.REFUSED
    assert desk.engine.requests == []


async def test_a_stream_that_breaks_is_asked_for_again_and_shown_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generation, "ENGINE_PAUSE", 0.0)
    desk.engine.die_after = 20
    job, draft = await desk.done()
    first, second = desk.engine.requests
    assert first == second
    assert draft.text == essay(second)
    (version,) = await desk.store.list_versions(job.thread_id)
    assert version.text == essay(second)


async def test_a_worker_that_dies_on_every_try_ends_the_job(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generation, "ENGINE_PAUSE", 0.0)

    def dies(body: dict[str, Any]) -> str:
        desk.engine.die_after = 2
        return essay(body)

    desk.engine.write = dies
    job = await desk.ask()
    assert await desk.run(job) is JobStatus.FAILED
    assert len(desk.engine.requests) == generation.ENGINE_DEATHS
    (version,) = await desk.store.list_versions(job.thread_id)
    assert version.status is VersionStatus.FAILED


async def test_a_worker_that_is_full_is_told_and_waited_for(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generation, "ENGINE_PAUSE", 0.0)
    desk.engine.full = 2
    await desk.done()
    assert len(desk.slack.told) == 1
    assert len(desk.engine.requests) == 3


async def test_history_is_left_out_until_the_model_can_hold_the_rest(desk: Desk) -> None:
    job, _ = await desk.done()
    for instruction in ("shorter", "warmer", "bolder"):
        parent = (await desk.store.list_versions(job.thread_id))[-1]
        last = await desk.ask(
            kind=JobKind.REFINE,
            thread_id=job.thread_id,
            parent_id=parent.id,
            instruction=instruction,
        )
        if instruction == "bolder":
            desk.engine.refuse = lambda body: (
                {"message": "Too long.", "code": "context_length_exceeded"}
                if len(body["messages"]) > 6
                else None
            )
        assert await desk.run(last) is JobStatus.DONE
    assert len(desk.engine.requests[-1]["messages"]) == 6


async def test_what_the_worker_refuses_is_told_in_its_words(desk: Desk) -> None:
    desk.engine.refuse = lambda _: {"message": "No such model.", "code": "model_not_found"}
    assert await desk.run(await desk.ask()) is JobStatus.REFUSED
    assert "No such model." in desk.slack.told[0]


async def test_a_job_that_was_taken_again_and_again_is_given_up_before_it_does_harm(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.drafting.jobs.pipeline.MOST_EPOCHS", 0)
    await desk.ask()
    (taken,) = await desk.store.claim_jobs("bot", 9, [])
    assert await desk.run(taken) is JobStatus.FAILED
    assert desk.engine.requests == []
    assert len(desk.slack.told) == 1


async def test_the_third_error_of_ours_is_told_without_its_text(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ValueError("a text of somebody's")

    monkeypatch.setattr(desk.context.sources, "of", broken)
    job = await desk.ask()
    for _ in range(2):
        with pytest.raises(ValueError, match="somebody"):
            await desk.run(job)
        assert desk.slack.told == []
        await desk.store.count_failure(job.id)
    assert await desk.run(job) is JobStatus.FAILED
    assert len(desk.slack.told) == 1
    assert "text of somebody" not in desk.slack.told[0]


async def test_an_accepted_draft_goes_to_its_channel(desk: Desk) -> None:
    job, draft = await desk.done()
    (version,) = await desk.store.list_versions(job.thread_id)
    accept = await desk.ask(
        kind=JobKind.ACCEPT,
        thread_id=job.thread_id,
        parent_id=version.id,
        n=0,
        chosen={"way": "channel"},
    )
    assert await desk.run(accept) is JobStatus.DONE
    assert desk.slack.texts == [("C1", draft.text)]
    assert (await desk.store.get_version(version.id)).accepted_at


@pytest.mark.parametrize(("way", "kind"), [("md", "md"), ("docx", "docx")])
async def test_an_accepted_draft_goes_into_its_thread_as_a_file(
    desk: Desk, way: str, kind: str
) -> None:
    job, draft = await desk.done()
    (version,) = await desk.store.list_versions(job.thread_id)
    accept = await desk.ask(
        kind=JobKind.ACCEPT,
        thread_id=job.thread_id,
        parent_id=version.id,
        n=0,
        chosen={"way": way},
    )
    assert await desk.run(accept) is JobStatus.DONE
    assert desk.slack.files == [(draft.text, kind)]


async def accepted(desk: Desk, way: str, *, edited: str | None = None, **thread: str | None) -> Job:
    """Return a job that accepts a draft of a thread that stands as these fields say.

    `edited`: what somebody made of its text.
    """
    job, _ = await desk.done()
    if thread:
        await desk.store.move_thread(job.thread_id, **thread)  # type: ignore[arg-type]
        await desk.store.set_root(job.thread_id, "1.0")
    (version,) = await desk.store.list_versions(job.thread_id)
    return await desk.ask(
        kind=JobKind.ACCEPT,
        n=0,
        chosen={"way": way},
        thread_id=job.thread_id,
        parent_id=version.id,
        instruction=edited,
    )


@pytest.mark.parametrize("way", ["channel", "person"])
async def test_a_delivery_that_is_run_again_posts_nothing_twice(desk: Desk, way: str) -> None:
    job = await accepted(desk, way)
    for _ in range(2):
        # As if the bot had died before the job's end was committed.
        await desk.store.reopen_waiting(job)
        assert await desk.run(job) is JobStatus.DONE
    assert len(desk.slack.texts) == 1
    version = await desk.store.get_version(job.parent_id or 0)
    assert bool(version.posted_url) is (way == "channel")
    told = [key for key in desk.slack.standing if key.endswith("/told")]
    assert len(told) == (way == "channel")


async def test_a_text_does_not_go_where_whoever_accepts_it_does_not_see_it(desk: Desk) -> None:
    job = await accepted(desk, "channel", channel="D1", post_to="C1")
    desk.slack.unseen = {"C1"}
    assert await desk.run(job) is JobStatus.REFUSED
    assert "you are not in <#C1>" in desk.slack.told[0]
    assert desk.slack.texts == []
    desk.slack.unseen = set()
    await desk.store.end_job(job.id, JobStatus.WAITING)
    await desk.store.reopen_waiting(job)
    assert await desk.run(job) is JobStatus.DONE


async def test_a_draft_that_was_deleted_meanwhile_is_not_posted(desk: Desk) -> None:
    job = await accepted(desk, "channel")
    desk.slack.outside = {"C1"}
    desk.slack.failing = {"join": NotThere("method_not_supported_for_channel_type")}
    assert await desk.run(job) is JobStatus.WAITING
    await desk.store.end_version(job.parent_id or 0, VersionStatus.DELETED)
    await desk.store.reopen_waiting(job)
    assert await desk.run(job) is JobStatus.REFUSED
    assert desk.slack.texts == []
    # The address of a file has words of the text in it.
    await desk.store.mark_accepted(job.parent_id or 0, "https://acme.slack.com/files/rain.md")
    assert (await desk.store.get_version(job.parent_id or 0)).posted_url is None


async def test_a_thread_that_is_gone_does_not_undo_that_its_text_was_posted(desk: Desk) -> None:
    job = await accepted(desk, "channel")
    desk.slack.failing = {"post": NotThere("thread_not_found")}
    assert await desk.run(job) is JobStatus.DONE
    assert len(desk.slack.texts) == 1
    assert desk.slack.told == []


async def test_the_name_of_a_person_carries_no_markup_into_a_file(desk: Desk) -> None:
    assert await desk.run(await accepted(desk, "md")) is JobStatus.DONE
    assert desk.slack.marks == ["Drafted with AI, accepted by U1 the pen here"]


async def test_a_deleted_draft_is_gone_from_store_and_slack(desk: Desk) -> None:
    job, _ = await desk.done()
    (version,) = await desk.store.list_versions(job.thread_id)
    parts = await desk.store.list_posts(version.id)
    delete = await desk.ask(kind=JobKind.DELETE, thread_id=job.thread_id, parent_id=version.id, n=0)
    assert await desk.run(delete) is JobStatus.DONE
    assert desk.slack.deleted == parts
    assert (await desk.store.get_version(version.id)).status is VersionStatus.DELETED


async def test_a_run_whose_job_others_took_ends_without_a_word(desk: Desk) -> None:
    job = await desk.ask()

    desk.engine.gate.clear()
    running = asyncio.create_task(desk.run(job))
    await until(lambda: bool(desk.engine.requests))
    assert await desk.store.claim_jobs("another bot", 9, [])
    desk.engine.gate.set()
    with pytest.raises(LeaseLost):
        await running
    (version,) = await desk.store.list_versions(job.thread_id)
    assert (version.text, version.status) == ("", VersionStatus.WRITING)
    (message,) = desk.slack.drafts
    assert (message.text, message.end, desk.slack.told) == ("", None, [])
    assert desk.slack.at_work == set()


async def test_hidden_drafts_go_with_the_last_that_is_shown(desk: Desk) -> None:
    job, _ = await desk.done(n=3, chosen={"best": True})
    versions = await desk.store.list_versions(job.thread_id)
    assert all(version.text for version in versions)
    (best,) = [version for version in versions if not version.hidden]
    more, last = [version for version in versions if version.hidden]
    await desk.store.reveal(job.id, more.id)
    await desk.store.end_version(best.id, VersionStatus.DELETED)
    assert (await desk.store.get_version(last.id)).text
    await desk.store.end_version(more.id, VersionStatus.DELETED)
    left = await desk.store.list_versions(job.thread_id)
    assert [(each.status, each.text) for each in left] == [(VersionStatus.DELETED, "")] * 3


async def test_of_an_edit_that_is_stopped_as_it_is_posted_nothing_is_kept(desk: Desk) -> None:
    job = await accepted(desk, "channel", edited=f"The {SECRET} is new.")
    assert await desk.run(job) is JobStatus.REFUSED
    assert not (await desk.store.get_job(job.id)).instruction
    assert desk.slack.texts == []


async def test_of_an_edit_only_what_was_posted_is_kept(desk: Desk) -> None:
    job = await accepted(desk, "channel", edited="Write to jane.roe@acme-corp.com today.")
    assert await desk.run(job) is JobStatus.DONE
    ((_, posted),) = desk.slack.texts
    assert "jane.roe" not in posted
    assert (await desk.store.get_job(job.id)).instruction == posted


async def test_a_text_that_no_measure_reads_keeps_no_draft_from_anybody(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    errors: list[Exception] = [ValueError("no sentence"), TimeoutError()]

    async def measure(*_: object) -> Any:
        raise errors.pop()

    monkeypatch.setattr(measuring, "measure", measure)
    _, draft = await desk.done(n=2, chosen={"best": True})
    assert draft.text
    assert errors == []


async def test_footers_that_fail_time_after_time_are_given_up(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[int] = []

    async def break_off(*_: object) -> Any:
        tries.append(1)
        raise ValueError

    await desk.done(n=2)
    monkeypatch.setattr(draft_footers, "measure_siblings", break_off)
    footers = draft_footers.DraftFooters(desk.context)
    for _ in range(draft_footers.MOST_TRIES + 2):
        await footers.show_due()
        await desk.store.free_footers()
    assert len(tries) == draft_footers.MOST_TRIES
