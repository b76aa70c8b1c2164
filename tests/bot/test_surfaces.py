"""Our own conversation, mentions, the home tab, and waiting."""

import asyncio
from dataclasses import replace
from functools import partial

import pytest

from bot.app import Bot
from bot.messages import use_command
from bot.slack.client.membership import Installation
from bot.slack.client.people import SlackPeople
from bot.workspace import Workspace
from bot.workspace.objects import Json
from tests.person import Person, StartBot
from tests.scripted_engine import ScriptedEngine


def own(workspace: Workspace, who: Person) -> Person:
    return Person(workspace, who.id, workspace.dm(who.id))


def answered(workspace: Workspace, channel: str, ts: str, words: str) -> bool:
    """Say whether an answer below this message has these words."""
    return any(words in m.text for m in workspace.messages(channel, ts)[1:])


async def test_a_message_to_the_app_is_a_brief_and_replies_refine(
    bot: Bot, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    alone = own(workspace, ana)
    await workspace.say(ana.id, alone.channel, "n=2 blog: rain")
    await alone.sees_drafts(2)
    await alone.reply("1: shorter")
    *_, third = await alone.sees_drafts(3)
    assert "from draft 1" in third.text
    assert len(workspace.messages(alone.channel)) == 1


async def test_help_and_mistakes_are_answered_in_our_own_conversation(
    bot: Bot, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    alone = own(workspace, ana)
    for typed, says in (("help", "Tell me what to write"), ("temprature=1 x", "use temperature")):
        ts = await workspace.say(ana.id, alone.channel, typed)
        await workspace.until(partial(answered, workspace, alone.channel, ts, says))
    await workspace.upload(ana.id, alone.channel, "a.txt", b"x")
    await workspace.until(lambda: "What shall I write from this" in str(workspace.state.outline()))
    assert not engine.requests


async def test_our_conversation_begins_with_prompts_and_each_message_is_the_root_of_a_thread(
    bot_by_either_way: Bot, ana: Person, workspace: Workspace
) -> None:
    await workspace.open_home(ana.id, "messages")
    offered = await workspace.until(lambda: workspace.prompts(ana.id))
    assert offered is not None
    assert offered.title == "What shall I write?"
    assert offered.prompts[0]["title"] == "Draft a blog post"
    alone = own(workspace, ana)
    first = await workspace.say(ana.id, alone.channel, offered.prompts[0]["message"])
    await alone.sees_drafts(1)
    second = await workspace.say(ana.id, alone.channel, "news: rain")
    await alone.sees_drafts(1)
    assert [m.ts for m in workspace.messages(alone.channel)] == [first, second]
    await workspace.say(ana.id, alone.channel, "shorter", thread_ts=second)
    await alone.sees_drafts(2)


async def test_a_mention_in_a_channel_is_a_brief(
    bot: Bot, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    await workspace.say(ana.id, ana.channel, f"<@{workspace.bot_user}> blog: rain")
    await ana.sees_drafts(1)
    await asyncio.sleep(0.2)
    assert len(engine.requests) == 1


@pytest.fixture
def no_agent(workspace: Workspace) -> None:
    workspace.state.features = replace(workspace.state.features, agent=False)


async def test_a_wait_is_told_with_the_place_in_the_queue_and_the_word_goes_when_text_comes(
    no_agent: None, bot: Bot, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    engine.gate.clear()
    ben = Person(workspace, workspace.person("ben"), workspace.channel("other"))
    await ana.draft("rain")
    await workspace.until(lambda: ana.drafts)
    await ben.draft("sun")
    await workspace.until(lambda: ben.drafts)
    first = await workspace.until(lambda: workspace.status(ana.channel, ana.root.ts))
    second = await workspace.until(lambda: workspace.status(ben.channel, ben.root.ts))
    assert first is not None
    assert second is not None
    assert first.text == "is thinking about your draft…"
    assert second.text == "has one request before yours…"
    assert first.loading
    engine.gate.set()
    await ben.sees_drafts(1)
    await workspace.until(lambda: workspace.status(ben.channel, ben.root.ts) is None)
    # Slack says once that the app has no sessions.
    asked = [call for call in workspace.calls if call.method.startswith("agents.sessions.")]
    assert [call.error for call in asked] == ["not_agent_app"]


async def test_home_shows_what_the_person_began_and_a_button_that_begins_another(
    bot: Bot, ana: Person, workspace: Workspace
) -> None:
    await ana.draft("blog: the <!here> tram")
    await ana.sees_drafts(1)
    await workspace.open_home(ana.id)
    home = await workspace.until(lambda: workspace.home(ana.id))
    assert home is not None
    shown = str(home.body["blocks"])
    assert f"p{ana.root.ts.replace('.', '')}" in shown
    assert "1 draft" in shown
    assert "<!here>" not in shown
    assert "How to ask" in shown
    assert await workspace.click_in_view(ana.id, home.id, "new_draft")
    (form,) = await workspace.until(lambda: workspace.views(ana.id))
    assert (await workspace.submit(ana.id, form.id, {"brief": "rain", "channel": ana.channel})).ok
    await workspace.until(lambda: len(workspace.messages(ana.channel)) == 2)


async def test_every_door_opens_by_either_transport(
    bot_by_either_way: Bot, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    ts = await workspace.say(ana.id, ana.channel, "The tram is yellow.")
    assert await workspace.message_shortcut(ana.id, ana.channel, ts, "draft_from_message")
    (form,) = await workspace.until(lambda: workspace.views(ana.id))
    assert (await workspace.submit(ana.id, form.id, {"brief": "news: the tram"})).ok
    (draft,) = await ana.sees_drafts(1)
    assert await ana.press(draft, "change_form")
    (form,) = await workspace.until(lambda: workspace.views(ana.id))
    assert (await workspace.submit(ana.id, form.id, {"change": "shorter"})).ok
    await ana.sees_drafts(2)
    await workspace.upload(
        ana.id, ana.channel, "a.txt", b"It rings.", thread_ts=ana.root.ts, text="use it"
    )
    *_, third = await ana.sees_drafts(3)
    assert "It rings." in engine.requests[2]["messages"][1]["content"]
    assert await workspace.click(ana.id, ana.channel, third.ts, "accept_form")
    (form,) = await workspace.until(lambda: workspace.views(ana.id))
    assert f"<#{ana.channel}>" in str(form.body["blocks"])
    assert (await workspace.submit(ana.id, form.id, {"accept": "docx"})).ok
    await workspace.until(lambda: any(m.files for m in ana.drafts))
    assert await ana.press(third, "why")
    await workspace.until(lambda: workspace.views(ana.id))
    assert await ana.press(third, "good")
    assert await workspace.shortcut(ana.id, "draft_shortcut")
    await workspace.open_home(ana.id)
    await workspace.until(lambda: workspace.home(ana.id))


async def test_what_slack_writes_about_people_is_no_brief_and_no_reply(
    bot_by_either_way: Bot, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    await ana.draft("rain")
    await ana.sees_drafts(1)
    said = f"<@{workspace.bot_user}> has joined the channel"
    about: Json = {"type": "message", "channel": ana.channel, "user": ana.id, "text": said}
    for i, subtype in enumerate(("channel_join", "channel_topic", "pinned_item", "huddle_thread")):
        for place in ({}, {"thread_ts": ana.root.ts}):
            ts = f"{1700000000 + i}.00000{len(place)}"
            told = {**about, **place, "subtype": subtype, "ts": ts, "channel_type": "channel"}
            assert await workspace.deliver(told)
    await ana.reply("shorter")
    await ana.sees_drafts(2)
    assert len(engine.requests) == 2
    assert not workspace.whispers(ana.id)


async def test_home_is_in_the_persons_language(start: StartBot, workspace: Workspace) -> None:
    mei = workspace.person("mei", locale="zh-CN")
    async with start():
        await workspace.open_home(mei)
        home = await workspace.until(lambda: workspace.home(mei))
    assert home is not None
    assert "新草稿" in str(home.body["blocks"])


async def test_a_mention_in_a_thread_of_others_is_a_brief_under_its_root(
    bot: Bot, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    ts = await workspace.say(ana.id, ana.channel, "what a day")
    named = f"<@{workspace.bot_user}> haiku: rain"
    await workspace.say(ana.id, ana.channel, named, thread_ts=ts)
    await ana.sees_drafts(1)
    assert len(engine.requests) == 1


async def test_below_a_persons_message_a_head_has_the_stop_button_and_then_the_newest(
    bot: Bot, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    alone = own(workspace, ana)
    engine.gate.clear()
    ts = await workspace.say(ana.id, alone.channel, "rain")
    await workspace.until(lambda: len(workspace.messages(alone.channel, ts)) == 2)
    _, head = workspace.messages(alone.channel, ts)
    assert "stop_thread" in str(head.blocks)
    engine.gate.set()
    await alone.sees_drafts(1)
    await workspace.until(lambda: "newest" in head.text)
    assert "stop_thread" not in str(head.blocks)


async def test_every_sentence_teaches_the_command_that_there_is(
    start: StartBot, ana: Person, workspace: Workspace
) -> None:
    try:
        async with start(slash_command="/write"):
            ack = await workspace.command(ana.id, ana.channel, "/write", "help")
            assert ack.ok
            helped = str(workspace.whispers(ana.id)[-1].blocks)
    finally:
        use_command("/draft")
    assert "/write blog" in helped
    assert "/draft" not in helped


async def test_people_are_looked_up_side_by_side_and_each_once() -> None:
    asked: list[str] = []

    async def look_up(user: str) -> dict[str, str]:
        asked.append(user)
        await asyncio.sleep(0.1)
        return {"locale": "zh-CN"}

    people = SlackPeople(look_up, ["anyone"], Installation("T1"))
    users = [f"U{i}" for i in range(50)]
    async with asyncio.timeout(2):
        spoken = await asyncio.gather(*(people.language(user) for user in users * 2))
    assert set(spoken) == {"zh"}
    assert sorted(asked) == sorted(users)
