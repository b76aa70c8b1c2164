"""The app as an agent: its sessions, Slack's own stop button, and what a person looks at."""

import asyncio
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.app import Bot
from bot.store import Store
from bot.workspace import AgentSession, PostedMessage, Workspace
from tests.bot.draft_view import form_behind
from tests.person import Person, StartBot, facts, is_done
from tests.scripted_engine import ScriptedEngine

SET_STATUS = "agents.sessions.setStatus"


def session(person: Person) -> AgentSession | None:
    """Return the session in the person's newest thread."""
    return person.workspace.session(person.channel, person.root.ts)


async def is_shown(person: Person, status: str) -> AgentSession:
    """Return the session of the newest thread, once it has this status."""

    def shown() -> AgentSession | None:
        found = session(person) if person.workspace.messages(person.channel) else None
        return found if found and found.status == status else None

    found = await person.workspace.until(shown)
    assert found is not None
    return found


def accepted(person: Person) -> list[PostedMessage]:
    """Return what was posted in the person's channel as accepted."""
    return [m for m in person.workspace.messages(person.channel) if "accepted by" in facts(m)]


def hills(message: PostedMessage) -> int:
    """Return how often the message shows the word, streamed or in blocks."""
    return max(message.text.count("hill"), str(message.blocks).count("hill"))


# Around every draft


async def test_a_thread_is_at_work_from_before_the_first_draft_until_the_last_is_done(
    bot_by_either_way: Bot, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    engine.gate.clear()
    await ana.draft("n=2 blog: rain & snow")
    begun = await is_shown(ana, "processing")
    assert (begun.title, begun.initiator) == ("rain & snow", ana.id)
    await workspace.until(lambda: engine.running)
    methods = [call.method for call in workspace.calls]
    assert methods.index(SET_STATUS) < methods.index("chat.startStream")
    engine.gate.set()
    await ana.sees_drafts(2)
    await is_shown(ana, "active")
    engine.gate.clear()
    await ana.reply("1: shorter")
    await is_shown(ana, "processing")
    engine.gate.set()
    await ana.sees_drafts(3)
    again = await is_shown(ana, "active")
    assert again.title == "rain & snow"


async def test_a_thread_is_at_work_while_one_of_its_jobs_is(
    bot: Bot, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    await ana.draft("n=2 rain")
    first, second = await ana.sees_drafts(2)
    await is_shown(ana, "active")
    engine.gate.clear()
    await ana.react(first, "repeat")
    await workspace.until(lambda: engine.running == 1)
    await ana.react(second, "repeat")
    await workspace.until(lambda: engine.running == 2 and len(ana.drafts) == 4)
    await ana.react(ana.drafts[2], "x")
    await workspace.until(lambda: facts(ana.drafts[2]) == "Stopped.")
    await asyncio.sleep(0.3)
    await is_shown(ana, "processing")
    engine.gate.set()
    await ana.sees_drafts(4)
    await is_shown(ana, "active")


async def test_the_stop_button_stays_until_the_last_of_several_drafts_is_done(
    bot_by_either_way: Bot, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    await ana.draft("n=2 rain")
    first, second = await ana.sees_drafts(2)
    lengths = [400, 1]
    engine.pause, engine.write = 0.02, lambda _: "It rings. " * lengths.pop(0)
    await ana.react(first, "repeat")
    await workspace.until(lambda: engine.running == 1)
    await ana.react(second, "repeat")
    await workspace.until(lambda: [is_done(m) for m in ana.drafts].count(True) == 3)
    await asyncio.sleep(0.2)
    await is_shown(ana, "processing")
    assert engine.running == 1
    await workspace.stop_session(ana.id, ana.channel, ana.root.ts)
    await is_shown(ana, "active")


async def test_somebody_who_is_not_in_the_channel_begins_a_session_too(
    bot: Bot, ana: Person, workspace: Workspace
) -> None:
    await workspace.until(lambda: workspace.connected)
    workspace.fail(SET_STATUS, error="user_not_in_channel")
    await ana.draft("rain")
    await ana.sees_drafts(1)
    begun = await is_shown(ana, "active")
    assert (begun.title, begun.initiator) == ("rain", None)


async def test_a_draft_waits_for_no_sign_of_work(
    bot: Bot, ana: Person, workspace: Workspace
) -> None:
    workspace.fail(SET_STATUS, error="internal_error", times=2)
    await ana.draft("rain")
    await ana.sees_drafts(1)
    # Whether the first call did anything is unknown: the end is shown in any case.
    await is_shown(ana, "active")


async def test_threads_in_channels_get_no_title_and_threads_no_prompts(
    bot_by_either_way: Bot, ana: Person, workspace: Workspace
) -> None:
    await workspace.say(ana.id, ana.channel, f"<@{workspace.bot_user}> blog: rain")
    await ana.sees_drafts(1)
    await workspace.open_home(ana.id, "messages")
    await workspace.until(lambda: workspace.prompts(ana.id))
    calls = {call.method: call.args for call in workspace.calls}
    assert "assistant.threads.setTitle" not in calls
    assert "thread_ts" not in calls["assistant.threads.setSuggestedPrompts"]


async def test_no_thread_stays_at_work_when_the_bot_ends_nor_after_a_crash(
    start: StartBot, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    engine.gate.clear()
    async with start():
        await ana.draft("rain")
        left = await is_shown(ana, "processing")
        await workspace.until(lambda: engine.running)
    assert left.status == "active"
    # As a bot that was killed leaves it, once with the draft unwritten, once with its end unshown.
    left.status = "processing"
    engine.gate.set()
    async with start():
        await ana.sees_drafts(1)
        await is_shown(ana, "active")


async def test_accepting_and_deleting_are_no_work(
    bot: Bot, ana: Person, workspace: Workspace
) -> None:
    await ana.draft("rain")
    (draft,) = await ana.sees_drafts(1)
    await is_shown(ana, "active")
    before = [call.method for call in workspace.calls].count(SET_STATUS)
    await ana.react(draft, "white_check_mark")
    await workspace.until(lambda: accepted(ana))
    await workspace.until(lambda: workspace.settled)
    assert [call.method for call in workspace.calls].count(SET_STATUS) == before == 2


async def test_a_session_is_closed_once_no_draft_is_left_in_its_thread(
    bot_by_either_way: Bot, ana: Person, workspace: Workspace
) -> None:
    await ana.draft("n=2 rain")
    first, second = await ana.sees_drafts(2)
    await ana.react(first, "wastebasket")
    await workspace.until(lambda: len(ana.drafts) == 1)
    await ana.reply("2: shorter")
    _, third = await ana.sees_drafts(2)
    await is_shown(ana, "active")
    await ana.react(second, "wastebasket")
    await workspace.until(lambda: len(ana.drafts) == 1)
    await is_shown(ana, "active")
    await ana.react(third, "wastebasket")
    await is_shown(ana, "closed")


# Slack's own stop button


async def test_slacks_stop_button_ends_the_drafts_within_two_seconds_whoever_clicks_it(
    bot_by_either_way: Bot, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    engine.pause = 0.05
    engine.write = lambda _: "The tram climbs the hill. " * 200
    await ana.draft("n=2 rain")
    await workspace.until(
        lambda: len(ana.drafts) == 2 and all("hill" in m.text for m in ana.drafts)
    )
    await is_shown(ana, "processing")
    ben = workspace.person("ben")
    clicked = time.monotonic()
    await workspace.stop_session(ben, ana.channel, ana.root.ts)
    seen = [hills(m) for m in ana.drafts]
    await workspace.until(lambda: not engine.running)
    await workspace.until(lambda: [facts(m) for m in ana.drafts] == ["Stopped.", "Stopped."])
    await is_shown(ana, "active")
    assert time.monotonic() - clicked < 2
    assert all(count > 0 for count in seen)
    stays = [hills(m) for m in ana.drafts]
    assert all(after >= before for before, after in zip(seen, stays, strict=True))
    assert not workspace.whispers(ana.id)
    assert not workspace.whispers(ben)
    engine.pause, engine.write = 0, lambda _: "It rings."
    await ana.reply("1: shorter")
    await ana.sees_drafts(3)


async def test_a_draft_that_waits_for_the_worker_is_stopped_as_well(
    bot: Bot, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    engine.gate.clear()
    await ana.draft("rain")
    await workspace.until(lambda: engine.running == 1)
    await workspace.stop_session(ana.id, ana.channel, ana.root.ts)
    await workspace.until(lambda: not engine.running)
    await is_shown(ana, "active")
    await workspace.until(lambda: [facts(m) for m in ana.drafts] == ["Stopped."])


async def test_an_old_delivery_of_a_stop_stops_nothing_new(
    bot: Bot, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    await ana.draft("rain")
    await ana.sees_drafts(1)
    await is_shown(ana, "active")
    stop = {
        "type": "agent_session_stopped",
        "channel": ana.channel,
        "thread_ts": ana.root.ts,
        "user": ana.id,
        "streaming_message_ts": [],
        "event_ts": "1700000000.000100",
    }
    assert await workspace.deliver(stop, event_id="Ev1")
    engine.gate.clear()
    await ana.reply("shorter")
    await workspace.until(lambda: engine.running == 1)
    assert await workspace.deliver(stop, event_id="Ev1")
    await asyncio.sleep(0.3)
    assert engine.running == 1
    engine.gate.set()
    await ana.sees_drafts(2)


async def test_a_session_that_was_left_at_work_is_set_to_rest_by_the_button(
    bot: Bot, ana: Person, workspace: Workspace
) -> None:
    await ana.draft("rain")
    await ana.sees_drafts(1)
    (await is_shown(ana, "active")).status = "processing"
    await workspace.stop_session(ana.id, ana.channel, ana.root.ts)
    await is_shown(ana, "active")


# What a person looks at


@pytest.fixture
def alone(ana: Person, workspace: Workspace) -> Person:
    """Return Ana in the app's conversation."""
    return Person(workspace, ana.id, workspace.dm(ana.id))


async def accept_first(alone: Person, said: str) -> None:
    await alone.workspace.say(alone.id, alone.channel, said)
    (draft,) = await alone.sees_drafts(1)
    form = await form_behind(alone.workspace, alone, draft, "accept_form")
    assert (await alone.workspace.submit(alone.id, form.id, {"accept": "channel"})).ok


async def test_what_is_drafted_beside_a_channel_is_accepted_into_it(
    bot_by_either_way: Bot, ana: Person, alone: Person, workspace: Workspace
) -> None:
    await workspace.look_at(ana.id, ana.channel)
    await accept_first(alone, "blog: rain")
    (posted,) = await workspace.until(lambda: accepted(ana))
    assert "Sentence 8" in posted.text
    await workspace.until(lambda: "was posted to" in alone.drafts[-1].text)
    assert len(workspace.messages(alone.channel)) == 1


async def test_what_slack_tells_beside_the_message_goes_before_what_was_looked_at(
    bot: Bot, ana: Person, alone: Person, workspace: Workspace
) -> None:
    other = Person(workspace, ana.id, workspace.channel("other"))
    await workspace.look_at(ana.id, ana.channel)
    team = workspace.team
    entity = {"type": "slack#/types/channel_id", "value": other.channel, "team_id": team}
    workspace.state.looking_at[ana.id] = [entity]
    await accept_first(alone, "blog: rain")
    await workspace.until(lambda: accepted(other))
    assert not accepted(ana)


async def test_what_was_looked_at_is_known_after_a_restart(
    start: StartBot, ana: Person, alone: Person, workspace: Workspace, tmp_path: Path
) -> None:
    async with start():
        await workspace.look_at(ana.id, ana.channel)
        await asyncio.sleep(0.5)
    # Without the subscription nothing comes beside the message.
    features = workspace.state.features
    assert features.events is not None
    events = features.events - {"app_context_changed"}
    workspace.state.features = replace(features, events=events)
    async with start():
        await accept_first(alone, "blog: rain")
        await workspace.until(lambda: accepted(ana))


async def test_a_canvas_a_conversation_and_nothing_are_no_place_to_post_to(
    bot: Bot, ana: Person, alone: Person, workspace: Workspace
) -> None:
    await workspace.look_at(ana.id, ana.channel)
    await workspace.look_at(ana.id, canvas="F0CANVAS")
    await accept_first(alone, "blog: rain")
    await workspace.until(lambda: accepted(alone))
    await workspace.look_at(ana.id, alone.channel)
    await accept_first(alone, "blog: snow")
    await workspace.until(lambda: len(accepted(alone)) == 2)
    assert not accepted(ana)


async def test_the_policy_of_the_channel_in_sight_judges_the_draft(
    start: StartBot,
    ana: Person,
    alone: Person,
    workspace: Workspace,
    engine: ScriptedEngine,
    tmp_path: Path,
) -> None:
    engine.write = lambda _: "Write to press@acme.com. The tram rings."
    policy = tmp_path / "policy.toml"
    policy.write_text(f'[channels.{ana.channel}.output]\nemail = "block"\n')
    async with start(policy=str(policy)):
        await workspace.say(ana.id, alone.channel, "blog: rain")
        await workspace.until(lambda: alone.drafts and "[e-mail removed]" in alone.drafts[0].text)
        await workspace.look_at(ana.id, ana.channel)
        await workspace.say(ana.id, alone.channel, "blog: snow")
        await workspace.until(
            lambda: alone.drafts and "filter" in alone.drafts[0].text and not engine.running
        )
        assert "tram rings" not in alone.drafts[0].text


async def test_a_look_is_forgotten_after_a_day_and_an_older_delivery_changes_nothing(
    tmp_path: Path,
) -> None:
    store = await Store.open(f"sqlite+aiosqlite:///{tmp_path / 'x.db'}")
    now = datetime.now(UTC)
    await store.record_look("U1", "C1", now)
    await store.record_look("U1", "C2", now - timedelta(minutes=1))
    assert await store.find_look("U1") == "C1"
    await store.record_look("U1", None, now)
    assert await store.find_look("U1") is None
    await store.record_look("U2", "C1", now - timedelta(hours=25))
    assert await store.find_look("U2") is None
    await store.purge()
    await store.record_look("U2", "C2", now - timedelta(hours=26))
    assert await store.find_look("U1") is None
    assert await store.find_look("U2") is None
    await store.close()
