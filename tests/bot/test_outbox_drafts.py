"""Drafts that grow in a Slack on loopback, whatever goes wrong there."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pydantic import SecretStr

from bot.drafting.slack_port import (
    Button,
    Choice,
    Content,
    NotThere,
    Place,
    Shown,
    SlackRefused,
    SlackUnavailable,
    Thumbs,
    resuming,
)
from bot.messages import Phrase
from bot.slack import draft_message
from bot.slack.client.api_client import web_client
from bot.slack.client.rate_limit import TIERS, Priority
from bot.slack.draft_message import DraftMessage
from bot.slack.manifest import SCOPES
from bot.slack.outbox import Outbox
from bot.workspace import PostedMessage, Workspace
from safety import SafeText
from tests.clocks import HurriedClock

HEAD = Phrase("*Draft 1*")
FACTS = Phrase("1.2 s · seed 7")
THUMBS = Thumbs("rate", Choice(Phrase("Good"), "good:1"), Choice(Phrase("Bad"), "bad:1"))
AGAIN = [Button(Phrase("Regenerate"), "regenerate", "v1")]
FIRST, SECOND = SafeText("Rain fell on **Lisbon**.\n\n"), SafeText("Then the sun came.\n\nThe end.")
WHOLE = FIRST + SECOND
LONG = SafeText("\n\n".join(f"Paragraph {n}. " + "A sentence of it." * 20 for n in range(25)))
STREAMS = ("chat.startStream", "chat.appendStream", "chat.stopStream")

Fault = dict[str, Any]


class Stage:
    """A thread in a channel, the outbox, and the posted messages that a caller records."""

    def __init__(self, workspace: Workspace, outbox: Outbox) -> None:
        self.workspace = workspace
        self.outbox = outbox
        self.ada = workspace.person("ada")
        self.channel = workspace.channel("general", members=[self.ada])
        self.root = ""
        self.posted: list[tuple[int, str]] = []
        self.begins = 0

    async def begin(self) -> "Stage":
        content = Content(Phrase("Ada asked for a blog post"))
        self.root = await self.outbox.post(Place(self.channel), content, key="root")
        return self

    def draft(self, *, head: Phrase = HEAD, shown: Shown | None = None) -> DraftMessage:
        place = Place(self.channel, self.root, user=self.ada, team=self.workspace.team)
        key = f"version-{head}"

        def heads(part: int) -> Phrase:
            return head if part == 1 else Phrase(f"{head}, part {part}")

        return self.outbox.draft(
            place,
            heads,
            key=key,
            on_posted=self.record,
            on_deleted=self.forget,
            on_text=self.begun,
            shown=shown,
        )

    async def record(self, part: int, ts: str) -> None:
        self.posted.append((part, ts))

    async def forget(self, part: int) -> None:
        self.posted = [each for each in self.posted if each[0] != part]

    def begun(self) -> None:
        self.begins += 1

    @property
    def replies(self) -> list[PostedMessage]:
        return self.workspace.messages(self.channel, self.root)[1:]

    @property
    def said(self) -> list[str]:
        return [words(message) for message in self.replies]

    async def one_more_call(self) -> None:
        calls = len(self.workspace.calls)
        await self.workspace.until(lambda: len(self.workspace.calls) > calls)

    def count(self, method: str) -> int:
        return sum(call.method == method for call in self.workspace.calls)


def words(message: PostedMessage) -> str:
    """Return the text that a message shows, as Markdown, without what closes it."""
    markdown = [block["text"] for block in message.blocks if block["type"] == "markdown"]
    return "".join(markdown) or message.text


def text_of(messages: list[PostedMessage]) -> str:
    """Return the text of a draft, without the head of each of its messages."""
    return "\n\n".join(words(message).partition("\n\n")[2].strip() for message in messages)


def closing_of(message: PostedMessage) -> list[str]:
    return [block["type"] for block in message.blocks if block["type"] != "markdown"]


async def write_on(draft: DraftMessage) -> None:
    """Show more and more, until the draft says why there is no point."""
    async with asyncio.timeout(5):
        while True:
            draft.show(FIRST)
            await asyncio.sleep(0.01)


@asynccontextmanager
async def staged(workspace: Workspace, **budgets: int) -> AsyncIterator[Stage]:
    async with web_client(SecretStr(workspace.bot_token), f"{workspace.url}/api/") as client:
        outbox = Outbox(client, budgets={**TIERS, **budgets}, clock=HurriedClock())
        yield await Stage(workspace, outbox).begin()


@pytest.fixture
async def workspace() -> AsyncIterator[Workspace]:
    async with Workspace(limits=None, scopes=SCOPES) as running:
        yield running


@pytest.fixture
async def stage(workspace: Workspace) -> AsyncIterator[Stage]:
    async with staged(workspace) as made:
        yield made


@pytest.fixture(params=["streams", "no streams"])
async def any_stage(request: pytest.FixtureRequest, workspace: Workspace) -> AsyncIterator[Stage]:
    if request.param == "no streams":
        workspace.without(*STREAMS)
    async with staged(workspace) as made:
        yield made


async def test_the_first_words_of_a_draft_are_told_once(stage: Stage) -> None:
    draft = stage.draft()
    await draft.open()
    assert stage.begins == 0
    draft.show(SafeText("one\n\ntwo"))
    await draft.finish(None)
    assert stage.begins == 1


async def test_a_draft_grows_while_it_is_released(stage: Stage) -> None:
    draft = stage.draft()
    ts = await draft.open()
    (message,) = stage.replies
    assert (message.ts, message.streaming, words(message)) == (ts, True, "**Draft 1**\n\n")
    draft.show(FIRST)
    await stage.workspace.until(lambda: FIRST in words(message))
    draft.show(SECOND)
    await stage.workspace.until(lambda: SECOND in words(message))
    assert message.streaming
    await draft.finish(FACTS, buttons=AGAIN)
    assert not message.streaming
    assert words(message) == f"**Draft 1**\n\n{FIRST}{SECOND}"
    assert closing_of(message) == ["context", "actions"]


@pytest.mark.parametrize("shown", [FIRST, LONG], ids=["one message", "several"])
async def test_what_was_cut_off_a_draft_goes_as_it_ends(any_stage: Stage, shown: SafeText) -> None:
    draft = any_stage.draft()
    await draft.open()
    draft.show(shown)
    await any_stage.workspace.until(lambda: any_stage.replies and shown[:9] in str(any_stage.said))
    draft.cut(9)
    await draft.finish(FACTS, buttons=AGAIN)
    assert [text_of([message]) for message in any_stage.replies] == [shown[:9]]


async def test_a_message_that_the_end_of_a_draft_does_not_need_is_forgotten(
    any_stage: Stage,
) -> None:
    draft = any_stage.draft()
    await draft.open()
    draft.show(LONG)
    await any_stage.workspace.until(lambda: len(any_stage.posted) > 1)
    draft.cut(len(FIRST))
    await draft.finish(None)
    assert [part for part, _ in any_stage.posted] == [1]
    assert len(any_stage.replies) == len(draft.shown.parts) == 1


async def test_without_streams_a_draft_grows_by_whole_paragraphs(workspace: Workspace) -> None:
    workspace.without(*STREAMS)
    async with staged(workspace) as stage:
        draft = stage.draft()
        await draft.open()
        (message,) = stage.replies
        seen = set()
        for piece in (
            FIRST,
            SafeText("Then the"),
            SafeText(" sun came.\n\n"),
            SafeText("The end."),
        ):
            draft.show(piece)
            await asyncio.sleep(0.05)
            seen.add(text_of([message]))
        assert seen <= {"", FIRST.strip(), f"{FIRST}Then the sun came."}
        assert len(seen) > 1
        await draft.finish(FACTS)
        assert text_of([message]) == WHOLE


async def test_a_slack_without_streams_is_asked_once(workspace: Workspace) -> None:
    workspace.without(*STREAMS)
    async with staged(workspace) as stage:
        for n in range(3):
            draft = stage.draft(head=Phrase(f"*Draft {n}*"))
            await draft.open()
            await draft.finish(FACTS)
        assert stage.count("chat.startStream") == 1
        assert len(stage.replies) == 3


async def test_a_draft_is_closed_with_its_whole_text_facts_and_buttons(any_stage: Stage) -> None:
    draft = any_stage.draft()
    await draft.open()
    draft.show(FIRST)
    draft.show(SECOND)
    await draft.finish(FACTS, buttons=AGAIN)
    (message,) = any_stage.replies
    assert text_of([message]) == WHOLE
    assert closing_of(message) == ["context", "actions"]
    assert message.metadata is not None
    assert message.metadata["event_payload"] == {"key": f"version-{HEAD}/1"}
    assert any_stage.posted == [(1, message.ts)]


async def test_a_draft_without_a_word_is_closed_too(any_stage: Stage) -> None:
    draft = any_stage.draft()
    await draft.open()
    await draft.finish(FACTS)
    assert closing_of(any_stage.replies[0]) == ["context"]


async def test_a_long_draft_goes_on_in_further_messages(any_stage: Stage) -> None:
    draft = any_stage.draft()
    await draft.open()
    for start in range(0, len(LONG), 400):
        draft.show(SafeText(LONG[start : start + 400]))
        await asyncio.sleep(0.01)
    await draft.finish(FACTS, buttons=AGAIN)
    shown = any_stage.replies
    assert text_of(shown) == LONG
    assert len(shown) > 2
    assert [words(m).partition("\n")[0] for m in shown[:2]] == [
        "**Draft 1**",
        "**Draft 1**, part 2",
    ]
    assert any_stage.posted == [(n, m.ts) for n, m in enumerate(shown, start=1)]
    assert [closing_of(m) for m in shown] == [[]] * (len(shown) - 1) + [["context", "actions"]]
    assert not any(m.streaming for m in shown)


async def test_control_markup_in_released_text_arrives_dead(any_stage: Stage) -> None:
    attack = SafeText(
        "<!channel> <@U0123456789> <https://evil.example|ours> [us](https://evil.example)"
    )
    draft = any_stage.draft()
    await draft.open()
    draft.show(attack)
    await draft.finish(FACTS)
    (message,) = any_stage.replies
    for shown in (words(message), message.text):
        assert "<" not in shown
        assert "](" not in shown
    assert "&lt;!channel&gt;" in words(message)


@pytest.mark.parametrize("fault", [{"drop": "after"}, {"drop": "before"}, {"status": 500}])
@pytest.mark.parametrize(
    "method", ["chat.startStream", "chat.appendStream", "chat.stopStream", "chat.update"]
)
async def test_whatever_answer_is_lost_nothing_is_shown_twice(
    stage: Stage, method: str, fault: Fault
) -> None:
    if method == "chat.update":
        stage.workspace.without(*STREAMS)
    stage.workspace.fail(method, **fault)
    draft = stage.draft()
    await draft.open()
    for piece in (FIRST, SECOND):
        draft.show(piece)
        await stage.one_more_call()
    await draft.finish(FACTS)
    assert stage.said == [f"**Draft 1**\n\n{FIRST}{SECOND}"]
    assert not stage.replies[0].streaming


async def test_further_messages_are_not_doubled_by_a_lost_answer(stage: Stage) -> None:
    draft = stage.draft()
    await draft.open()
    stage.workspace.fail("chat.startStream", drop="after", times=2)
    draft.show(LONG)
    await draft.finish(FACTS)
    assert text_of(stage.replies) == LONG


async def test_a_stream_that_slack_has_ended_goes_on_in_the_same_message(stage: Stage) -> None:
    draft = stage.draft()
    ts = await draft.open()
    draft.show(FIRST)
    (message,) = stage.replies
    await stage.workspace.until(lambda: FIRST in words(message))
    message.streaming = False
    draft.show(SECOND)
    await stage.workspace.until(lambda: "sun came" in words(message))
    await draft.finish(FACTS)
    assert [m.ts for m in stage.replies] == [ts]
    assert text_of(stage.replies) == WHOLE


async def test_where_a_stream_is_refused_the_draft_is_a_message(stage: Stage) -> None:
    stage.workspace.fail("chat.startStream", error="channel_type_not_supported")
    draft = stage.draft()
    await draft.open()
    draft.show(FIRST)
    await draft.finish(FACTS)
    assert stage.said == [f"**Draft 1**\n\n{FIRST}"]


async def test_when_the_budget_of_starts_is_used_up_the_draft_is_a_message(
    workspace: Workspace,
) -> None:
    async with staged(workspace, **{"chat.startStream": 2}) as stage:
        drafts = [stage.draft(head=Phrase(f"*Draft {n}*")) for n in range(3)]
        for draft in drafts:
            await draft.open()
        assert [m.streaming for m in stage.replies] == [True, True, False]
        for draft in drafts:
            draft.show(FIRST)
            await draft.finish(FACTS)
        assert [text_of([m]) for m in stage.replies] == [FIRST.strip()] * 3


async def test_a_call_is_kept_for_the_end_of_a_draft_only_while_it_runs(
    workspace: Workspace,
) -> None:
    workspace.without(*STREAMS)
    async with staged(workspace, **{"chat.update": 1}) as stage:
        limits, draft = stage.outbox.api.rate_limit, stage.draft()
        await draft.open()
        assert not limits.is_free("chat.update")
        await draft.abandon()
        await draft.abandon()
        assert limits.is_free("chat.update")


async def test_a_limited_append_waits_and_shows_everything_at_once(stage: Stage) -> None:
    draft = stage.draft()
    await draft.open()
    stage.workspace.fail("chat.appendStream", retry_after=5)
    draft.show(FIRST)
    await stage.workspace.until(lambda: stage.count("chat.appendStream") == 1)
    draft.show(SECOND)
    await stage.workspace.until(lambda: SECOND in words(stage.replies[0]))
    first, second = [c for c in stage.workspace.calls if c.method == "chat.appendStream"]
    assert first.error == "ratelimited"
    assert second.args["markdown_text"] == WHOLE
    assert second.at - first.at >= 5 / 50
    await draft.abandon()


async def test_what_a_limit_held_back_comes_without_further_text(any_stage: Stage) -> None:
    draft = any_stage.draft()
    await draft.open()
    for method in ("chat.appendStream", "chat.update"):
        any_stage.workspace.fail(method, retry_after=1)
    draft.show(FIRST)
    await any_stage.workspace.until(lambda: "Lisbon" in words(any_stage.replies[0]))
    await draft.abandon()


async def test_a_text_that_slack_refuses_for_good_ends_the_writing(workspace: Workspace) -> None:
    workspace.without(*STREAMS)
    async with staged(workspace) as stage:
        draft = stage.draft()
        await draft.open()
        workspace.fail("chat.update", error="invalid_blocks")
        with pytest.raises(SlackRefused):
            await write_on(draft)
        await draft.abandon()


async def test_the_end_does_not_wait_until_appends_are_allowed_again(stage: Stage) -> None:
    draft = stage.draft()
    await draft.open()
    stage.workspace.fail("chat.appendStream", retry_after=3600)
    draft.show(FIRST)
    await stage.workspace.until(lambda: stage.count("chat.appendStream") == 1)
    async with asyncio.timeout(5):
        await draft.finish(FACTS)
    assert text_of(stage.replies) == FIRST.strip()


async def test_five_drafts_share_the_budget_and_all_grow(workspace: Workspace) -> None:
    async with staged(workspace, **{"chat.appendStream": 30}) as stage:
        drafts = [stage.draft(head=Phrase(f"*Draft {n}*")) for n in range(5)]
        for draft in drafts:
            await draft.open()
        started = asyncio.get_running_loop().time()
        for word in range(60):
            for draft in drafts:
                draft.show(SafeText(f"word{word} "))
            await asyncio.sleep(0.02)
        minutes = (asyncio.get_running_loop().time() - started) * 50 / 60
        assert 10 < stage.count("chat.appendStream") <= 30 * (minutes + 1)
        assert all(text_of([message]) for message in stage.replies)
        for draft in drafts:
            await draft.finish(FACTS)
        whole = "".join(f"word{word} " for word in range(60))
        assert [text_of([message]) for message in stage.replies] == [whole.strip()] * 5


async def test_a_message_deleted_by_a_person_ends_the_draft(any_stage: Stage) -> None:
    draft = any_stage.draft()
    ts = await draft.open()
    await any_stage.workspace.delete(any_stage.ada, any_stage.channel, ts)
    with pytest.raises(NotThere):
        await write_on(draft)
    with pytest.raises(NotThere):
        await draft.finish(FACTS)
    assert any_stage.replies == []


async def test_a_slack_that_stays_down_ends_the_writing(stage: Stage) -> None:
    draft = stage.draft()
    await draft.open()
    stage.workspace.fail("*", status=503, times=1000)
    with pytest.raises(SlackUnavailable):
        await write_on(draft)
    await draft.abandon()


async def test_a_stopped_draft_keeps_what_was_released_and_says_so(any_stage: Stage) -> None:
    draft = any_stage.draft()
    await draft.open()
    draft.show(FIRST)
    await draft.stop(Phrase("Stopped."))
    (message,) = any_stage.replies
    assert text_of([message]) == FIRST.strip()
    assert message.blocks[-1]["elements"][0]["text"] == "Stopped."


@pytest.mark.parametrize("fault", [None, {"drop": "after"}, {"status": 500}])
async def test_a_retracted_draft_leaves_one_sentence_of_all_its_messages(
    any_stage: Stage, fault: Fault
) -> None:
    draft = any_stage.draft()
    await draft.open()
    draft.show(LONG)
    await any_stage.workspace.until(lambda: len(any_stage.replies) > 1)
    if fault:
        any_stage.workspace.fail("chat.update", **fault)
        any_stage.workspace.fail("chat.delete", **fault)
    await draft.retract(Phrase("This draft was taken away."))
    (message,) = any_stage.replies
    assert "This draft was taken away." in message.text
    assert "Paragraph" not in message.text + str(message.blocks)
    assert not message.streaming


async def test_an_abandoned_draft_goes_on_in_the_message_that_stands(any_stage: Stage) -> None:
    draft = any_stage.draft()
    ts = await draft.open()
    draft.show(FIRST)
    await any_stage.workspace.until(lambda: FIRST in words(any_stage.replies[0]))
    await draft.abandon()
    assert draft.shown == Shown((ts,), len(FIRST))

    again = any_stage.draft(shown=draft.shown)
    assert await again.open() == ts
    calls = len(any_stage.workspace.calls)
    again.show(SafeText(FIRST[:10]))
    again.show(SafeText(FIRST[10:]))
    await asyncio.sleep(0.1)
    assert len(any_stage.workspace.calls) == calls, "what stands is not sent again"
    again.show(SECOND)
    await any_stage.workspace.until(lambda: "sun came" in words(any_stage.replies[0]))
    await again.finish(FACTS)
    assert any_stage.said == [f"**Draft 1**\n\n{FIRST}{SECOND}"]
    assert any_stage.posted == [(1, ts)]


async def test_a_draft_that_is_left_to_others_waits_for_no_call_that_hangs(
    any_stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    called = asyncio.Event()

    async def hang(method: str, args: object) -> None:
        called.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(draft_message, "CALL_SECONDS", 0.05)
    draft = any_stage.draft()
    await draft.open()
    monkeypatch.setattr(any_stage.outbox.api, "attempt", hang)
    draft.show(FIRST)
    async with asyncio.timeout(5):
        await called.wait()
        await draft.abandon()


async def test_only_a_resumed_draft_that_is_a_stream_is_stopped(any_stage: Stage) -> None:
    draft = any_stage.draft()
    await draft.open()
    draft.show(FIRST)
    await any_stage.workspace.until(lambda: FIRST in words(any_stage.replies[0]))
    await draft.abandon()
    streamed = any_stage.replies[0].streaming
    again = any_stage.draft(shown=draft.shown)
    await again.open()
    again.show(FIRST)
    again.show(SECOND)
    await again.finish(FACTS)
    assert any_stage.said == [f"**Draft 1**\n\n{FIRST}{SECOND}"]
    assert any_stage.count("chat.stopStream") == streamed


async def test_a_resumed_draft_leaves_a_scarce_call_to_the_ends(workspace: Workspace) -> None:
    workspace.without(*STREAMS)
    async with staged(workspace) as stage:
        draft = stage.draft()
        await draft.open()
        await draft.abandon()
        with resuming():
            again = stage.draft(shown=draft.shown)
            await again.open()
        limits = stage.outbox.api.rate_limit
        heads = [
            asyncio.create_task(limits.acquire("chat.update", priority=Priority.LATER))
            for _ in range(30)
        ]
        await asyncio.sleep(0)
        again.show(FIRST)
        again.show(SECOND)
        await asyncio.sleep(5 / 50)
        assert not stage.count("chat.update")
        await again.finish(FACTS)
        assert stage.said == [f"**Draft 1**\n\n{FIRST}{SECOND}"]
        assert stage.count("chat.update") == 1
        for head in heads:
            head.cancel()


@pytest.mark.parametrize("recorded", [1, 2])
async def test_a_long_draft_resumed_from_an_old_account_is_not_doubled(
    any_stage: Stage, recorded: int
) -> None:
    draft = any_stage.draft()
    await draft.open()
    draft.show(LONG)
    await any_stage.workspace.until(lambda: len(any_stage.posted) == 2)
    await draft.abandon()
    parts = tuple(ts for _, ts in any_stage.posted[:recorded])

    again = any_stage.draft(shown=Shown(parts))
    await again.open()
    again.show(LONG)
    await again.finish(FACTS)
    assert text_of(any_stage.replies) == LONG
    heads = [words(message).partition("\n")[0] for message in any_stage.replies]
    assert len(set(heads)) == len(heads)


async def test_a_shorter_text_after_a_restart_leaves_no_message_behind(any_stage: Stage) -> None:
    draft = any_stage.draft()
    await draft.open()
    draft.show(LONG)
    await any_stage.workspace.until(lambda: len(any_stage.posted) == 2)
    await draft.abandon()

    again = any_stage.draft(shown=draft.shown)
    await again.open()
    again.show(FIRST)
    await again.finish(FACTS)
    assert any_stage.said == [f"**Draft 1**\n\n{FIRST}"]


async def test_a_message_that_a_crash_left_unrecorded_is_found(any_stage: Stage) -> None:
    draft = any_stage.draft()
    ts = await draft.open()
    await draft.abandon()
    place = Place(any_stage.channel, any_stage.root)
    find = any_stage.outbox.find
    assert await find(place, key=f"version-{HEAD}/1", head=HEAD) == ts
    assert await find(place, key="other/1", head=Phrase("*Draft 1*, made from draft 2")) is None


@pytest.mark.parametrize("streams", [True, False])
async def test_a_workspace_that_takes_no_thumbs_is_asked_once_and_its_drafts_end_without(
    stage: Stage, streams: bool
) -> None:
    if not streams:
        stage.workspace.without(*STREAMS)
    refusing = ("chat.stopStream", "chat.update") if streams else ("chat.update",)
    drafts = [stage.draft(), stage.draft(head=Phrase("*Draft 2*"))]
    for method in refusing:
        stage.workspace.fail(method, error="invalid_blocks")
    for draft in drafts:
        await draft.open()
        await draft.finish(FACTS, buttons=AGAIN, thumbs=THUMBS)
    assert [closing_of(reply) for reply in stage.replies] == [["context", "actions"]] * 2
    offered = [call for call in stage.workspace.calls if "context_actions" in str(call.args)]
    assert [call.error for call in offered] == ["invalid_blocks"] * len(refusing)


async def test_blocks_that_are_refused_for_another_reason_do_not_cost_the_next_draft_its_thumbs(
    stage: Stage,
) -> None:
    stage.workspace.without(*STREAMS)
    stage.workspace.fail("chat.update", error="invalid_blocks", times=2)
    first, second = stage.draft(), stage.draft(head=Phrase("*Draft 2*"))
    await first.open()
    with pytest.raises(SlackRefused):
        await first.finish(FACTS, thumbs=THUMBS)
    await second.open()
    await second.finish(FACTS, thumbs=THUMBS)
    assert stage.replies[1].blocks[-1]["type"] == "context_actions"
