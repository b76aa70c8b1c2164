"""What people do with drafts, asked of the domain itself: the store is real, jobs only begin."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from bot.drafting.actions import DraftActions
from bot.drafting.brief.brief import BadBrief
from bot.drafting.destination import Destination
from bot.drafting.draft_action import DraftAction, Way
from bot.drafting.drafting_settings import DraftingSettings
from bot.drafting.jobs.intake import Intake, Invocation
from bot.drafting.jobs.jobs import Jobs
from bot.drafting.jobs.lease import Lease
from bot.drafting.origin import Origin
from bot.drafting.slack_port import SlackUnavailable
from bot.drafting.sources import from_messages
from bot.errors import UserError
from bot.store import Job, JobKind, JobStatus, Store, Thread, Version, VersionStatus
from bot.store.models import now
from tests.bot.fakes import FakePeople

TEXT = "The tram climbs to the castle. It rings twice."


class StartedJobs(Jobs):
    """Jobs that are started and stopped on paper."""

    def __init__(self, store: Store) -> None:
        lease = Lease(store, SecretStr("key"), 30)
        super().__init__(store, lambda job, settled: pytest.fail("nothing is run here"), lease)
        self.started: list[Job] = []
        self.stopped: list[int] = []

    def start(self, job: Job) -> None:
        self.started.append(job)

    def stop(self, job_id: int, version_id: int) -> None:
        self.stopped.append(version_id)


@dataclass
class Desk:
    """Ada's thread in C1, and what people do there."""

    store: Store
    jobs: StartedJobs
    people: FakePeople = field(default_factory=FakePeople)
    keys: int = 0

    def actions(self, **settings: Any) -> DraftActions:
        intake = Intake(self.store, self.jobs, 3, waits=lambda _: None)
        return DraftActions(
            self.store,
            self.jobs,
            intake,
            self.people,
            DraftingSettings(**settings),
        )

    def by(self, user: str = "ada", key: str | None = None) -> Invocation:
        self.keys += 1
        return Invocation(user, "T1", "C1", key or f"key-{self.keys}")

    async def job(self, n: int = 1, user: str = "ada") -> Job:
        """Commit a brief whose thread stands in C1."""
        self.keys += 1
        thread = Thread(team="T1", channel="C1", requester=user, recipe="blog", brief="a tram")
        sampling = DraftingSettings().options(7).model_dump() | {"n": n}
        job = Job(kind=JobKind.DRAFT, requester=user, sampling=sampling)
        added = await self.store.add_job(job, key=f"brief-{self.keys}", limit=9, thread=thread)
        assert added is not None
        await self.store.set_root(added.thread_id, f"{added.thread_id}.0")
        return added

    async def drafts(self, n: int = 1, *, user: str = "ada", text: str = TEXT) -> list[Version]:
        """Write drafts to their end; each has a message."""
        job = await self.job(n, user)
        versions = []
        for version in await self.store.ensure_versions(job):
            await self.store.record_post(version.id, 1, "C1", f"{version.id}.5")
            versions.append(
                await self.store.end_version(version.id, VersionStatus.FINISHED, text=text)
            )
        await self.store.end_job(job.id, JobStatus.DONE)
        return versions

    async def thread(self, version: Version) -> Thread:
        return await self.store.get_thread(version.thread_id)

    @property
    def asked(self) -> list[tuple[JobKind, int | None, str | None]]:
        """Kind, draft and words of the jobs that were started."""
        return [(job.kind, job.parent_id, job.instruction) for job in self.jobs.started]


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    store = await Store.open(f"sqlite+aiosqlite:///{tmp_path / 'test.db'}")
    yield Desk(store, StartedJobs(store))
    await store.close()


def said(error: pytest.ExceptionInfo[UserError]) -> str:
    return error.value.sentence.name


async def test_a_reply_changes_the_draft_that_was_finished_last(desk: Desk) -> None:
    _, last = await desk.drafts(2)
    answer = await desk.actions().reply(
        await desk.thread(last), "shorter", desk.by(), mentioned=False
    )
    assert answer is None
    assert desk.asked == [(JobKind.REFINE, last.id, "shorter")]
    sampling = desk.jobs.started[0].sampling
    assert sampling["n"] == 1
    assert sampling["seed"] != 7


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        ("1: shorter", "shorter"),
        ("> The tram climbs\nshorter", "> The tram climbs\nshorter"),
        ("https://acme.slack.com/archives/C1/p{ts} shorter", "shorter"),
    ],
)
async def test_a_reply_changes_the_draft_that_it_points_to(
    desk: Desk, reply: str, words: str
) -> None:
    first, second = await desk.drafts(2)
    await desk.store.end_version(second.id, VersionStatus.FINISHED, text="Something else.")
    channel_ts = (await desk.store.list_posts(first.id))[0]
    whole, fraction = channel_ts.split(".")
    reply = reply.format(ts=whole + fraction.ljust(6, "0"))
    await desk.store.record_post(first.id, 1, "C1", f"{whole}.{fraction.ljust(6, '0')}")
    await desk.actions().reply(await desk.thread(first), reply, desk.by(), mentioned=False)
    assert desk.asked == [(JobKind.REFINE, first.id, words)]


@pytest.mark.parametrize(
    ("reply", "why"), [("#7: shorter", "no_such_draft"), ("#1:", "nothing_to_refine")]
)
async def test_a_reply_that_points_to_no_draft_is_answered(
    desk: Desk, reply: str, why: str
) -> None:
    (version,) = await desk.drafts()
    if why == "nothing_to_refine":
        await desk.store.end_version(version.id, VersionStatus.DELETED)
    with pytest.raises(UserError) as error:
        await desk.actions().reply(await desk.thread(version), reply, desk.by(), mentioned=False)
    assert said(error) == why
    assert desk.jobs.started == []


async def test_in_a_muted_thread_only_unmute_is_heard(desk: Desk) -> None:
    (version,) = await desk.drafts()
    actions = desk.actions()

    async def reply(text: str) -> str | None:
        thread = await desk.thread(version)
        answer = await actions.reply(thread, text, desk.by(), mentioned=True)
        return answer.name if answer else None

    assert await reply("mute") == "muted"
    assert await reply("shorter") is None
    assert desk.jobs.started == []
    thread = await desk.thread(version)
    told = [await actions.reply(thread, "hm", desk.by("ben"), mentioned=False) for _ in range(2)]
    assert [answer.name if answer else None for answer in told] == ["muted_reply", None]
    assert thread.muted_by == "ada"
    assert await reply("unmute") == "unmuted"
    assert (await desk.thread(version)).muted_by is None
    assert await desk.store.has_due_head()
    assert await reply("shorter") is None
    assert len(desk.jobs.started) == 1


async def test_an_old_delivery_of_mute_does_not_undo_what_came_later(desk: Desk) -> None:
    (version,) = await desk.drafts()
    actions, thread = desk.actions(), await desk.thread(version)
    mute = desk.by(key="Ev1")
    await actions.reply(thread, "mute", mute, mentioned=False)
    await actions.reply(thread, "unmute", desk.by(), mentioned=False)
    await actions.reply(thread, "mute", mute, mentioned=False)
    assert not (await desk.thread(version)).muted


async def test_of_mute_and_unmute_what_was_said_last_holds_whenever_it_comes(desk: Desk) -> None:
    (version,) = await desk.drafts()
    actions, thread, said = desk.actions(), await desk.thread(version), now()
    earlier = replace(desk.by(), at=said - timedelta(minutes=5))
    await actions.reply(thread, "unmute", replace(desk.by(), at=said), mentioned=False)
    assert await actions.reply(thread, "mute", earlier, mentioned=False) is None
    assert not (await desk.thread(version)).muted


async def test_a_stop_that_comes_late_stops_only_what_was_asked_for_before_it(desk: Desk) -> None:
    (version,) = await desk.store.ensure_versions(await desk.job())
    stopping, asked = desk.actions().stopping, now()
    before = asked - timedelta(minutes=5)
    await stopping.stop_thread(version.thread_id, "ada", before)
    assert await stopping.stop_all("ada", "C1", before) == 0
    assert (await desk.store.get_version(version.id)).status is VersionStatus.WRITING
    assert await stopping.stop_all("ada", "C1", asked) == 1


async def test_a_mute_that_failed_is_done_by_the_next_delivery(desk: Desk) -> None:
    (version,) = await desk.drafts()
    thread, mute = await desk.thread(version), desk.by(key="Ev1")
    desk.people.failing = [SlackUnavailable("users.info")]
    with pytest.raises(SlackUnavailable):
        await desk.actions().reply(thread, "mute", mute, mentioned=False)
    answer = await desk.actions().reply(thread, "mute", mute, mentioned=False)
    assert answer is not None
    assert answer.name == "muted"
    assert (await desk.thread(version)).muted


async def test_a_guest_mutes_nothing(desk: Desk) -> None:
    (version,) = await desk.drafts()
    desk.people.guests = {"guest"}
    answer = await desk.actions().reply(
        await desk.thread(version), "mute", desk.by("guest"), mentioned=False
    )
    assert answer is not None
    assert answer.name == "not_allowed"
    assert not (await desk.thread(version)).muted


@pytest.mark.parametrize(
    ("refiners", "user", "mentioned", "heard"),
    [
        ("anyone", "ben", False, True),
        ("requester", "ben", True, False),
        ("requester", "ada", False, True),
        ("mention", "ada", False, False),
        ("mention", "ben", True, True),
    ],
)
async def test_whose_replies_change_drafts_is_a_setting(
    desk: Desk, refiners: str, user: str, mentioned: bool, heard: bool
) -> None:
    (version,) = await desk.drafts()
    thread = await desk.thread(version)
    await desk.actions(refiners=refiners).reply(
        thread, "shorter", desk.by(user), mentioned=mentioned
    )
    assert bool(desk.jobs.started) is heard


async def test_a_reply_to_somebody_else_is_passed_over(desk: Desk) -> None:
    (version,) = await desk.drafts()
    await desk.actions().reply(
        await desk.thread(version), "shorter", desk.by(), mentioned=False, to_others=True
    )
    assert desk.jobs.started == []


async def test_files_without_a_word_are_kept_for_the_next_reply(desk: Desk) -> None:
    (version,) = await desk.drafts()
    answer = await desk.actions().reply(
        await desk.thread(version), "", desk.by(), mentioned=False, files=[("F1", "notes.txt")]
    )
    assert answer is not None
    assert answer.name == "source_kept_one"
    assert desk.jobs.started == []


async def test_what_a_reply_with_a_slip_brought_is_kept_for_the_form(desk: Desk) -> None:
    (version,) = await desk.drafts()
    thread, by = await desk.thread(version), desk.by()
    said = from_messages(Origin("around", "C1", "1.0", "2.0"), by.key, "ada")
    with pytest.raises(BadBrief):
        await desk.actions(max_brief=100).reply(
            thread, "x" * 101, by, mentioned=True, files=[("F1", "a.txt")], brings=[said]
        )
    await desk.actions().change(version, "shorter", desk.by())
    sources = await desk.store.list_sources(desk.jobs.started[0])
    assert [source.name for source in sources] == ["thread", "a.txt"]


async def test_three_deliveries_of_one_click_begin_one_job(desk: Desk) -> None:
    (version,) = await desk.drafts()
    for _ in range(3):
        await desk.actions().ask(version, DraftAction.REGENERATE, desk.by(key="Ev1"))
    assert len(desk.jobs.started) == 1
    assert desk.jobs.started[0].again_id == version.id


async def test_a_regeneration_that_is_under_way_is_joined(desk: Desk) -> None:
    (version,) = await desk.drafts()
    for user in ("ada", "ben"):
        await desk.actions().ask(version, DraftAction.REGENERATE, desk.by(user))
    assert len(desk.jobs.started) == 1


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        (DraftAction.SHORTER, JobKind.REFINE),
        (DraftAction.FORMAL, JobKind.REFINE),
        (DraftAction.CONTINUE, JobKind.CONTINUE),
        (DraftAction.ACCEPT, JobKind.ACCEPT),
        (DraftAction.DELETE, JobKind.DELETE),
    ],
)
async def test_each_click_begins_its_kind_of_job(
    desk: Desk, action: DraftAction, kind: JobKind
) -> None:
    (version,) = await desk.drafts()
    await desk.actions().ask(version, action, desk.by())
    assert [job.kind for job in desk.jobs.started] == [kind]


@pytest.mark.parametrize("action", [DraftAction.STOP, DraftAction.DELETE])
async def test_only_who_asked_for_a_draft_stops_or_deletes_it(
    desk: Desk, action: DraftAction
) -> None:
    (version,) = await desk.drafts()
    with pytest.raises(UserError) as error:
        await desk.actions().ask(version, action, desk.by("ben"))
    assert said(error) == "only_requester"


async def test_a_draft_is_accepted_once_for_each_place(desk: Desk) -> None:
    (version,) = await desk.drafts()
    actions = desk.actions()
    await actions.acceptance.accept(version, Way.CHANNEL, desk.by())
    await actions.acceptance.accept(version, Way.WORD, desk.by())
    await desk.store.mark_accepted(version.id)
    with pytest.raises(UserError) as error:
        await actions.acceptance.accept(
            await desk.store.get_version(version.id), Way.CHANNEL, desk.by()
        )
    assert said(error) == "accepted_already"
    assert [job.sampling["way"] for job in desk.jobs.started] == ["channel", "docx"]


async def test_what_was_drafted_in_private_is_asked_about_before_one_click_posts_it(
    desk: Desk,
) -> None:
    (version,) = await desk.drafts()
    assert await desk.actions().acceptance.asks_first(version, desk.by()) is None
    await desk.store.move_thread(version.thread_id, "D1", "C1")
    where = await desk.actions().acceptance.asks_first(version, desk.by())
    assert where == Destination("C1", apart=True)
    await desk.store.move_thread(version.thread_id, "D1", None)
    assert await desk.actions().acceptance.asks_first(version, desk.by()) is None
    assert await desk.actions().acceptance.destination(version) == Destination("D1", apart=False)
    assert desk.jobs.started == []


async def test_nobody_is_asked_about_what_they_may_not_accept(desk: Desk) -> None:
    (version,) = await desk.drafts()
    await desk.store.move_thread(version.thread_id, "D1", "C1")
    with pytest.raises(UserError) as error:
        await desk.actions(refiners="requester").acceptance.asks_first(version, desk.by("ben"))
    assert said(error) == "only_requester"


async def test_a_draft_without_text_is_not_accepted(desk: Desk) -> None:
    (version,) = await desk.drafts(text="  ")
    with pytest.raises(UserError) as error:
        await desk.actions().acceptance.accept(version, Way.CHANNEL, desk.by())
    assert said(error) == "nothing_to_accept"


async def test_a_stop_in_a_thread_ends_what_is_about_to_be_written_too(desk: Desk) -> None:
    job = await desk.job(n=2)
    await desk.actions().stopping.stop_thread(job.thread_id, "ada", now())
    versions = await desk.store.list_versions(job.thread_id)
    assert [version.status for version in versions] == [VersionStatus.STOPPED] * 2
    assert desk.jobs.stopped == [version.id for version in versions]


async def test_a_stop_in_a_thread_leaves_what_others_asked_for(desk: Desk) -> None:
    job = await desk.job()
    with pytest.raises(UserError) as error:
        await desk.actions().stopping.stop_thread(job.thread_id, "ben", now())
    assert said(error) == "only_requester"
    assert desk.jobs.stopped == []


async def test_a_stop_of_all_counts_what_runs_and_what_waits(desk: Desk) -> None:
    running, waiting, others = await desk.job(n=2), await desk.job(), await desk.job(user="ben")
    await desk.store.end_job(waiting.id, JobStatus.WAITING)
    assert await desk.actions().stopping.stop_all("ada", "C1", now()) == 3
    assert (await desk.store.get_job(waiting.id)).status is JobStatus.REFUSED
    assert len(desk.jobs.stopped) == 2
    assert (await desk.store.get_job(others.id)).status is JobStatus.OPEN
    assert (await desk.store.get_job(running.id)).status is JobStatus.OPEN


async def test_a_deleted_message_ends_its_draft(desk: Desk) -> None:
    (version,) = await desk.drafts()
    await desk.store.record_post(version.id, 2, "C1", "99.9")
    actions = desk.actions()
    # The outbox itself deletes a further message of a draft that became shorter.
    await actions.deleted("C1", "99.9")
    assert await actions.version_at("C1", f"{version.id}.5") is not None
    await actions.deleted("C1", f"{version.id}.5")
    assert await actions.version_at("C1", f"{version.id}.5") is None


async def test_a_click_on_a_draft_that_is_gone_is_answered(desk: Desk) -> None:
    with pytest.raises(UserError) as error:
        await desk.actions().version(404)
    assert said(error) == "draft_gone"


async def test_a_translation_is_asked_for_in_the_drafts_own_language(desk: Desk) -> None:
    (version,) = await desk.drafts()
    await desk.actions(model_languages=["en", "zh"]).rewrite(version, "translate-zh", "", desk.by())
    assert desk.jobs.started[0].sampling["lang"] == "zh"
    assert "Chinese" in str(desk.jobs.started[0].instruction)
