"""What people do with drafts: clicks, emoji, replies, forms, over real Socket Mode and HTTP."""

import asyncio
import io
from pathlib import Path
from typing import Any

import docx
import pytest

from bot.app import Bot
from bot.workspace import PostedMessage, Workspace
from tests.person import Person, StartBot, facts
from tests.scripted_engine import ScriptedEngine


def buttons(message: PostedMessage) -> list[str]:
    rows = [b for b in message.blocks if b["type"] == "actions"]
    return [e["action_id"] for row in rows for e in row["elements"]]


def shown_in(view: Any) -> str:
    return str(view.body["blocks"])


async def form_behind(workspace: Workspace, who: Person, draft: PostedMessage, button: str) -> Any:
    assert await workspace.click(who.id, who.channel, draft.ts, button)
    views = await workspace.until(lambda: workspace.views(who.id))
    return views[-1]


@pytest.mark.parametrize(
    ("button", "asks"),
    [
        ("shorter", "Make it shorter"),
        ("longer", "Make it longer"),
        ("formal", "Make it more formal"),
        ("simpler", "Make it simpler"),
        ("continue", "Continue the text"),
    ],
)
async def test_each_button_asks_the_model_for_what_it_says(
    bot: Bot, ana: Person, workspace: Workspace, engine: ScriptedEngine, button: str, asks: str
) -> None:
    await ana.draft("rain")
    (draft,) = await ana.sees_drafts(1)
    assert await workspace.click(ana.id, ana.channel, draft.ts, button)
    _, second = await ana.sees_drafts(2)
    assert asks in engine.requests[1]["messages"][-1]["content"]
    assert ("goes on from 1" if button == "continue" else "from 1") in second.text


async def test_a_chinese_draft_is_changed_in_chinese(
    start: StartBot, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    engine.write = lambda _: "今天下雨。"
    async with start(model_languages=["en", "zh"]):
        await ana.draft("博客：雨")
        (draft,) = await ana.sees_drafts(1)
        await workspace.click(ana.id, ana.channel, draft.ts, "shorter")
        await ana.sees_drafts(2)
    assert "写短一些" in engine.requests[1]["messages"][-1]["content"]


async def test_the_emoji_map_is_a_setting(
    start: StartBot, ana: Person, engine: ScriptedEngine, workspace: Workspace
) -> None:
    async with start(emoji="shorter=small_red_triangle_down, delete="):
        await ana.draft("rain")
        (draft,) = await ana.sees_drafts(1)
        await ana.react(draft, "wastebasket")
        await ana.react(draft, "scissors")
        await ana.react(draft, "small_red_triangle_down")
        await ana.sees_drafts(2)
    assert len(engine.requests) == 2
    assert "shorter" in engine.requests[1]["messages"][-1]["content"]


async def test_wishes_for_a_regeneration_that_runs_join_it_and_later_ones_start_another(
    bot: Bot, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    await ana.draft("rain")
    (draft,) = await ana.sees_drafts(1)
    engine.gate.clear()
    ben = Person(workspace, workspace.person("ben"), ana.channel)
    await asyncio.gather(ana.react(draft, "repeat"), ben.react(draft, "repeat"))
    await workspace.click(ana.id, ana.channel, draft.ts, "regenerate")
    await workspace.until(lambda: len(ana.drafts) == 2)
    engine.gate.set()
    await ana.sees_drafts(2)
    assert len(engine.requests) == 2
    await workspace.until(lambda: engine.running == 0)
    await asyncio.sleep(0.2)
    await workspace.unreact(ana.id, ana.channel, draft.ts, "repeat")
    await ana.react(draft, "repeat")
    await ana.sees_drafts(3)
    assert len(engine.requests) == 3


async def test_a_reply_may_name_or_quote_the_draft_that_it_means(
    bot: Bot, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    await ana.draft("n=3 rain")
    first, second, _ = await ana.sees_drafts(3)
    await ana.reply("2: shorter")
    *_, fourth = await ana.sees_drafts(4)
    assert "from 2" in fourth.text
    assert engine.requests[1]["messages"][-1]["content"] == "shorter"

    passage = next(line for line in first.text.splitlines() if "Sentence 1" in line)
    await ana.reply(f"> {passage[:40]}\nless dry, please")
    *_, fifth = await ana.sees_drafts(5)
    assert "from 1" in fifth.text

    link = f"https://acme.slack.com/archives/{ana.channel}/p{second.ts.replace('.', '')}"
    await ana.reply(f"{link}?thread_ts=1.2 more formal")
    *_, sixth = await ana.sees_drafts(6)
    assert "from 2" in sixth.text
    assert engine.requests[3]["messages"][-1]["content"] == "more formal"

    shared = {
        "type": "message",
        "channel": ana.channel,
        "channel_type": "channel",
        "user": ana.id,
        "ts": "1900000000.000100",
        "thread_ts": ana.root.ts,
        "text": "friendlier",
        "attachments": [{"is_share": True, "from_url": f"{link}?thread_ts=1.2&cid=C1"}],
    }
    await workspace.deliver(shared)
    *_, seventh = await ana.sees_drafts(7)
    assert "from 2" in seventh.text
    assert engine.requests[4]["messages"][-1]["content"] == "friendlier"

    await ana.reply("9: shorter")
    await ana.hears("no draft 9")


async def test_a_muted_thread_is_left_alone_until_it_is_unmuted(
    bot: Bot, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    await ana.draft("rain")
    (draft,) = await ana.sees_drafts(1)
    await ana.reply("mute")
    await ana.hears("quiet in this thread")
    await ana.reply("what do you all think?")
    await asyncio.sleep(0.3)
    assert len(engine.requests) == 1
    await ana.react(draft, "repeat")
    await ana.sees_drafts(2)
    await ana.reply("Unmute")
    await ana.hears("read along again")
    await ana.reply("shorter")
    await ana.sees_drafts(3)


async def test_a_reply_to_somebody_else_is_no_instruction(
    bot: Bot, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    ben = workspace.person("ben")
    await ana.draft("rain")
    await ana.sees_drafts(1)
    await ana.reply(f"<@{ben}> what do you think?")
    await asyncio.sleep(0.3)
    assert len(engine.requests) == 1
    assert not workspace.whispers(ana.id)


@pytest.mark.parametrize(
    ("refiners", "who", "says", "taken"),
    [
        ("requester", "ben", "shorter", False),
        ("requester", "ana", "shorter", True),
        ("mention", "ana", "shorter", False),
        ("mention", "ana", "<@BOT> shorter", True),
        ("anyone", "ben", "shorter", True),
    ],
)
async def test_who_may_refine_is_a_setting(
    start: StartBot,
    ana: Person,
    workspace: Workspace,
    engine: ScriptedEngine,
    refiners: str,
    who: str,
    says: str,
    taken: bool,
) -> None:
    ben = Person(workspace, workspace.person("ben"), ana.channel)
    async with start(refiners=refiners):
        await ana.draft("rain")
        await ana.sees_drafts(1)
        await (ana if who == "ana" else ben).reply(says.replace("BOT", workspace.bot_user))
        if taken:
            await ana.sees_drafts(2)
        await asyncio.sleep(0.2)
    assert len(engine.requests) == 1 + taken
    assert not workspace.whispers(ben.id)


async def test_where_only_the_requester_refines_a_click_of_others_is_answered(
    start: StartBot, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    ben = Person(workspace, workspace.person("ben"), ana.channel)
    async with start(refiners="requester"):
        await ana.draft("rain")
        (draft,) = await ana.sees_drafts(1)
        await workspace.click(ben.id, ana.channel, draft.ts, "shorter")
        await ben.hears("Only the person who asked")
    assert len(engine.requests) == 1


async def test_the_free_instruction_keeps_what_was_typed_when_it_is_refused(
    bot: Bot, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    await ana.draft("rain")
    (draft,) = await ana.sees_drafts(1)
    form = await form_behind(workspace, ana, draft, "change_form")
    answer = await workspace.submit(ana.id, form.id, {"change": "请写短一点，谢谢"})
    assert "not Chinese" in answer.errors["change"]
    assert (await workspace.submit(ana.id, form.id, {"change": "mention the tram"})).ok
    await ana.sees_drafts(2)
    assert engine.requests[1]["messages"][-1]["content"] == "mention the tram"


async def test_translate_offers_the_languages_that_the_model_writes_and_only_then(
    start: StartBot, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    async with start(model_languages=["en", "zh"]):
        await ana.draft("rain")
        (draft,) = await ana.sees_drafts(1)
        form = await form_behind(workspace, ana, draft, "translate_form")
        assert (await workspace.submit(ana.id, form.id, {"translate": "zh"})).ok
        await ana.sees_drafts(2)
    assert "Translate it into Chinese" in engine.requests[1]["messages"][-1]["content"]
    async with start():
        await ana.draft("snow")
        (draft,) = await ana.sees_drafts(1)
        assert "translate_form" not in buttons(draft)


async def test_what_changed_shows_the_words_added_and_removed(
    bot: Bot, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    engine.write = lambda body: (
        "The tram climbs slowly."
        if len(body["messages"]) == 2
        else "The yellow tram climbs. <!here>"
    )
    await ana.draft("rain")
    (draft,) = await ana.sees_drafts(1)
    assert "changes" not in buttons(draft)
    await ana.reply("colour!")
    _, second = await ana.sees_drafts(2)
    view = await form_behind(workspace, ana, second, "changes")
    styled = [
        (element["text"].strip(), tuple(element.get("style", {})))
        for block in view.body["blocks"]
        if block["type"] == "rich_text"
        for element in block["elements"][0]["elements"]
    ]
    assert ("yellow", ("bold",)) in styled
    assert ("climbs slowly.", ("strike",)) in styled or ("slowly.", ("strike",)) in styled
    assert "Against draft 1" in shown_in(view)


async def test_why_this_tells_how_a_draft_came_about(
    bot: Bot, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    engine.write = lambda _: "Mail jo@acme-corp.com about the tram."
    await ana.draft("blog: words=50 seed=11 rain")
    await ana.sees_drafts(1)
    await ana.reply("add the tram")
    _, draft = await ana.sees_drafts(2)
    view = await form_behind(workspace, ana, draft, "why")
    for told in ("a blog post", "draft 1", "add the tram", "words=50", "top_k=50", "scripted"):
        assert told in shown_in(view)
    assert "email" in shown_in(view)
    assert "acme-corp" not in shown_in(view)
    assert "private" not in shown_in(view)


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
    await workspace.click(ana.id, ana.channel, draft.ts, "continue")
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


async def test_a_draft_is_deleted_by_its_requester_alone(
    bot: Bot, ana: Person, workspace: Workspace
) -> None:
    ben = Person(workspace, workspace.person("ben"), ana.channel)
    await ana.draft("n=2 rain")
    first, _ = await ana.sees_drafts(2)
    await ben.react(first, "wastebasket")
    await ben.hears("Only the person who asked")
    assert len(ana.drafts) == 2
    await ana.react(first, "wastebasket")
    await workspace.until(lambda: len(ana.drafts) == 1)
    await workspace.until(lambda: "1 draft · newest" in facts(ana.root))


async def test_stop_ends_all_that_is_written_for_the_person_in_that_channel(
    bot: Bot, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    elsewhere = Person(workspace, ana.id, workspace.channel("other"))
    ben = Person(workspace, workspace.person("ben"), ana.channel)
    engine.gate.clear()
    await ana.draft("n=2 rain")
    await elsewhere.draft("snow")
    await workspace.until(lambda: len(ana.drafts) == 2 and elsewhere.drafts)
    mine = ana.drafts
    await ben.draft("sun")
    await workspace.until(lambda: engine.running == 3)
    ack = await ana.draft("stop")
    assert ack.text == "I stopped 2 drafts of yours in this channel."
    await workspace.until(lambda: engine.running == 2)
    await workspace.until(lambda: [facts(m) for m in mine] == ["Stopped.", "Stopped."])
    engine.gate.set()
    await elsewhere.sees_drafts(1)
    await ben.sees_drafts(1)
    assert (await ana.draft("停止")).text == "Nothing of yours is being written in this channel."


async def test_the_root_has_a_stop_button_while_drafts_are_written_and_then_links_to_the_newest(
    bot: Bot, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    engine.gate.clear()
    await ana.draft("n=2 rain")
    await workspace.until(lambda: len(ana.drafts) == 2 and engine.running)
    assert facts(ana.root) == "_2 drafts are being written._"
    assert buttons(ana.root) == ["stop_thread"]
    await workspace.click(workspace.person("ben"), ana.channel, ana.root.ts, "stop_thread")
    assert engine.running == 1
    await workspace.click(ana.id, ana.channel, ana.root.ts, "stop_thread")
    await ana.sees_drafts(2)
    await workspace.until(lambda: "2 drafts" in facts(ana.root) and not buttons(ana.root))
    newest = ana.drafts[-1].ts.replace(".", "")
    assert f"p{newest}" in facts(ana.root)


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


async def test_a_draft_that_was_taken_away_offers_another_try(
    bot: Bot, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    engine.write = lambda body: (
        "Key: AKIAIOSFODNN7EXAMPLQ" if len(engine.requests) == 1 else "A clean text."
    )
    await ana.draft("rain")
    await ana.hears("I took draft 1 away")
    (gone,) = ana.drafts
    assert buttons(gone)[0] == "regenerate"
    assert await workspace.click(ana.id, ana.channel, gone.ts, "regenerate")
    await workspace.until(lambda: "A clean text." in ana.drafts[-1].text)


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


async def test_stop_in_a_thread_reaches_what_waits_there_too(
    bot: Bot, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    engine.gate.clear()
    await ana.draft("rain")
    await workspace.until(lambda: ana.drafts and engine.running == 1)
    await ana.reply("shorter")
    await asyncio.sleep(0.3)
    await ana.reply("stop")
    await workspace.until(lambda: facts(ana.drafts[0]) == "Stopped.")
    engine.gate.set()
    await asyncio.sleep(0.5)
    assert len(engine.requests) == 1
    assert len(ana.drafts) == 1
    assert not workspace.whispers(ana.id)


async def test_a_refinement_has_its_stop_button_at_the_head_of_the_thread(
    bot: Bot, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    await ana.draft("rain")
    await ana.sees_drafts(1)
    await workspace.until(lambda: not buttons(ana.root))
    engine.gate.clear()
    await ana.reply("shorter")
    await workspace.until(lambda: buttons(ana.root) == ["stop_thread"])
    ben = Person(workspace, workspace.person("ben"), ana.channel)
    await workspace.click(ben.id, ben.channel, ana.root.ts, "stop_thread")
    await ben.hears("Only the person who asked")
    await workspace.click(ana.id, ana.channel, ana.root.ts, "stop_thread")
    await workspace.until(lambda: engine.running == 0)


async def test_a_regeneration_is_based_on_what_its_draft_was(
    bot: Bot, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    await ana.draft("rain")
    (draft,) = await ana.sees_drafts(1)
    await workspace.upload(
        ana.id, ana.channel, "late.txt", b"It snows.", thread_ts=ana.root.ts, text="use it"
    )
    await ana.sees_drafts(2)
    await ana.react(draft, "repeat")
    await ana.sees_drafts(3)
    with_it = ["It snows." in str(request["messages"]) for request in engine.requests]
    assert with_it == [False, True, False]
    view = await form_behind(workspace, ana, draft, "why")
    assert "late.txt" not in shown_in(view)


async def test_what_is_done_with_a_finished_draft_has_no_limit(
    start: StartBot, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    async with start(max_running_per_person=1):
        await ana.draft("rain")
        (draft,) = await ana.sees_drafts(1)
        elsewhere = Person(workspace, ana.id, workspace.channel("other"))
        engine.gate.clear()
        await elsewhere.draft("snow")
        await workspace.until(lambda: engine.running == 1)
        await ana.react(draft, "white_check_mark")
        await workspace.until(lambda: len(workspace.messages(ana.channel)) == 2)
        engine.gate.set()
        await elsewhere.sees_drafts(1)


async def test_an_old_delivery_of_mute_does_not_undo_what_came_later(
    bot: Bot, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    await ana.draft("rain")
    await ana.sees_drafts(1)
    mute = {
        "type": "message",
        "channel": ana.channel,
        "channel_type": "channel",
        "user": ana.id,
        "ts": "1900000000.000200",
        "thread_ts": ana.root.ts,
        "text": "mute",
    }
    await workspace.deliver(mute)
    await ana.hears("quiet in this thread")
    await ana.reply("unmute")
    await ana.hears("read along again")
    await workspace.deliver(mute)
    await ana.reply("shorter")
    await ana.sees_drafts(2)


async def test_a_brief_that_waits_for_an_invitation_can_be_stopped(
    bot: Bot, workspace: Workspace, engine: ScriptedEngine
) -> None:
    user = workspace.person("ana")
    channel = workspace.channel("secret", private=True, members=[user], bot=False)
    ana = Person(workspace, user, channel)
    await ana.draft("rain")
    await ana.hears("Your brief is kept")
    assert "I stopped your draft" in (await ana.draft("stop")).text
    await workspace.invite(channel)
    await asyncio.sleep(0.3)
    assert not engine.requests


async def test_a_click_on_a_draft_that_is_kept_no_more_is_answered(
    start: StartBot, ana: Person, workspace: Workspace, tmp_path: Path
) -> None:
    async with start():
        await ana.draft("rain")
        (draft,) = await ana.sees_drafts(1)
    for file in tmp_path.glob("draftsmith.db*"):
        file.unlink()
    async with start():
        for button in ("shorter", "why"):
            assert await workspace.click(ana.id, ana.channel, draft.ts, button)
            await ana.hears("I know nothing of this draft")
