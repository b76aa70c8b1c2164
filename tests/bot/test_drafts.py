"""The way of a draft, over real Socket Mode or HTTP; only the model is scripted."""

import asyncio
from typing import Any

import pytest

from bot.app import Bot
from bot.workspace import Workspace
from tests.person import Person, StartBot, facts
from tests.scripted_engine import ScriptedEngine, essay


async def test_a_command_a_reaction_and_a_reply_make_three_versions(
    bot_by_either_way: Bot, ana: Person, engine: ScriptedEngine
) -> None:
    ack = await ana.draft("blog: our new office in Lisbon")
    assert (ack.ok, ack.text) == (True, "")
    (first,) = await ana.sees_drafts(1)
    assert "asked for a blog post: our new office in Lisbon" in ana.root.text
    assert "Sentence 8" in first.text

    await ana.react(first, "repeat")
    _, second = await ana.sees_drafts(2)
    await ana.reply("make it more formal")
    *_, third = await ana.sees_drafts(3)

    heads = [draft.text.splitlines()[0] for draft in (first, second, third)]
    assert [
        "Draft 1" in heads[0],
        "another version of draft 1" in heads[1],
        "from draft 2" in heads[2],
    ] == [True] * 3
    seeds = [request["seed"] for request in engine.requests]
    assert len(set(seeds)) == 3
    assert engine.requests[0]["messages"] == engine.requests[1]["messages"]
    roles = [message["role"] for message in engine.requests[2]["messages"]]
    assert roles == ["system", "user", "assistant", "user"]
    assert engine.requests[2]["messages"][2]["content"].strip() in essay(engine.requests[1])
    assert engine.requests[2]["messages"][3]["content"] == "make it more formal"


async def test_the_line_under_a_draft_tells_tokens_seconds_seed_and_model(
    bot: Bot, ana: Person, engine: ScriptedEngine
) -> None:
    await ana.draft("seed=42 rain")
    (draft,) = await ana.sees_drafts(1)
    assert facts(draft) == ""


async def test_several_drafts_come_from_one_request_each_in_its_own_message(
    bot: Bot, ana: Person, engine: ScriptedEngine
) -> None:
    await ana.draft("n=3 blog: rain")
    drafts = await ana.sees_drafts(3)
    assert [f"Draft {i}" in draft.text for i, draft in enumerate(drafts, 1)] == [True] * 3
    assert len({draft.text for draft in drafts}) == 3
    assert [request["n"] for request in engine.requests] == [3]


async def test_nothing_is_shown_before_it_is_released(
    bot: Bot, ana: Person, engine: ScriptedEngine, workspace: Workspace
) -> None:
    engine.write = lambda _: "A first sentence of some length. " * 9 + "Mail jo@acme-corp.com now."
    await ana.draft("rain")
    await ana.sees_drafts(1)
    sent = [str(call.args) for call in workspace.calls]
    assert not any("jo@" in args for args in sent)
    assert any("A first sentence" in args for args in sent)


async def test_the_bot_offers_its_emoji_and_its_own_reaction_regenerates_nothing(
    bot: Bot, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    await ana.draft("rain")
    (draft,) = await ana.sees_drafts(1)
    await workspace.until(lambda: draft.reactions.get("repeat") == [workspace.bot_user])
    await asyncio.sleep(0.2)
    assert len(engine.requests) == 1


async def test_the_button_regenerates_as_the_emoji_does(
    bot: Bot, ana: Person, workspace: Workspace
) -> None:
    await ana.draft("rain")
    (draft,) = await ana.sees_drafts(1)
    assert await ana.press(draft, "regenerate")
    await ana.sees_drafts(2)


async def test_three_deliveries_of_one_reaction_make_one_regeneration(
    bot: Bot, ana: Person, workspace: Workspace
) -> None:
    await ana.draft("rain")
    (draft,) = await ana.sees_drafts(1)
    event = ana.reaction(draft, "repeat")
    for _ in range(3):
        assert await workspace.deliver(event, event_id="Ev1")
    await ana.sees_drafts(2)
    await asyncio.sleep(0.2)
    assert len(ana.drafts) == 2


async def test_a_reply_refines_the_version_that_was_finished_last(
    bot: Bot, ana: Person, engine: ScriptedEngine
) -> None:
    await ana.draft("n=2 rain")
    first, _ = await ana.sees_drafts(2)
    await ana.react(first, "repeat")
    await ana.sees_drafts(3)
    await ana.reply("shorter")
    *_, refined = await ana.sees_drafts(4)
    assert "from draft 3" in refined.text


async def test_a_reply_while_the_first_draft_is_written_waits_for_it(
    bot: Bot, ana: Person, engine: ScriptedEngine, workspace: Workspace
) -> None:
    engine.gate.clear()
    await ana.draft("rain")
    await workspace.until(lambda: ana.drafts)
    await ana.reply("shorter")
    engine.gate.set()
    _, refined = await ana.sees_drafts(2)
    assert "from draft 1" in refined.text


async def test_a_reply_does_not_wait_for_what_may_wait_around_its_draft(
    bot: Bot, ana: Person, workspace: Workspace
) -> None:
    workspace.fail("reactions.add", retry_after=60)
    await ana.draft("rain")
    await ana.sees_drafts(1)
    await workspace.until(lambda: any(c.method == "reactions.add" for c in workspace.calls))
    await ana.reply("shorter")
    _, refined = await ana.sees_drafts(2)
    assert "from draft 1" in refined.text


async def test_the_stop_emoji_ends_the_draft_and_frees_the_worker(
    bot: Bot, ana: Person, engine: ScriptedEngine, workspace: Workspace
) -> None:
    engine.pause = 0.05
    engine.write = lambda _: "A sentence that is long enough to be released. " * 40
    await ana.draft("rain")
    await workspace.until(lambda: ana.drafts and "A sentence" in ana.drafts[0].text)
    (draft,) = ana.drafts
    await ana.react(draft, "x")
    (draft,) = await ana.sees_drafts(1)
    assert facts(draft) == "Stopped."
    assert "A sentence" in draft.text
    assert await workspace.until(lambda: engine.running == 0)


async def test_only_the_requester_stops_a_draft(
    bot: Bot, ana: Person, engine: ScriptedEngine, workspace: Workspace
) -> None:
    engine.gate.clear()
    await ana.draft("rain")
    await workspace.until(lambda: ana.drafts)
    await workspace.react(workspace.person("ben"), ana.channel, ana.drafts[0].ts, "x")
    engine.gate.set()
    (draft,) = await ana.sees_drafts(1)
    assert "Sentence 8" in draft.text


@pytest.mark.parametrize(("guest", "outsider"), [(True, False), (False, True)])
async def test_guests_and_outsiders_are_told_no_after_each_click_and_once_after_emoji(
    bot: Bot,
    ana: Person,
    workspace: Workspace,
    engine: ScriptedEngine,
    guest: bool,
    outsider: bool,
) -> None:
    gus = workspace.person("gus", guest=guest, outsider=outsider)
    workspace.add_to(ana.channel, gus)
    visitor = Person(workspace, gus, ana.channel)
    await visitor.draft("rain")
    await visitor.hears("open to full members")
    await ana.draft("rain")
    (draft,) = await ana.sees_drafts(1)

    def said() -> int:
        return sum("full members" in m.text for m in workspace.whispers(visitor.id))

    assert said() == 1
    for emoji in ("repeat", "scissors"):
        await visitor.react(draft, emoji)
        await workspace.until(lambda: said() == 2)
    for _ in range(2):
        await asyncio.sleep(0.3)  # A click on what is being refused joins it.
        assert await workspace.click(visitor.id, ana.channel, draft.ts, "regenerate")
    await workspace.until(lambda: said() == 4)
    await asyncio.sleep(0.2)
    assert said() == 4
    assert {m.thread_ts for m in workspace.whispers(visitor.id)[1:]} == {ana.root.ts}
    assert len(ana.drafts) == 1


async def test_a_person_has_at_most_so_many_requests_running(
    start: StartBot, ana: Person, engine: ScriptedEngine, workspace: Workspace
) -> None:
    async with start(max_running_per_person=2):
        engine.gate.clear()
        await ana.draft("one")
        await ana.draft("two")
        ack = await ana.draft("three")
        assert "at most 2 of your requests" in ack.text
        engine.gate.set()
        await workspace.until(lambda: engine.running == 0 and len(engine.requests) == 2)


async def test_reactions_on_other_messages_do_nothing(
    bot: Bot, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    ts = await workspace.say(ana.id, ana.channel, "hello")
    await workspace.react(ana.id, ana.channel, ts, "repeat")
    await asyncio.sleep(0.2)
    assert not engine.requests
    assert not workspace.whispers(ana.id)


async def test_the_bot_joins_a_public_channel_that_it_is_not_in(
    bot: Bot, workspace: Workspace
) -> None:
    ana = Person(workspace, workspace.person("ana"), workspace.channel("open", bot=False))
    await ana.draft("rain")
    await ana.sees_drafts(1)


async def test_a_private_channel_keeps_the_brief_until_the_bot_is_invited(
    bot: Bot, workspace: Workspace
) -> None:
    user = workspace.person("ana")
    channel = workspace.channel("secret", private=True, members=[user], bot=False)
    ana = Person(workspace, user, channel)
    await ana.draft("rain")
    await ana.hears("Your brief is kept")
    await workspace.invite(channel)
    await ana.sees_drafts(1)


async def test_a_dm_of_two_people_offers_to_draft_in_the_bots_own_dm(
    bot: Bot, workspace: Workspace
) -> None:
    user, other = workspace.person("ana"), workspace.person("ben")
    ana = Person(workspace, user, workspace.dm(user, other))
    await ana.draft("rain")
    await ana.hears("between two people")
    (whisper,) = workspace.whispers(user)
    assert await workspace.click(user, ana.channel, whisper.ts, "draft_in_dm")
    own = Person(workspace, user, workspace.dm(user))
    await own.sees_drafts(1)


async def test_the_modal_takes_a_brief_and_a_number_of_drafts(
    bot: Bot, ana: Person, workspace: Workspace
) -> None:
    await ana.draft("")
    (view,) = await workspace.until(lambda: workspace.views(ana.id))
    answer = await workspace.submit(ana.id, view.id, {"brief": "temprature=1 rain", "drafts": "2"})
    assert "use temperature" in answer.errors["brief"]
    answer = await workspace.submit(ana.id, view.id, {"brief": "story: rain", "drafts": "2"})
    assert answer.ok
    await ana.sees_drafts(2)


async def test_a_long_draft_goes_on_in_further_messages_that_all_regenerate(
    bot: Bot, ana: Person, engine: ScriptedEngine, workspace: Workspace
) -> None:
    engine.write = lambda _: "\n\n".join(f"Paragraph {i}. " + "word " * 60 for i in range(20))
    await ana.draft("rain")

    def done() -> Any:
        drafts = ana.drafts
        return (
            drafts
            if len(drafts) > 1 and any(b["type"] == "actions" for b in drafts[-1].blocks)
            else None
        )

    parts = await workspace.until(done)
    assert all(len(part.text) <= 4000 for part in parts)
    assert "".join(part.text for part in parts).count("Paragraph") == 20
    await ana.react(parts[-1], "repeat")
    await workspace.until(lambda: len(engine.requests) == 2)


async def test_a_slack_without_streams_shows_the_same_draft_by_updates(
    start: StartBot, ana: Person, workspace: Workspace
) -> None:
    workspace.without("chat.startStream", "chat.appendStream", "chat.stopStream")
    async with start():
        await ana.draft("rain")
        (draft,) = await ana.sees_drafts(1)
        assert "Sentence 8" in draft.text
        assert any(call.method == "chat.update" for call in workspace.calls)
