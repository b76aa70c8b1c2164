"""An accepted draft: into the channel, as a file, or to one person, and once."""

import asyncio
import io
from typing import Any

import docx
import pytest

from bot.app import Bot
from bot.workspace import Workspace
from tests.bot.draft_view import form_behind, shown_in
from tests.person import Person, StartBot, facts
from tests.scripted_engine import ScriptedEngine


async def test_accepting_posts_the_text_alone_to_the_channel_and_the_root_says_so(
    bot: Bot, ana: Person, workspace: Workspace
) -> None:
    await ana.draft("rain")
    (draft,) = await ana.sees_drafts(1)
    root = ana.root
    await ana.react(draft, "white_check_mark")
    posted = await workspace.until(
        lambda: [m for m in workspace.messages(ana.channel) if m.ts > draft.ts]
    )
    assert "Sentence 8" in posted[0].text
    assert "Draft 1" not in posted[0].text
    assert facts(posted[0]) == f"Accepted by <@{ana.id}> · draft 1"
    await workspace.until(lambda: "accepted: <" in facts(root))


async def test_accepting_a_continuation_posts_the_whole_text(
    bot: Bot, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    engine.write = lambda body: (
        "It began with" if len(body["messages"]) == 2 else "a tram. It ended."
    )
    await ana.draft("rain")
    (draft,) = await ana.sees_drafts(1)
    await ana.press(draft, "continue")
    _, second = await ana.sees_drafts(2)
    form = await form_behind(workspace, ana, second, "accept_form")
    assert (await workspace.submit(ana.id, form.id, {"accept": "person"})).ok
    dm = workspace.dm(ana.id)
    (message,) = await workspace.until(lambda: workspace.messages(dm))
    assert message.text.startswith("It began with a tram. It ended.")


@pytest.mark.parametrize("kind", ["md", "docx"])
async def test_an_accepted_text_comes_as_a_file_into_the_thread(
    bot: Bot, ana: Person, workspace: Workspace, engine: ScriptedEngine, kind: str
) -> None:
    engine.write = lambda _: "# The tram\n\nIt **climbs**.\n\n- one\n- two"
    await ana.draft("rain")
    (draft,) = await ana.sees_drafts(1)
    form = await form_behind(workspace, ana, draft, "accept_form")
    assert (await workspace.submit(ana.id, form.id, {"accept": kind})).ok
    file = await workspace.until(lambda: next((f for m in ana.drafts for f in m.files), None))
    assert file is not None
    assert file.data is not None
    assert file.name == f"The tram.{kind}"
    if kind == "md":
        assert file.data.decode() == "# The tram\n\nIt **climbs**.\n\n- one\n- two\n"
    else:
        paragraphs = docx.Document(io.BytesIO(file.data)).paragraphs
        assert [p.text for p in paragraphs] == ["The tram", "It climbs.", "one", "two"]
        styles = [p.style.name for p in paragraphs if p.style]
        assert styles[::2] == ["Heading 1", "List Bullet"]


async def test_what_the_filter_blocks_by_now_is_not_accepted(
    start: StartBot, ana: Person, workspace: Workspace, engine: ScriptedEngine, tmp_path: Any
) -> None:
    engine.write = lambda _: "Write to https://tram.example.net/path soon."
    policy = tmp_path / "policy.toml"
    policy.write_text('[output]\nlink = "allow"\n')
    async with start(policy=policy):
        await ana.draft("rain")
        (draft,) = await ana.sees_drafts(1)
    policy.write_text('[output]\nlink = "block"\n')
    async with start(policy=policy):
        await ana.react(draft, "white_check_mark")
        await ana.hears("was not accepted")
    assert workspace.messages(ana.channel)[-1] is ana.root


async def test_a_private_text_is_drafted_in_our_conversation_and_accepted_into_the_channel(
    bot: Bot, ana: Person, workspace: Workspace
) -> None:
    await ana.draft("private=yes rain")
    await ana.hears("our own conversation")
    own = Person(workspace, ana.id, workspace.dm(ana.id))
    await workspace.until(lambda: workspace.messages(own.channel))
    (draft,) = await own.sees_drafts(1)
    assert not workspace.messages(ana.channel)
    view = await form_behind(workspace, own, draft, "why")
    assert "private=yes" in shown_in(view)
    await own.reply("shorter")
    await own.sees_drafts(2)
    await own.react(draft, "white_check_mark")
    (message,) = await workspace.until(lambda: workspace.messages(ana.channel))
    assert "Sentence 1" in message.text


async def test_a_text_that_was_accepted_as_the_bot_died_is_posted_once(
    start: StartBot, ana: Person, workspace: Workspace
) -> None:
    async with start(drain_seconds=0):
        await ana.draft("rain")
        (draft,) = await ana.sees_drafts(1)
        workspace.fail("chat.postMessage", drop="after")
        workspace.fail("conversations.history", status=503, times=3)
        await ana.react(draft, "white_check_mark")
        await workspace.until(lambda: len(workspace.messages(ana.channel)) == 2)
    async with start():
        await workspace.until(lambda: "accepted" in facts(workspace.messages(ana.channel)[0]))
    assert len(workspace.messages(ana.channel)) == 2


async def test_an_accepted_draft_is_posted_once_however_many_accept_it(
    bot: Bot, ana: Person, workspace: Workspace
) -> None:
    await ana.draft("rain")
    (draft,) = await ana.sees_drafts(1)
    others = [Person(workspace, workspace.person(name), ana.channel) for name in ("ben", "cy")]
    await asyncio.gather(*(who.react(draft, "white_check_mark") for who in [ana, *others]))
    await workspace.until(lambda: "accepted" in facts(workspace.messages(ana.channel)[0]))
    await asyncio.sleep(0.3)
    assert len(workspace.messages(ana.channel)) == 2
    form = await form_behind(workspace, others[0], draft, "accept_form")
    answer = await workspace.submit(others[0].id, form.id, {"accept": "channel"})
    assert "accepted already" in answer.errors["accept"]
