"""An accepted draft: into the channel, as a file, or to one person, and once."""

import asyncio
import io
from pathlib import Path
from typing import Any

import docx
import pytest

from bot.app import Bot
from bot.store import Store
from bot.workspace import PostedMessage, Workspace
from bot.workspace.canvas import Canvas, CanvasPlan, new_canvas
from tests.bot.draft_view import form_behind, shown_in
from tests.bot.fakes import until
from tests.person import Person, StartBot, buttons, facts, is_done, settings_for
from tests.scripted_engine import ScriptedEngine


async def accept(workspace: Workspace, who: Person, draft: PostedMessage, way: str) -> None:
    form = await form_behind(workspace, who, draft, "accept_form")
    assert (await workspace.submit(who.id, form.id, {"accept": way})).ok


def canvases(workspace: Workspace) -> list[Canvas]:
    return [file for file in workspace.state.files.values() if isinstance(file, Canvas)]


def posted_after(workspace: Workspace, channel: str, draft: PostedMessage) -> list[PostedMessage]:
    return [m for m in workspace.messages(channel) if m.ts > draft.ts]


def address(message: PostedMessage) -> str:
    """Return the permalink of a message."""
    return f"https://workspace.slack.com/archives/{message.channel}/p{message.ts.replace('.', '')}"


async def in_private(who: Person) -> Person:
    """Ask for a private draft; return the person in their conversation with the app."""
    await who.draft("private=yes rain")
    return Person(who.workspace, who.id, who.workspace.dm(who.id))


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
    assert facts(posted[0]) == f"Drafted with AI, accepted by <@{ana.id}> · draft 1"
    await workspace.until(lambda: f"accepted: <{address(posted[0])}|" in facts(root))


async def test_the_thread_says_that_a_text_was_posted_and_links_to_it(
    bot_by_either_way: Bot, ana: Person, workspace: Workspace
) -> None:
    await ana.draft("rain")
    (draft,) = await ana.sees_drafts(1)
    root = ana.root
    await ana.react(draft, "white_check_mark")
    await workspace.until(lambda: "accepted" in facts(root))
    link = f"<{address(ana.root)}|Draft 1>"
    said = f"{link} was posted to <#{ana.channel}> by <@{ana.id}>."
    await workspace.until(lambda: workspace.messages(ana.channel, root.ts)[-1].text == said)
    assert len(workspace.messages(ana.channel, root.ts)) == 3


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
    bot_by_either_way: Bot, ana: Person, workspace: Workspace, engine: ScriptedEngine, kind: str
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
    address = f"/files/{workspace.bot_user}/{file.id}/"
    await workspace.until(lambda: address in facts(ana.root))
    assert ana.drafts[1].text == f"Drafted with AI, accepted by <@{ana.id}> · draft 1"
    assert len(ana.drafts) == 2
    if kind == "md":
        front = (
            '---\ndrafted_with_ai: true\ndisclosure: "Drafted with AI, accepted by ana"\n---\n\n'
        )
        assert file.data.decode() == front + "# The tram\n\nIt **climbs**.\n\n- one\n- two\n"
    else:
        document = docx.Document(io.BytesIO(file.data))
        assert document.core_properties.comments == "Drafted with AI, accepted by ana"
        paragraphs = document.paragraphs
        assert [p.text for p in paragraphs] == ["The tram", "It climbs.", "one", "two"]
        styles = [p.style.name for p in paragraphs if p.style]
        assert styles[::2] == ["Heading 1", "List Bullet"]


async def test_an_accepted_text_comes_as_a_canvas_of_the_channel_that_its_members_may_edit(
    bot_by_either_way: Bot, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    engine.write = lambda _: "# The tram\n\n#### It climbs\n\n1. one\n   - ![](@U1)"
    await ana.draft("rain")
    (draft,) = await ana.sees_drafts(1)
    await accept(workspace, ana, draft, "canvas")
    (canvas,) = await workspace.until(lambda: workspace.state.tabs(ana.channel))
    (said,) = await workspace.until(lambda: posted_after(workspace, ana.channel, draft))
    await workspace.until(lambda: "accepted: <" in facts(workspace.messages(ana.channel)[0]))
    text, _, note = canvas.markdown.partition("\n\n---\n\n")
    assert text == "# The tram\n\n### It climbs\n\n1. one\n    1. ![] (@U1)"
    assert note == f"Drafted with AI, accepted by ![](@{ana.id}) · draft 1"
    assert (canvas.title, canvas.access) == ("The tram", {ana.channel: "write"})
    assert [call.method for call in workspace.calls].count("canvases.access.set") == 1
    address = f"https://workspace.slack.com/docs/{workspace.team}/{canvas.id}"
    assert said.text.startswith(f"As a canvas: <{address}|The tram>")
    assert facts(said) == f"Drafted with AI, accepted by <@{ana.id}> · draft 1"
    root = workspace.messages(ana.channel)[0]
    await workspace.until(
        lambda: f"<{address}|" in workspace.messages(ana.channel, root.ts)[-1].text
    )


async def test_a_canvas_of_our_conversation_is_open_to_the_person_alone(
    bot: Bot, ana: Person, workspace: Workspace
) -> None:
    own = Person(workspace, ana.id, workspace.dm(ana.id))
    await workspace.say(ana.id, own.channel, "rain")
    (draft,) = await own.sees_drafts(1)
    await accept(workspace, own, draft, "canvas")
    (canvas,) = await workspace.until(lambda: canvases(workspace))
    await workspace.until(lambda: canvas.access)
    assert (canvas.tab, canvas.access) == (None, {ana.id: "write"})


@pytest.mark.parametrize(
    ("scope", "plan", "says"),
    [
        ("canvases:write", "paid", "has to add the scope canvases:write"),
        ("", "disabled", "does not let me make a canvas"),
        ("", "free", "does not let me make a canvas"),
    ],
)
async def test_where_no_canvas_can_be_made_one_sentence_says_so_and_the_other_ways_stay(
    bot_by_either_way: Bot,
    ana: Person,
    workspace: Workspace,
    scope: str,
    plan: CanvasPlan,
    says: str,
) -> None:
    workspace.revoke(scope)
    workspace.state.canvases = plan
    taken = new_canvas(workspace.bot_user, "Taken", "")
    taken.tab = ana.channel
    workspace.state.add_canvas(taken)
    await ana.draft("rain")
    (draft,) = await ana.sees_drafts(1)
    await accept(workspace, ana, draft, "canvas")
    await ana.hears(says)
    assert canvases(workspace) == [taken]
    assert "accepted" not in facts(workspace.messages(ana.channel)[0])
    await accept(workspace, ana, draft, "channel")
    await workspace.until(lambda: "accepted: <" in facts(workspace.messages(ana.channel)[0]))
    assert "Sentence 1" in workspace.messages(ana.channel)[-1].text


@pytest.mark.parametrize(
    ("error", "says"),
    [
        ("missing_scope", "has to add the scope files:write"),
        ("file_uploads_disabled", "does not take a file from me"),
    ],
)
async def test_where_no_file_can_be_sent_one_sentence_says_so_and_the_other_ways_stay(
    bot_by_either_way: Bot, ana: Person, workspace: Workspace, error: str, says: str
) -> None:
    workspace.fail("files.getUploadURLExternal", error=error)
    await ana.draft("rain")
    (draft,) = await ana.sees_drafts(1)
    await accept(workspace, ana, draft, "docx")
    await ana.hears(says)
    await accept(workspace, ana, draft, "channel")
    await workspace.until(lambda: "accepted: <" in facts(workspace.messages(ana.channel)[0]))


@pytest.mark.parametrize("lost", ["canvases.create", "chat.postMessage"])
async def test_a_canvas_that_was_accepted_as_the_bot_died_is_made_and_told_once(
    start: StartBot, ana: Person, workspace: Workspace, lost: str
) -> None:
    async with start(drain_seconds=0):
        await ana.draft("rain")
        (draft,) = await ana.sees_drafts(1)
        workspace.fail(lost, drop="after")
        for after in (lost, "files.list", "conversations.history"):
            workspace.fail(after, status=503, times=3)
        await accept(workspace, ana, draft, "canvas")
        await workspace.until(lambda: lost in [c.method for c in workspace.calls if c.error])
    async with start():
        await workspace.until(lambda: "accepted" in facts(workspace.messages(ana.channel)[0]), 30)
    assert len(canvases(workspace)) == 1
    assert len(workspace.messages(ana.channel)) == 2


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
    bot_by_either_way: Bot, ana: Person, workspace: Workspace
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
    form = await form_behind(workspace, own, draft, "accept_form")
    assert f"The channel is <#{ana.channel}>. This text was drafted in private" in shown_in(form)
    assert (await workspace.submit(ana.id, form.id, {"accept": "channel"})).ok
    (message,) = await workspace.until(lambda: workspace.messages(ana.channel))
    assert "Sentence 1" in message.text


async def test_the_head_of_a_private_thread_names_the_channel_and_that_of_another_none(
    bot_by_either_way: Bot, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    engine.gate.clear()
    own = await in_private(ana)
    head = await workspace.until(lambda: next(iter(workspace.messages(own.channel)), None))
    assert head is not None
    goes_to = f"accepted, it goes to <#{ana.channel}>"
    assert goes_to in facts(head)
    engine.gate.set()
    await own.sees_drafts(1)
    await workspace.until(lambda: "newest" in facts(head))
    assert goes_to in facts(head)
    await ana.draft("snow")
    await ana.sees_drafts(1)
    await workspace.until(lambda: "newest" in facts(ana.root))
    assert "goes to" not in facts(ana.root)


@pytest.mark.parametrize("in_thread", [False, True])
async def test_what_a_mention_asks_for_in_private_stands_in_our_conversation_alone(
    bot_by_either_way: Bot,
    ana: Person,
    workspace: Workspace,
    engine: ScriptedEngine,
    in_thread: bool,
) -> None:
    ben = workspace.person("ben")
    root = await workspace.say(ben, ana.channel, "The tram is late.") if in_thread else None
    asked = f"<@{workspace.bot_user}> private=yes news: the tram"
    ts = await workspace.say(ana.id, ana.channel, asked, thread_ts=root)
    own = Person(workspace, ana.id, workspace.dm(ana.id))
    (draft,) = await own.sees_drafts(1)
    (said,) = workspace.whispers(ana.id)
    # In a thread that has no replies yet, Slack shows no whisper.
    assert said.thread_ts == root
    assert ("The tram is late." in str(engine.requests[0])) is in_thread
    await own.reply("shorter")
    await own.sees_drafts(2)
    assert all(m.user != workspace.bot_user for m in workspace.messages(ana.channel, root or ts))
    form = await form_behind(workspace, own, draft, "accept_form")
    assert f"The channel is <#{ana.channel}>. This text was drafted in private" in shown_in(form)


async def test_an_emoji_asks_before_it_posts_what_was_drafted_in_private(
    bot_by_either_way: Bot, ana: Person, workspace: Workspace
) -> None:
    own = await in_private(ana)
    (draft,) = await own.sees_drafts(1)
    root = own.root
    await own.react(draft, "white_check_mark")
    (asked,) = await workspace.until(
        lambda: [m for m in workspace.messages(own.channel, root.ts) if "Post draft" in m.text]
    )
    assert f"Post draft 1 to <#{ana.channel}>? Everybody there will read it." in asked.text
    assert list(buttons(asked)) == ["accept_post", "accept_leave"]
    assert not workspace.messages(ana.channel)
    assert await workspace.click(ana.id, own.channel, asked.ts, "accept_post")
    (posted,) = await workspace.until(lambda: workspace.messages(ana.channel))
    assert facts(posted) == f"Drafted with AI, accepted by <@{ana.id}> · draft 1"
    await workspace.until(lambda: asked.text == f"Draft 1 goes to <#{ana.channel}>.")
    assert not buttons(asked)
    await workspace.until(lambda: f"accepted: <{address(posted)}|" in facts(root))
    told = f"<{address(posted)}|Draft 1> was posted to <#{ana.channel}> by <@{ana.id}>."
    await workspace.until(lambda: workspace.messages(own.channel, root.ts)[-1].text == told)


async def test_three_deliveries_of_an_emoji_ask_once_and_a_second_click_finds_it_posted(
    bot: Bot, ana: Person, workspace: Workspace
) -> None:
    own = await in_private(ana)
    (draft,) = await own.sees_drafts(1)
    root = own.root
    for _ in range(3):
        await workspace.deliver(own.reaction(draft, "white_check_mark"), event_id="Ev1")
    await workspace.until(lambda: len(workspace.messages(own.channel, root.ts)) > 2)
    await asyncio.sleep(0.2)
    (asked,) = workspace.messages(own.channel, root.ts)[2:]
    row = asked.blocks
    assert await workspace.click(ana.id, own.channel, asked.ts, "accept_post")
    await workspace.until(lambda: "accepted: <" in facts(root))
    # As a page shows it that was not brought up to date.
    asked.blocks = row
    assert await workspace.click(ana.id, own.channel, asked.ts, "accept_post")
    await workspace.until(lambda: asked.text == "Draft 1 was accepted already.")
    assert len(workspace.messages(ana.channel)) == 1


async def test_the_question_can_be_answered_with_no(
    bot: Bot, ana: Person, workspace: Workspace
) -> None:
    own = await in_private(ana)
    (draft,) = await own.sees_drafts(1)
    await own.react(draft, "white_check_mark")
    await workspace.until(lambda: len(own.drafts) == 2)
    asked = own.drafts[1]
    assert await workspace.click(ana.id, own.channel, asked.ts, "accept_leave")
    await workspace.until(lambda: asked.text == "Draft 1 stays here.")
    await asyncio.sleep(0.2)
    assert not workspace.messages(ana.channel)
    assert "accepted:" not in facts(own.root)


async def test_nobody_posts_into_a_private_channel_that_they_left(
    bot: Bot, ana: Person, workspace: Workspace
) -> None:
    closed = Person(workspace, ana.id, workspace.channel("closed", private=True, members=[ana.id]))
    own = await in_private(closed)
    (draft,) = await own.sees_drafts(1)
    workspace.state.channels[closed.channel].members.discard(ana.id)
    form = await form_behind(workspace, own, draft, "accept_form")
    assert (await workspace.submit(ana.id, form.id, {"accept": "channel"})).ok
    await workspace.until(lambda: "Draft 1 was not posted" in own.drafts[-1].text)
    assert f"you are not in <#{closed.channel}>" in own.drafts[-1].text
    assert not workspace.state.channels[closed.channel].messages
    await until(lambda: bot.jobs.running == 0)
    workspace.state.channels[closed.channel].members.add(ana.id)
    form = await form_behind(workspace, own, draft, "accept_form")
    assert (await workspace.submit(ana.id, form.id, {"accept": "channel"})).ok
    await workspace.until(lambda: workspace.messages(closed.channel))


async def test_an_invitation_is_asked_for_to_the_channel_that_the_text_is_for(
    bot: Bot, ana: Person, workspace: Workspace
) -> None:
    closed = workspace.channel("closed", private=True, members=[ana.id], bot=False)
    own = await in_private(Person(workspace, ana.id, closed))
    (draft,) = await own.sees_drafts(1)
    form = await form_behind(workspace, own, draft, "accept_form")
    assert (await workspace.submit(ana.id, form.id, {"accept": "channel"})).ok
    await workspace.until(lambda: f"I am not in <#{closed}>" in own.drafts[-1].text)
    await workspace.invite(closed)
    await workspace.until(lambda: workspace.messages(closed))


async def test_in_our_conversation_an_accepted_text_stays_and_nothing_is_asked(
    bot: Bot, ana: Person, workspace: Workspace
) -> None:
    own = Person(workspace, ana.id, workspace.dm(ana.id))
    await workspace.say(ana.id, own.channel, "blog: rain")
    (draft,) = await own.sees_drafts(1)
    root = own.root
    form = await form_behind(workspace, own, draft, "accept_form")
    assert "Nobody but you reads this conversation" in shown_in(form)
    assert "Into this conversation, outside the thread" in shown_in(form)
    assert "As a canvas that only you can open" in shown_in(form)
    assert "<#" not in shown_in(form)
    await own.react(draft, "white_check_mark")
    told = await workspace.until(
        lambda: [m for m in workspace.messages(own.channel, root.ts) if "was posted" in m.text]
    )
    assert "to this conversation" in told[0].text
    assert "Sentence 8" in own.root.text


async def test_what_was_asked_for_between_two_people_stays_in_our_conversation(
    bot: Bot, ana: Person, workspace: Workspace
) -> None:
    ben = workspace.person("ben")
    own = await in_private(Person(workspace, ana.id, workspace.dm(ana.id, ben)))
    (draft,) = await own.sees_drafts(1)
    assert "goes to" not in facts(own.root)
    await own.react(draft, "white_check_mark")
    await workspace.until(lambda: "Sentence 8" in own.root.text)


async def test_a_text_for_one_person_is_told_to_them_alone(
    bot: Bot, ana: Person, workspace: Workspace
) -> None:
    await ana.draft("rain")
    (draft,) = await ana.sees_drafts(1)
    form = await form_behind(workspace, ana, draft, "accept_form")
    assert f"The channel is <#{ana.channel}>." in shown_in(form)
    assert "private" not in shown_in(form)
    assert (await workspace.submit(ana.id, form.id, {"accept": "person"})).ok
    heard = await ana.hears("is in our own conversation now")
    (message,) = workspace.messages(workspace.dm(ana.id))
    assert heard == f"<{address(message)}|Draft 1> is in our own conversation now."
    await workspace.until(lambda: "accepted" in facts(ana.root))
    assert address(message) not in facts(ana.root)
    assert ana.drafts == [draft]


async def test_that_ai_drafted_a_text_is_said_unless_a_setting_says_no(
    start: StartBot, ana: Person, workspace: Workspace
) -> None:
    async with start(disclose_ai=False):
        await ana.draft("rain")
        (draft,) = await ana.sees_drafts(1)
        await ana.react(draft, "white_check_mark")
        await workspace.until(lambda: len(workspace.messages(ana.channel)) == 2)
        assert facts(ana.root) == f"Accepted by <@{ana.id}> · draft 1"


async def test_below_a_chinese_text_it_is_said_in_chinese(
    start: StartBot, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    engine.write = lambda _: "电车慢慢爬上山，铃声响了两次。"
    async with start(model_languages=["en", "zh"]):
        await ana.draft("博客：雨")
        (draft,) = await ana.sees_drafts(1)
        await ana.react(draft, "white_check_mark")
        await workspace.until(lambda: len(workspace.messages(ana.channel)) == 2)
        assert facts(ana.root) == f"由 AI 起草，<@{ana.id}> 采用 · 草稿 1"


async def test_an_accepted_markdown_file_is_read_back_without_its_front_matter(
    bot: Bot, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    await ana.draft("rain")
    (draft,) = await ana.sees_drafts(1)
    form = await form_behind(workspace, ana, draft, "accept_form")
    assert (await workspace.submit(ana.id, form.id, {"accept": "md"})).ok
    file = await workspace.until(lambda: next((f for m in ana.drafts for f in m.files), None))
    assert file is not None
    assert file.data is not None
    root = ana.root.ts
    await workspace.upload(ana.id, ana.channel, file.name, file.data, thread_ts=root, text="use it")
    await workspace.until(lambda: len(engine.requests) == 2)
    asked = str(engine.requests[1]["messages"])
    assert "Sentence 8" in asked
    assert "drafted_with_ai" not in asked
    assert "Drafted with AI" not in asked


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
    root = workspace.messages(ana.channel)[0]
    async with start():
        await workspace.until(lambda: "accepted" in facts(root))
    assert len(workspace.messages(ana.channel)) == 2
    assert len([m for m in workspace.messages(ana.channel, root.ts) if "posted to" in m.text]) == 1


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


async def test_a_text_is_posted_as_it_was_changed_in_the_form_and_the_draft_stays(
    bot_by_either_way: Bot, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    engine.write = lambda _: "The tram *climbs*.\n\nIt is late."
    await ana.draft("rain")
    (draft,) = await ana.sees_drafts(1)
    form = await form_behind(workspace, ana, draft, "accept_form")
    assert "The tram *climbs*." in shown_in(form)
    changed = {"accept": "channel", "edited": "The tram *climbs*, and it is on time."}
    assert (await workspace.submit(ana.id, form.id, changed)).ok
    (posted,) = await workspace.until(lambda: posted_after(workspace, ana.channel, draft))
    assert "on time" in posted.text
    assert "It is late" not in posted.text
    thread = workspace.messages(ana.channel, draft.thread_ts)
    assert "It is late" in thread[1].text


async def test_what_the_filter_stops_of_a_change_stays_in_the_form(
    bot: Bot, ana: Person, workspace: Workspace
) -> None:
    await ana.draft("rain")
    (draft,) = await ana.sees_drafts(1)
    form = await form_behind(workspace, ana, draft, "accept_form")
    changed = {"accept": "channel", "edited": "password: hunter2xyzQ9"}
    answer = await workspace.submit(ana.id, form.id, changed)
    assert not answer.ok
    assert "safety filter" in str(answer.errors["edited"])
    assert not posted_after(workspace, ana.channel, draft)
    changed["edited"] = "Rain."
    assert (await workspace.submit(ana.id, form.id, changed)).ok
    (posted,) = await workspace.until(lambda: posted_after(workspace, ana.channel, draft))
    assert posted.text.startswith("Rain.")


async def test_of_a_change_only_what_was_posted_is_kept(
    start: StartBot, ana: Person, workspace: Workspace, engine: ScriptedEngine, tmp_path: Path
) -> None:
    async with start():
        await ana.draft("rain")
        (draft,) = await ana.sees_drafts(1)
        form = await form_behind(workspace, ana, draft, "accept_form")
        changed = {"accept": "channel", "edited": "Write to press@acme.com soon."}
        assert (await workspace.submit(ana.id, form.id, changed)).ok
        (posted,) = await workspace.until(lambda: posted_after(workspace, ana.channel, draft))
        assert "[e-mail removed]" in posted.text
        store = await Store.open(settings_for(workspace, engine.url, tmp_path).database)
        (team,) = await store.list_teams()
        async with asyncio.timeout(5):
            while not (kept := await store.list_edited(team)):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        await store.close()
    assert [each.text for each in kept] == ["Write to [e-mail removed] soon."]


async def test_a_text_that_is_longer_than_the_form_goes_as_it_is(
    bot: Bot, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    engine.write = lambda _: "The tram climbs the hill. " * 150
    await ana.draft("rain")
    await workspace.until(lambda: ana.drafts and is_done(ana.drafts[-1]))
    draft = ana.drafts[-1]
    form = await form_behind(workspace, ana, draft, "accept_form")
    assert "climbs" not in shown_in(form)
    assert (await workspace.submit(ana.id, form.id, {"accept": "channel"})).ok
    posted = await workspace.until(lambda: posted_after(workspace, ana.channel, draft))
    assert "climbs" in posted[0].text


async def test_an_edit_that_comes_too_late_is_not_dropped_without_a_word(
    bot: Bot, ana: Person, workspace: Workspace
) -> None:
    await ana.draft("rain")
    (draft,) = await ana.sees_drafts(1)
    ben = Person(workspace, workspace.person("ben"), ana.channel)
    form = await form_behind(workspace, ben, draft, "accept_form")
    workspace.fail("chat.postMessage", retry_after=1)
    await ana.react(draft, "white_check_mark")
    changed = {"accept": "channel", "edited": "Rain, and more of it."}
    answer = await workspace.submit(ben.id, form.id, changed)
    assert "accepted already" in answer.errors["accept"]


async def test_a_text_that_was_emptied_does_not_go_out_as_it_was(
    bot: Bot, ana: Person, workspace: Workspace
) -> None:
    await ana.draft("rain")
    (draft,) = await ana.sees_drafts(1)
    form = await form_behind(workspace, ana, draft, "accept_form")
    answer = await workspace.submit(ana.id, form.id, {"accept": "channel", "edited": ""})
    assert "no text here" in answer.errors["edited"]


async def test_a_text_that_is_judged_for_too_long_stays_in_the_form(
    bot: Bot, ana: Person, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.listeners.views.version_form.JUDGE_SECONDS", 0.0)
    await ana.draft("rain")
    (draft,) = await ana.sees_drafts(1)
    form = await form_behind(workspace, ana, draft, "accept_form")
    answer = await workspace.submit(ana.id, form.id, {"accept": "channel", "edited": "Rain."})
    assert "in time" in answer.errors["edited"]
