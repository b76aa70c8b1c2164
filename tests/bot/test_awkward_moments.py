"""Two things at once, things halfway through, and things while something does not answer."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from bot.app import Bot
from bot.workspace import PostedMessage, Workspace
from bot.workspace.objects import Restriction
from tests.bot.draft_view import form_behind
from tests.database_lock import lock_database
from tests.person import Person, StartBot, facts
from tests.scripted_engine import ScriptedEngine

LONG = "A sentence that is long enough to be released. " * 30


async def test_stopping_one_of_two_drafts_lets_the_other_end(
    bot: Bot, ana: Person, engine: ScriptedEngine, workspace: Workspace
) -> None:
    engine.pause = 0.01
    engine.write = lambda _: LONG
    await ana.draft("n=2 rain")
    await workspace.until(lambda: len(ana.drafts) == 2 and "A sentence" in ana.drafts[0].text)
    await ana.react(ana.drafts[0], "x")
    first, second = await ana.sees_drafts(2)
    assert facts(first) == "Stopped."
    assert second.text.count("A sentence") == 30


async def test_a_stop_while_the_drafts_are_being_opened_costs_no_other_draft(
    bot: Bot, ana: Person, engine: ScriptedEngine, workspace: Workspace
) -> None:
    engine.gate.clear()
    await ana.draft("n=3 rain")
    # The first draft is known as such before the second is begun.
    await workspace.until(lambda: len(ana.drafts) >= 2)
    await ana.react(ana.drafts[0], "x")
    engine.gate.set()
    first, *others = await ana.sees_drafts(3)
    assert facts(first) == "Stopped."
    assert ["Sentence 8" in draft.text for draft in others] == [True, True]


async def test_a_draft_stopped_just_before_the_worker_dies_is_closed(
    bot: Bot, ana: Person, engine: ScriptedEngine, workspace: Workspace
) -> None:
    engine.write = lambda _: LONG
    engine.die_after, engine.pause = 60, 0.01
    await ana.draft("n=2 rain")
    await workspace.until(lambda: len(ana.drafts) == 2 and "A sentence" in ana.drafts[0].text)
    engine.gate.clear()
    await ana.react(ana.drafts[0], "x")
    engine.gate.set()
    first, second = await ana.sees_drafts(2)
    assert facts(first) == "Stopped."
    assert second.text.count("A sentence") == 30


async def test_a_stop_while_the_draft_waits_for_the_worker_ends_it(
    bot: Bot, ana: Person, engine: ScriptedEngine, workspace: Workspace
) -> None:
    engine.up = False
    await ana.draft("rain")
    await ana.hears("goes on by itself")
    await ana.react(ana.drafts[0], "x")
    (draft,) = await ana.sees_drafts(1)
    assert facts(draft) == "Stopped."


async def test_a_late_stop_leaves_a_finished_draft_as_it_is(
    bot: Bot, ana: Person, workspace: Workspace
) -> None:
    await ana.draft("rain")
    (draft,) = await ana.sees_drafts(1)
    await ana.react(draft, "x")
    await ana.reply("shorter")
    _, refined = await ana.sees_drafts(2)
    assert "Stopped" not in facts(draft)
    assert "from draft 1" in refined.text


async def test_a_history_may_lose_many_turns(bot: Bot, ana: Person, engine: ScriptedEngine) -> None:
    await ana.draft("rain")
    await ana.sees_drafts(1)
    for count in range(2, 9):
        await ana.reply("again")
        await ana.sees_drafts(count)
    error = {"message": "too long", "code": "context_length_exceeded"}
    engine.refuse = lambda body: error if len(body["messages"]) > 4 else None
    await ana.reply("and once more")
    await ana.sees_drafts(9)
    assert len(engine.requests[-1]["messages"]) == 4


async def test_a_worker_whose_queue_is_full_is_asked_again_and_the_person_told_once(
    bot: Bot, ana: Person, engine: ScriptedEngine, workspace: Workspace
) -> None:
    engine.full = 3
    await ana.draft("rain")
    (draft,) = await ana.sees_drafts(1)
    assert "Sentence 8" in draft.text
    assert len(workspace.whispers(ana.id)) == 1


async def test_a_bot_removed_from_the_channel_midway_tells_the_requester(
    bot: Bot, ana: Person, engine: ScriptedEngine, workspace: Workspace
) -> None:
    engine.write, engine.pause = lambda _: LONG, 0.01
    await ana.draft("rain")
    await workspace.until(lambda: ana.drafts and "A sentence" in ana.drafts[0].text)
    await workspace.remove_bot(ana.channel)
    await ana.hears("thread of this draft is gone")
    await workspace.until(lambda: engine.running == 0)


async def test_an_emoji_that_slack_does_not_know_leaves_the_draft_finished(
    start: StartBot, ana: Person, workspace: Workspace
) -> None:
    async with start(emoji="regenerate=no_such_emoji"):
        workspace.fail("reactions.add", error="invalid_name")
        await ana.draft("rain")
        (draft,) = await ana.sees_drafts(1)
        await workspace.until(lambda: any(c.method == "reactions.add" for c in workspace.calls))
        await ana.reply("shorter")
        await ana.sees_drafts(2)
        assert "Sentence 8" in draft.text
        assert workspace.whispers(ana.id) == []


async def test_the_emoji_is_a_setting_and_so_is_its_offer(
    start: StartBot, ana: Person, engine: ScriptedEngine
) -> None:
    async with start(emoji="regenerate=recycle", offer_emoji=False):
        await ana.draft("rain")
        (draft,) = await ana.sees_drafts(1)
        await ana.react(draft, "repeat")
        await ana.react(draft, "recycle")
        await ana.sees_drafts(2)
        await asyncio.sleep(0.2)
        assert len(engine.requests) == 2
        assert set(draft.reactions) == {"repeat", "recycle"}


async def test_a_click_that_meets_a_locked_database_is_answered(
    bot: Bot, ana: Person, workspace: Workspace, tmp_path: Path
) -> None:
    await ana.draft("rain")
    (draft,) = await ana.sees_drafts(1)
    await workspace.until(lambda: "repeat" in draft.reactions)
    lock = await lock_database(tmp_path)
    assert await ana.press(draft, "regenerate")
    await ana.hears("Please send it again")
    lock.execute("ROLLBACK")
    lock.close()


async def test_a_database_locked_midway_costs_no_word(
    bot: Bot, ana: Person, engine: ScriptedEngine, workspace: Workspace, tmp_path: Path
) -> None:
    engine.pause = 0.01
    await ana.draft("rain")
    await workspace.until(lambda: ana.drafts)
    lock = await lock_database(tmp_path)
    await asyncio.sleep(2.5)
    lock.execute("ROLLBACK")
    lock.close()
    (draft,) = await ana.sees_drafts(1, timeout=15)
    assert [draft.text.count(f"Sentence {i} ") for i in range(1, 9)] == [1] * 8


async def test_a_form_that_does_not_open_is_said_after_the_ack(
    bot: Bot, ana: Person, workspace: Workspace
) -> None:
    workspace.fail("views.open", retry_after=5.0, times=9)
    ack = await ana.draft("")
    assert ack.ok
    assert not ack.text
    await ana.hears("could not open the form")


async def test_a_reply_is_acked_while_slack_limits_the_answer_to_it(
    start: StartBot, ana: Person, workspace: Workspace
) -> None:
    async with start(model_languages=["en"]):
        await ana.draft("rain")
        await ana.sees_drafts(1)
        workspace.fail("chat.postEphemeral", retry_after=2.0)
        await ana.reply("9: shorter")
        await workspace.until(lambda: workspace.settled, 2.0)
        assert workspace.whispers(ana.id) == []
        await ana.hears("no draft 9")


async def test_a_refused_reply_delivered_three_times_is_answered_once(
    bot: Bot, ana: Person, workspace: Workspace
) -> None:
    await ana.draft("rain")
    await ana.sees_drafts(1)
    event = {
        "type": "message",
        "user": ana.id,
        "text": "x" * 9000,
        "channel": ana.channel,
        "channel_type": "channel",
        "ts": "1800000000.000100",
        "event_ts": "1800000000.000100",
        "thread_ts": ana.root.ts,
    }
    for _ in range(3):
        assert await workspace.deliver(event, event_id="Ev1")
    await ana.hears("9,000 characters long")
    assert len(workspace.whispers(ana.id)) == 1


async def test_a_person_whom_the_app_may_not_see_may_not_ask(
    bot: Bot, ana: Person, workspace: Workspace
) -> None:
    workspace.fail("users.info", error="user_not_visible")
    await ana.draft("rain")
    await ana.hears("open to full members")


async def test_an_archived_channel_is_named_as_such(
    bot: Bot, ana: Person, workspace: Workspace
) -> None:
    workspace.fail("chat.postMessage", error="is_archived", times=2)
    await ana.draft("rain")
    await ana.hears("archived")


@pytest.mark.parametrize("streams", [True, False])
async def test_a_channel_that_is_archived_under_a_draft_is_named_as_such(
    bot: Bot, ana: Person, workspace: Workspace, engine: ScriptedEngine, streams: bool
) -> None:
    if not streams:
        workspace.without("chat.startStream")
    engine.gate.clear()
    await ana.draft("rain")
    await workspace.until(lambda: ana.drafts)
    workspace.archive(ana.channel)
    engine.gate.set()
    await workspace.until(lambda: any("is archived" in m.text for m in told(workspace, ana)))


@pytest.mark.parametrize("restriction", ["read_only", "thread_only", "non_threadable"])
async def test_a_channel_in_which_the_app_may_not_post_is_named_as_such(
    bot_by_either_way: Bot, ana: Person, workspace: Workspace, restriction: Restriction
) -> None:
    workspace.restrict(ana.channel, restriction)
    await ana.draft("rain")
    await ana.hears("do not let me post here")


@pytest.mark.parametrize("way", ["channel", "md"])
async def test_a_text_that_may_not_be_posted_where_it_was_accepted_is_said_to_be_so(
    bot_by_either_way: Bot, ana: Person, workspace: Workspace, way: str
) -> None:
    await ana.draft("rain")
    (draft,) = await ana.sees_drafts(1)
    workspace.restrict(ana.channel, "read_only")
    await workspace.click(ana.id, ana.channel, draft.ts, "accept_form")
    (form,) = await workspace.until(lambda: workspace.views(ana.id))
    assert (await workspace.submit(ana.id, form.id, {"accept": way})).ok
    await ana.hears("do not let me post here")


async def test_where_the_messages_tab_is_switched_off_a_private_draft_says_who_can_change_it(
    bot_by_either_way: Bot, ana: Person, workspace: Workspace
) -> None:
    workspace.state.features = replace(workspace.state.features, messages=False)
    await ana.draft("private=yes rain")
    await ana.hears("has to switch on its Messages tab")
    await ana.draft("rain")
    (draft,) = await ana.sees_drafts(1)
    form = await form_behind(workspace, ana, draft, "accept_form")
    assert (await workspace.submit(ana.id, form.id, {"accept": "person"})).ok
    await workspace.until(
        lambda: [m for m in workspace.whispers(ana.id) if "Messages tab" in m.text][1:]
    )


def told(workspace: Workspace, person: Person) -> list[PostedMessage]:
    """Return what only this person reads: whispers, and their conversation with the bot."""
    return [*workspace.whispers(person.id), *workspace.messages(workspace.dm(person.id))]


async def test_an_invitation_while_the_bot_is_down_is_noticed_at_its_start(
    start: StartBot, workspace: Workspace
) -> None:
    user = workspace.person("ana")
    channel = workspace.channel("secret", private=True, members=[user], bot=False)
    ana = Person(workspace, user, channel)
    async with start():
        await ana.draft("rain")
        await ana.hears("Your brief is kept")
    await asyncio.wait_for(workspace.invite(channel), 20)
    async with start():
        await ana.sees_drafts(1)


@pytest.mark.parametrize("allowed", ["anyone", "UANA", "UBEN,UANA"])
async def test_who_may_ask_is_a_setting(
    start: StartBot, ana: Person, workspace: Workspace, allowed: str
) -> None:
    guest = Person(workspace, workspace.person("gus", guest=True), ana.channel)
    workspace.add_to(ana.channel, guest.id)
    async with start(allowed=allowed.replace("UANA", guest.id)):
        await guest.draft("rain")
        await guest.sees_drafts(1)
