"""Stopping what is being written, and taking a draft away."""

import asyncio

from bot.app import Bot
from bot.workspace import Workspace
from tests.person import Person, buttons, facts
from tests.scripted_engine import ScriptedEngine


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
    assert [*buttons(ana.root)] == ["stop_thread"]
    await workspace.click(workspace.person("ben"), ana.channel, ana.root.ts, "stop_thread")
    assert engine.running == 1
    await workspace.click(ana.id, ana.channel, ana.root.ts, "stop_thread")
    await ana.sees_drafts(2)
    await workspace.until(lambda: "2 drafts" in facts(ana.root) and not buttons(ana.root))
    newest = ana.drafts[-1].ts.replace(".", "")
    assert f"p{newest}" in facts(ana.root)


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
    await workspace.until(lambda: [*buttons(ana.root)] == ["stop_thread"])
    ben = Person(workspace, workspace.person("ben"), ana.channel)
    await workspace.click(ben.id, ben.channel, ana.root.ts, "stop_thread")
    await ben.hears("Only the person who asked")
    await workspace.click(ana.id, ana.channel, ana.root.ts, "stop_thread")
    await workspace.until(lambda: engine.running == 0)


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
