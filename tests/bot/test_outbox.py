"""The door out, against a Slack on loopback that loses answers and refuses."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from bot.drafting.slack_port import Button, Content, NotThere, Place, SlackRefused, SlackUnavailable
from bot.messages import Phrase
from bot.slack.client.api_client import web_client
from bot.slack.manifest import SCOPES
from bot.slack.outbox import Outbox
from bot.slack.render.draft_form import Choices, draft_view
from bot.workspace import Workspace
from safety import SafeText
from tests.clocks import HurriedClock

Fault = dict[str, Any]

HELLO = Content(Phrase("*Ada* asked for a blog post"))


@pytest.fixture
async def workspace() -> AsyncIterator[Workspace]:
    async with Workspace(limits=None, scopes=SCOPES) as running:
        yield running


@pytest.fixture
async def outbox(workspace: Workspace) -> AsyncIterator[Outbox]:
    async with web_client(SecretStr(workspace.bot_token), f"{workspace.url}/api/") as client:
        yield Outbox(client, clock=HurriedClock())


@pytest.fixture
def ada(workspace: Workspace) -> str:
    return workspace.person("ada")


@pytest.fixture
def channel(workspace: Workspace, ada: str) -> str:
    return workspace.channel("general", members=[ada])


def errors_of(workspace: Workspace, method: str) -> list[str | None]:
    return [call.error for call in workspace.calls if call.method == method]


async def test_a_post_stands_with_its_blocks_and_its_key(
    workspace: Workspace, outbox: Outbox, channel: str
) -> None:
    ts = await outbox.post(Place(channel), HELLO, key="thread-1")
    (message,) = workspace.messages(channel)
    assert (message.ts, message.text) == (ts, HELLO.said)
    assert [block["text"] for block in message.blocks] == [{"type": "mrkdwn", "text": HELLO.said}]
    assert message.metadata is not None
    assert message.metadata["event_payload"] == {"key": "thread-1"}


async def test_no_post_shows_a_preview_of_a_link(
    workspace: Workspace, outbox: Outbox, channel: str, ada: str
) -> None:
    await outbox.post(Place(channel), HELLO, key="k")
    workspace.fail("chat.postEphemeral", error="user_not_in_channel")
    await outbox.tell(channel, ada, Phrase("Hi"))
    posts = [call.args for call in workspace.calls if call.method == "chat.postMessage"]
    assert len(posts) == 2
    assert all(p["unfurl_links"] is False and p["unfurl_media"] is False for p in posts)
    assert not any("parse" in p or "link_names" in p for p in posts)


@pytest.mark.parametrize("in_thread", [False, True])
@pytest.mark.parametrize("fault", [{"drop": "after"}, {"drop": "before"}, {"status": 500}])
async def test_a_post_whose_answer_is_lost_stands_once(
    workspace: Workspace, outbox: Outbox, channel: str, in_thread: bool, fault: Fault
) -> None:
    root = await outbox.post(Place(channel), HELLO, key="root") if in_thread else None
    workspace.fail("chat.postMessage", **fault)
    ts = await outbox.post(Place(channel, root), HELLO, key="once")
    shown = workspace.messages(channel, root)
    assert [m.ts for m in shown] == ([root, ts] if in_thread else [ts])


async def test_a_post_is_found_again_among_many(
    workspace: Workspace, outbox: Outbox, channel: str, ada: str
) -> None:
    ts = await outbox.post(Place(channel), HELLO, key="k-7")
    for n in range(250):
        await workspace.say(ada, channel, f"message {n}")
    assert await outbox.find(Place(channel), key="k-7") == ts
    assert await outbox.find(Place(channel), key="k-8") is None


async def test_what_a_person_wrote_is_never_taken_for_our_message(
    workspace: Workspace, outbox: Outbox, channel: str, ada: str
) -> None:
    root = await outbox.post(Place(channel), HELLO, key="root")
    await workspace.say(ada, channel, "Draft 1", thread_ts=root)
    assert await outbox.find(Place(channel, root), key="d", head=Phrase("*Draft 1*")) is None


async def test_retry_after_is_obeyed(workspace: Workspace, outbox: Outbox, channel: str) -> None:
    workspace.fail("chat.postMessage", retry_after=10)
    await outbox.post(Place(channel), HELLO, key="k")
    refused, made = [c for c in workspace.calls if c.method == "chat.postMessage"]
    assert (refused.error, made.error) == ("ratelimited", None)
    assert made.at - refused.at >= 10 / 50


async def test_a_slack_that_stays_down_is_said_to_be_unavailable(
    workspace: Workspace, outbox: Outbox, channel: str
) -> None:
    workspace.fail("*", status=503, times=100)
    with pytest.raises(SlackUnavailable):
        await outbox.post(Place(channel), HELLO, key="k")
    with pytest.raises(SlackUnavailable):
        await outbox.edit(channel, "1.2", HELLO)


@pytest.mark.parametrize("fault", [{"drop": "after"}, {"status": 500}, {"retry_after": 1}])
@pytest.mark.parametrize("method", ["chat.update", "chat.delete", "reactions.add"])
async def test_a_change_is_repeated_until_it_is_answered(
    workspace: Workspace, outbox: Outbox, channel: str, method: str, fault: Fault
) -> None:
    ts = await outbox.post(Place(channel), HELLO, key="k")
    workspace.fail(method, **fault)
    if method == "chat.update":
        await outbox.edit(channel, ts, Content(Phrase("New")))
        assert workspace.messages(channel)[0].text == "New"
    elif method == "chat.delete":
        await outbox.delete(channel, ts)
        assert workspace.messages(channel) == []
    else:
        await outbox.react(channel, ts, "repeat")
        assert workspace.messages(channel)[0].reactions == {"repeat": [workspace.bot_user]}


async def test_what_is_done_already_is_fine(
    workspace: Workspace, outbox: Outbox, channel: str
) -> None:
    ts = await outbox.post(Place(channel), HELLO, key="k")
    await outbox.react(channel, ts, "repeat")
    await outbox.react(channel, ts, "repeat")
    await outbox.delete(channel, ts)
    await outbox.delete(channel, ts)
    await outbox.react(channel, ts, "repeat")
    assert errors_of(workspace, "reactions.add") == [None, "already_reacted", "message_not_found"]


async def test_an_edit_of_a_deleted_message_is_said_to_be_gone(
    workspace: Workspace, outbox: Outbox, channel: str, ada: str
) -> None:
    ts = await outbox.post(Place(channel), HELLO, key="k")
    await workspace.delete(ada, channel, ts)
    with pytest.raises(NotThere) as gone:
        await outbox.edit(channel, ts, HELLO)
    assert gone.value.reason == "message_not_found"


async def test_a_missing_scope_is_named(workspace: Workspace, outbox: Outbox, channel: str) -> None:
    workspace.revoke("chat:write")
    with pytest.raises(SlackRefused) as refused:
        await outbox.post(Place(channel), HELLO, key="k")
    assert (refused.value.error, refused.value.needed) == ("missing_scope", "chat:write")


async def test_a_sentence_for_one_person_is_seen_by_that_person_only(
    workspace: Workspace, outbox: Outbox, channel: str, ada: str
) -> None:
    await outbox.tell(channel, ada, Phrase("Only you see this."))
    assert [m.text for m in workspace.whispers(ada)] == ["Only you see this."]
    assert workspace.messages(channel) == []


async def test_where_no_whisper_is_possible_the_person_is_told_in_the_dm(
    workspace: Workspace, outbox: Outbox, ada: str
) -> None:
    room = workspace.channel("secret", private=True, members=[ada], bot=False)
    again = Button(Phrase("Draft it here"), "draft_here")
    await outbox.tell(room, ada, Phrase("Invite me."), buttons=[again])
    (message,) = workspace.messages(workspace.dm(ada))
    assert message.text == "Invite me."
    assert message.blocks[1]["elements"][0]["action_id"] == "draft_here"


async def test_a_response_url_answers_where_the_app_is_no_member(
    workspace: Workspace, outbox: Outbox, ada: str
) -> None:
    room = workspace.channel("secret", private=True, members=[ada], bot=False)
    url = workspace.state.new_response_url(room, ada)
    await outbox.tell(room, ada, Phrase("Invite me."), response_url=url)
    assert [m.text for m in workspace.whispers(ada)] == ["Invite me."]


async def test_what_slack_refuses_in_a_thread_is_said_by_the_response_url(
    workspace: Workspace, outbox: Outbox, channel: str, ada: str
) -> None:
    root = await workspace.say(ada, channel, "rain")
    await workspace.say(ada, channel, "snow", thread_ts=root)
    workspace.fail("chat.postEphemeral", error="invalid_arguments")
    url = workspace.state.new_response_url(channel, ada)
    await outbox.tell(channel, ada, Phrase("Hi"), thread_ts=root, response_url=url)
    assert [(m.text, m.thread_ts) for m in workspace.whispers(ada)] == [("Hi", None)]


async def test_a_response_url_that_is_used_up_is_no_loss(
    workspace: Workspace, outbox: Outbox, channel: str, ada: str
) -> None:
    await outbox.tell(channel, ada, Phrase("Hi"), response_url=f"{workspace.url}/commands/T/1/x")
    assert [m.text for m in workspace.whispers(ada)] == ["Hi"]


async def test_the_app_joins_public_channels_only(
    workspace: Workspace, outbox: Outbox, ada: str
) -> None:
    public = workspace.channel("open", members=[ada], bot=False)
    private = workspace.channel("closed", private=True, members=[ada], bot=False)
    assert not await outbox.is_member(public)
    await outbox.join(public)
    assert await outbox.is_member(public)
    for closed in (private, workspace.dm(ada, workspace.person("bob"))):
        with pytest.raises(NotThere):
            await outbox.join(closed)
        with pytest.raises(NotThere):
            await outbox.is_member(closed)


async def test_an_archived_channel_is_closed(
    workspace: Workspace, outbox: Outbox, channel: str
) -> None:
    workspace.archive(channel)
    with pytest.raises(NotThere):
        await outbox.post(Place(channel), HELLO, key="k")


async def test_a_modal_opens_once_even_if_the_answer_is_lost(
    workspace: Workspace, outbox: Outbox, ada: str
) -> None:
    workspace.fail("views.open", drop="after")
    await outbox.views.open(
        workspace.state.new_trigger(ada),
        draft_view("C1", "en", Choices([("blog", "a blog post")], ["en"])),
    )
    assert [view.callback_id for view in workspace.views(ada)] == ["draft"]


async def test_the_posts_of_one_channel_come_a_second_apart(
    workspace: Workspace, outbox: Outbox, channel: str
) -> None:
    await asyncio.gather(
        *(outbox.post(Place(channel), HELLO, key=f"k{n}") for n in range(4)),
    )
    times = sorted(c.at for c in workspace.calls if c.method == "chat.postMessage")
    assert times[-1] - times[0] >= 2.9 / 50


async def test_no_text_reaches_the_log(
    workspace: Workspace,
    outbox: Outbox,
    channel: str,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(0)
    secret = Content(Phrase("the merger with Umbrella"))
    workspace.fail("chat.postMessage", status=500)
    await outbox.post(Place(channel), secret, key="k")
    out, err = capfd.readouterr()
    assert "slack_answer_lost" in out + err + caplog.text
    assert "Umbrella" not in out + err + caplog.text


async def test_a_private_channel_is_seen_by_its_members_and_a_public_one_by_all(
    workspace: Workspace, outbox: Outbox, channel: str, ada: str
) -> None:
    many = [workspace.person(f"p{i}") for i in range(1001)]
    closed = workspace.channel("closed", private=True, members=many)
    assert all([await outbox.sees(who, closed) for who in sorted(many)[::1000]])
    assert not await outbox.sees(ada, closed)
    assert await outbox.sees(many[0], channel)


async def test_a_finished_text_is_returned_as_where_it_stands_however_often_it_is_asked_for(
    workspace: Workspace, outbox: Outbox, channel: str
) -> None:
    text = SafeText("A paragraph of some words.\n\n" * 900)
    place, note = Place(channel), Phrase("note")
    first = await outbox.post_text(place, text, note, key="k", again=False)
    stand = workspace.messages(channel)
    assert len(stand) > 1
    assert first == stand[0].ts
    assert await outbox.post_text(place, text, note, key="k", again=True) == first
    root = Place(channel, first)
    now = datetime.now(UTC)
    link = await outbox.upload(root, text, "md", comment=note, since=now, again=False)
    assert link == await outbox.upload(root, text, "md", comment=note, since=now, again=True)
    (file,) = workspace.messages(channel, first)[-1].files
    assert f"/{file.id}/" in str(link)
    later = now + timedelta(hours=1)
    assert link != await outbox.upload(root, text, "md", comment=note, since=later, again=True)


@pytest.fixture(autouse=True)
def looks_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.slack.client.posts.SHARED_PAUSES", (0.01, 0.01, 0.01))


@pytest.mark.parametrize(
    "method", ["files.getUploadURLExternal", "files.completeUploadExternal", "files.info"]
)
@pytest.mark.parametrize("fault", [{"drop": "after"}, {"drop": "before"}, {"status": 500}])
async def test_a_file_is_there_once_whatever_answer_is_lost(
    workspace: Workspace, outbox: Outbox, channel: str, method: str, fault: Fault
) -> None:
    root = Place(channel, await outbox.post(Place(channel), HELLO, key="k"))
    for each in {method, "files.completeUploadExternal"}:
        workspace.fail(each, **fault)
    text, note, now = SafeText("Rain fell."), Phrase("note"), datetime.now(UTC)
    link = await outbox.upload(root, text, "docx", comment=note, since=now, again=False)
    (said,) = workspace.messages(channel, root.thread_ts)[1:]
    assert [f"/{file.id}/" in str(link) for file in said.files] == [True]


async def test_a_file_that_slack_shares_late_is_there_once(
    workspace: Workspace, outbox: Outbox, channel: str
) -> None:
    root = Place(channel, await outbox.post(Place(channel), HELLO, key="k"))
    workspace.fail("files.completeUploadExternal", drop="after")
    workspace.fail("files.info", error="file_not_found", times=3)
    text, note, now = SafeText("Rain fell."), Phrase("note"), datetime.now(UTC)
    await outbox.upload(root, text, "docx", comment=note, since=now, again=False)
    assert len(workspace.messages(channel, root.thread_ts)[1:]) == 1
