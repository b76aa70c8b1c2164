"""A draft that was deleted is gone: from the database, and from what is made of other drafts."""

from pathlib import Path

import pytest

from bot.app import Bot
from bot.store import Store, VersionStatus
from bot.workspace import Workspace
from tests.person import Person, StartBot, settings_for
from tests.scripted_engine import ScriptedEngine


async def test_nothing_of_a_deleted_draft_is_told_the_model(
    bot: Bot, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    engine.write = lambda _: f"This is text {len(engine.requests)}."
    for number, wish in enumerate(("", "make it dry", "make it warm"), 1):
        await (ana.reply(wish) if wish else ana.draft("rain"))
        *_, last = await ana.sees_drafts(number)
    await ana.react(ana.drafts[1], "wastebasket")
    await workspace.until(lambda: len(ana.drafts) == 2)
    await ana.reply("shorter, please")
    await ana.sees_drafts(3)
    said = [(m["role"], m["content"]) for m in engine.requests[-1]["messages"][2:]]
    assert said == [("assistant", "This is text 3."), ("user", "shorter, please")]
    assert last.ts in {message.ts for message in ana.drafts}


async def test_what_was_made_from_a_deleted_draft_cannot_be_made_from_it_again(
    bot: Bot, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    await ana.draft("rain")
    (first,) = await ana.sees_drafts(1)
    await ana.reply("make it dry")
    _, second = await ana.sees_drafts(2)
    await ana.react(first, "wastebasket")
    await workspace.until(lambda: len(ana.drafts) == 1)
    await ana.press(second, "changes")
    await ana.hears("nothing to compare")
    await ana.react(second, "repeat")
    await ana.hears("no draft left")
    assert len(engine.requests) == 2


async def test_a_continuation_is_accepted_without_the_draft_that_was_deleted_before_it(
    bot: Bot, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    engine.write = lambda _: "The tram climbs the hill."
    await ana.draft("rain")
    (first,) = await ana.sees_drafts(1)
    engine.write = lambda _: "It stops at the top."
    await ana.press(first, "continue")
    _, second = await ana.sees_drafts(2)
    await ana.react(first, "wastebasket")
    await workspace.until(lambda: len(ana.drafts) == 1)
    await ana.react(second, "white_check_mark")
    await workspace.until(lambda: len(workspace.messages(ana.channel)) == 2)
    assert workspace.messages(ana.channel)[-1].text == "It stops at the top."


@pytest.mark.parametrize("by", ["wastebasket", "its message"])
async def test_a_draft_deleted_while_it_is_written_keeps_no_text(
    start: StartBot,
    ana: Person,
    workspace: Workspace,
    engine: ScriptedEngine,
    by: str,
    tmp_path: Path,
) -> None:
    engine.write, engine.pause = lambda _: "The tram climbs the hill. " * 200, 0.01
    async with start(drain_seconds=10):
        await ana.draft("rain")
        await workspace.until(lambda: ana.drafts and "tram" in ana.drafts[0].text)
        if by == "wastebasket":
            await ana.react(ana.drafts[0], by)
        else:
            await workspace.delete(ana.id, ana.channel, ana.drafts[0].ts)
        await workspace.until(lambda: not engine.running and not ana.drafts)
    store = await Store.open(settings_for(workspace, "", tmp_path).database)
    version = await store.get_version(1)
    await store.close()
    assert (version.status, version.text) == (VersionStatus.DELETED, "")
