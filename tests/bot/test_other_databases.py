"""A bot whose database is fresh, or an older copy, among the messages of another one."""

import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.app import running
from bot.drafting import shown_since
from bot.workspace import PostedMessage, Workspace
from tests.person import Person, buttons, settings_for
from tests.scripted_engine import ScriptedEngine

LOST = [{"drop": "before"}, {"drop": "after"}, {"status": 500}]


@pytest.fixture
def ben(workspace: Workspace, ana: Person) -> Person:
    return Person(workspace, workspace.person("ben"), ana.channel)


def shown(workspace: Workspace, channel: str, ts: str) -> list[tuple[str, Any]]:
    """Return what a thread shows now."""
    return [(m.text, list(m.blocks)) for m in workspace.messages(channel, ts)]


async def settled(ana: Person) -> PostedMessage:
    """Return the root of a person's draft once the draft and its head are done."""
    await ana.sees_drafts(1)
    root = ana.root
    await ana.workspace.until(lambda: "stop_thread" not in buttons(root))
    return root


@pytest.mark.parametrize("fault", LOST)
@pytest.mark.parametrize("restored", [False, True])
async def test_a_lost_post_of_a_row_is_never_taken_for_one_of_another_database(
    workspace: Workspace,
    engine: ScriptedEngine,
    tmp_path: Path,
    ana: Person,
    ben: Person,
    fault: dict[str, Any],
    restored: bool,
) -> None:
    first, other = tmp_path / "first", tmp_path / "other"
    async with running(settings_for(workspace, engine.url, first)):
        pass
    if restored:
        shutil.copytree(first, other)
    async with running(settings_for(workspace, engine.url, first)):
        await ana.draft("blog: ship 1")
        root = await settled(ana)
    stood = shown(workspace, ana.channel, root.ts)
    for method in ("chat.postMessage", "chat.startStream"):
        workspace.fail(method, **fault)
    async with running(settings_for(workspace, engine.url, other)):
        await ben.draft("blog: ship 2")
        await workspace.until(lambda: ben.root.ts != root.ts)
        await settled(ben)
    assert shown(workspace, ana.channel, root.ts) == stood
    assert len(workspace.messages(ana.channel)) == 2


@pytest.mark.parametrize("fault", LOST)
async def test_a_lost_stream_is_never_taken_for_an_older_one_in_the_same_thread(
    workspace: Workspace,
    engine: ScriptedEngine,
    tmp_path: Path,
    ana: Person,
    fault: dict[str, Any],
) -> None:
    mention = f"<@{workspace.bot_user}> blog: ship"
    async with running(settings_for(workspace, engine.url, tmp_path / "first")):
        ts = await workspace.say(ana.id, ana.channel, f"{mention} 1")
        (old,) = await ana.sees_drafts(1)
        await workspace.until(lambda: any("1 draft" in m.text for m in thread(workspace, ana, ts)))
    stood = (old.text, list(old.blocks))
    workspace.fail("chat.startStream", **fault)
    async with running(settings_for(workspace, engine.url, tmp_path / "other")):
        await workspace.say(ana.id, ana.channel, f"{mention} 2", thread_ts=ts)
        both = await ana.sees_drafts(2)
    assert both[0] is old
    assert (old.text, list(old.blocks)) == stood


def thread(workspace: Workspace, ana: Person, ts: str) -> list[PostedMessage]:
    return workspace.messages(ana.channel, ts)


@pytest.mark.parametrize(
    "name", ["accept_form", "change_form", "regenerate", "shorter", "why", "good"]
)
async def test_a_button_of_another_database_is_about_no_draft_of_this_one(
    workspace: Workspace,
    engine: ScriptedEngine,
    tmp_path: Path,
    ana: Person,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    # Between the two databases of this test there is no minute.
    monkeypatch.setattr(shown_since, "CLOCKS", timedelta(0))
    async with running(settings_for(workspace, engine.url, tmp_path / "first")):
        await ana.draft("blog: ship 1")
        (old,) = await ana.sees_drafts(1)
        await settled(ana)
    async with running(settings_for(workspace, engine.url, tmp_path / "other")):
        await ana.draft("blog: ship 2")
        await settled(ana)
        assert await ana.press(old, name)
        await ana.hears("nothing of this draft")
        assert len(ana.drafts) == 1
        assert workspace.views(ana.id) == []
