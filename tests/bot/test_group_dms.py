"""The bot in group DMs, and with messages that are edited or sent to the channel as well."""

import asyncio

from bot.app import Bot
from bot.workspace import Workspace
from tests.person import Person
from tests.scripted_engine import ScriptedEngine


def group_of(workspace: Workspace, ana: Person, *, bot: bool = True) -> Person:
    """Return this person in a group DM."""
    others = [workspace.person("ben"), workspace.person("cy")]
    return Person(workspace, ana.id, workspace.group_dm(ana.id, *others, bot=bot))


async def test_a_group_dm_is_drafted_in_by_either_transport(
    bot_by_either_way: Bot, ana: Person, workspace: Workspace
) -> None:
    group = group_of(workspace, ana)
    await group.draft("rain")
    await group.sees_drafts(1)
    await group.reply("shorter")
    _, second = await group.sees_drafts(2)
    await group.react(second, "repeat")
    await group.sees_drafts(3)
    await workspace.say(ana.id, group.channel, f"<@{workspace.bot_user}> snow")
    await group.sees_drafts(1)


async def test_a_group_dm_talks_without_the_bot_unless_it_is_named(
    bot: Bot, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    group = group_of(workspace, ana)
    await workspace.say(ana.id, group.channel, "rain")
    await asyncio.sleep(0.3)
    assert not engine.requests


async def test_where_no_app_can_be_added_the_button_leads_to_our_own_conversation(
    bot: Bot, ana: Person, workspace: Workspace
) -> None:
    group = group_of(workspace, ana, bot=False)
    await group.draft("rain")
    await ana.hears("in a group conversation only that works")
    whisper = workspace.whispers(ana.id)[-1]
    assert await workspace.click(ana.id, group.channel, whisper.ts, "draft_in_dm")
    await Person(workspace, ana.id, workspace.dm(ana.id)).sees_drafts(1)


async def test_the_form_begins_in_the_group_dm_where_it_was_opened(
    bot: Bot, ana: Person, workspace: Workspace
) -> None:
    group = group_of(workspace, ana)
    assert await workspace.shortcut(ana.id, "draft_shortcut", channel=group.channel)
    (form,) = await workspace.until(lambda: workspace.views(ana.id))
    assert (await workspace.submit(ana.id, form.id, {"brief": "rain"})).ok
    await group.sees_drafts(1)


async def test_a_reply_that_goes_to_the_channel_as_well_refines_once(
    bot_by_either_way: Bot, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    await ana.draft("rain")
    await ana.sees_drafts(1)
    await workspace.say(ana.id, ana.channel, "shorter", thread_ts=ana.root.ts, broadcast=True)
    await ana.sees_drafts(2)
    assert len(engine.requests) == 2


async def test_an_edited_reply_changes_nothing(
    bot_by_either_way: Bot, ana: Person, workspace: Workspace, engine: ScriptedEngine
) -> None:
    await ana.draft("rain")
    await ana.sees_drafts(1)
    ts = await ana.reply("shorter")
    await ana.sees_drafts(2)
    await workspace.edit(ana.id, ana.channel, ts, "much shorter")
    await asyncio.sleep(0.3)
    assert len(engine.requests) == 2
