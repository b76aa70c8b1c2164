"""What people hear while the bot ends, and while a part of it is away."""

import asyncio
from dataclasses import replace
from pathlib import Path

from bot.workspace import Workspace
from tests.database_lock import lock_database
from tests.person import Person, StartBot
from tests.scripted_engine import ScriptedEngine


async def test_a_bot_that_ends_takes_requests_in_and_says_what_goes_on_later(
    start: StartBot, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    late = Person(workspace, ana.id, workspace.channel("late"))
    engine.gate.clear()
    ending = start(drain_seconds=1)
    await ending.__aenter__()
    await ana.draft("rain")
    await workspace.until(lambda: engine.running == 1)
    leaving = asyncio.create_task(ending.__aexit__(None, None, None))
    await asyncio.sleep(0.1)
    assert (await late.draft("snow")).ok
    await ana.hears("Your draft goes on by itself as soon as I am back")
    await ana.hears("Your request is kept, and begins by itself")
    await leaving
    assert workspace.messages(late.channel) == []
    engine.gate.set()
    async with start():
        await ana.sees_drafts(1)
        await late.sees_drafts(1)


async def test_what_was_acked_just_before_the_end_is_still_answered(
    start: StartBot, ana: Person, workspace: Workspace
) -> None:
    async with start():
        workspace.fail("chat.postEphemeral", status=500, times=2)
        await workspace.say(ana.id, ana.channel, f"<@{workspace.bot_user}>")
        await workspace.until(lambda: workspace.settled)
    assert "What shall I write?" in workspace.whispers(ana.id)[0].text


async def test_a_thread_shows_that_its_draft_waits_for_the_database(
    start: StartBot, ana: Person, engine: ScriptedEngine, workspace: Workspace, tmp_path: Path
) -> None:
    workspace.state.features = replace(workspace.state.features, agent=False)
    engine.pause = 0.01
    async with start():
        await ana.draft("rain")
        await workspace.until(lambda: ana.drafts)
        lock = await lock_database(tmp_path)
        await workspace.until(lambda: away_is_said(ana))
        lock.close()
        await ana.sees_drafts(1, timeout=15)
        assert workspace.status(ana.channel, ana.root.ts) is None


def away_is_said(person: Person) -> bool:
    status = person.workspace.status(person.channel, person.root.ts)
    return status is not None and "a part that is away" in status.text
