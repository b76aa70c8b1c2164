"""Replies in a thread: which draft they mean, who may refine, and when they are left alone."""

import asyncio
from functools import partial

import pytest

from bot.app import Bot
from bot.workspace import Workspace
from tests.person import Person, StartBot
from tests.scripted_engine import ScriptedEngine


async def test_a_reply_may_name_or_quote_the_draft_that_it_means(
    bot: Bot, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    await ana.draft("n=3 rain")
    first, second, _ = await ana.sees_drafts(3)
    await ana.reply("2: shorter")
    *_, fourth = await ana.sees_drafts(4)
    assert "from draft 2" in fourth.text
    assert engine.requests[1]["messages"][-1]["content"] == "shorter"

    passage = next(line for line in first.text.splitlines() if "Sentence 1" in line)
    await ana.reply(f"> {passage[:40]}\nless dry, please")
    *_, fifth = await ana.sees_drafts(5)
    assert "from draft 1" in fifth.text

    link = f"https://acme.slack.com/archives/{ana.channel}/p{second.ts.replace('.', '')}"
    await ana.reply(f"{link}?thread_ts=1.2 more formal")
    *_, sixth = await ana.sees_drafts(6)
    assert "from draft 2" in sixth.text
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
    assert "from draft 2" in seventh.text
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


async def test_a_reply_in_a_muted_thread_is_answered_once_to_each_person(
    bot_by_either_way: Bot, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    ben = Person(workspace, workspace.person("ben"), ana.channel)
    mei = Person(workspace, workspace.person("mei", locale="zh-CN"), ana.channel)

    def told(person: Person) -> int:
        whispers = workspace.whispers(person.id)
        return sum("unmute" in m.text and m.thread_ts == ana.root.ts for m in whispers)

    await ana.draft("rain")
    await ana.sees_drafts(1)
    await ana.reply("mute")
    await ana.hears("quiet in this thread")
    for person in (ben, mei):
        for words in ("shorter", "and kinder"):
            await person.reply(words)
            await workspace.until(partial(lambda who: told(who) == 1, person))
    await mei.hears("已静音")
    await ana.reply("what do you think?")
    await ben.reply(f"<@{mei.id}> and you?")
    await asyncio.sleep(0.2)
    assert (told(ana), told(ben), told(mei)) == (1, 1, 1)  # Ana when she muted it.
    await ben.reply("unmute")
    await ben.hears("read along again")
    await ana.reply("mute")
    await workspace.until(lambda: told(ana) == 2)
    await ben.reply("longer")
    await workspace.until(lambda: told(ben) == 2)
    assert len(engine.requests) == 1


@pytest.mark.parametrize("direct", [False, True])
async def test_the_head_of_a_muted_thread_says_so_to_everybody_until_it_is_unmuted(
    bot_by_either_way: Bot, ana: Person, workspace: Workspace, direct: bool
) -> None:
    place = Person(workspace, ana.id, workspace.dm(ana.id)) if direct else ana
    if direct:
        await workspace.say(ana.id, place.channel, "rain")
    else:
        await ana.draft("rain")
    (draft,) = await place.sees_drafts(1)
    thread = workspace.messages(place.channel, place.root.ts)
    head = thread[1] if direct else thread[0]
    await workspace.until(lambda: "newest" in str(head.blocks))
    quiet = f"quiet: replies change nothing (muted by <@{ana.id}>)"
    await place.reply("mute")
    await workspace.until(lambda: quiet in str(head.blocks))
    await workspace.react(ana.id, place.channel, draft.ts, "repeat")
    await workspace.until(lambda: "2 drafts" in str(head.blocks))
    assert quiet in str(head.blocks)
    await place.reply("unmute")
    await workspace.until(lambda: "quiet" not in str(head.blocks))
    assert "newest" in str(head.blocks)


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
        await ben.press(draft, "shorter")
        await ben.hears("Only the person who asked")
    assert len(engine.requests) == 1


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
        "ts": f"{float(ana.root.ts) + 0.0005:.6f}",
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
