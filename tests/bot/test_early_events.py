"""Events that come before the message that they are about is recorded."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from bot.app import Bot
from bot.workspace import Workspace
from tests.person import Person

MESSAGES = "UPDATE messages SET ts = ? WHERE ts = ?"
THREADS = "UPDATE threads SET root_ts = ? WHERE root_ts = ?"


@asynccontextmanager
async def unrecorded(folder: Path, query: str, ts: str) -> AsyncIterator[sqlite3.Connection]:
    """Let the bot not know a message of its own for a block."""
    path = folder / "draftsmith.db"
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as known:
        # In a thread: the bot, in this one, may hold the lock.
        await asyncio.to_thread(known.execute, query, ("unknown", ts))
        yield known
        await asyncio.to_thread(known.execute, query, (ts, "unknown"))


def waiting(known: sqlite3.Connection) -> int:
    return int(known.execute("SELECT count(*) FROM early_events").fetchone()[0])


@pytest.mark.parametrize("by", ["emoji", "reply"])
async def test_what_comes_too_early_is_done_once_the_message_is_recorded(
    bot: Bot, ana: Person, workspace: Workspace, tmp_path: Path, by: str
) -> None:
    await ana.draft("rain")
    (draft,) = await ana.sees_drafts(1)
    query, ts = (MESSAGES, draft.ts) if by == "emoji" else (THREADS, ana.root.ts)
    async with unrecorded(tmp_path, query, ts) as known:
        if by == "emoji":
            await ana.react(draft, "repeat")
        else:
            await ana.reply("mention the tram")
        await workspace.until(lambda: workspace.settled)
        assert waiting(known) == 1
        assert "mention the tram" not in "".join(known.iterdump())
        assert len(ana.drafts) == 1
    await ana.sees_drafts(2)


async def test_an_emoji_on_a_message_of_somebody_else_is_not_kept(
    bot: Bot, ana: Person, workspace: Workspace, tmp_path: Path
) -> None:
    ts = await workspace.say(ana.id, ana.channel, "what a day")
    await workspace.react(ana.id, ana.channel, ts, "repeat")
    await workspace.until(lambda: workspace.settled)
    with closing(sqlite3.connect(tmp_path / "draftsmith.db")) as known:
        assert waiting(known) == 0
