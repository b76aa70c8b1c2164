"""Events that come before the message that they are about is recorded."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.app import Bot
from bot.background_tasks import in_background
from bot.drafting.slack_port import SlackRefused, SlackUnavailable
from bot.encryption import Encryption
from bot.listeners.early_events import EarlyEvents, TooEarly
from bot.listeners.payloads import Body
from bot.store import Job, JobKind, Store, Thread
from bot.workspace import Workspace
from tests.bot.fakes import until
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


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = await Store.open(f"sqlite+aiosqlite:///{tmp_path / 'draftsmith.db'}")
    yield opened
    await opened.close()


def reply(ts: str, words: str) -> Body:
    return {"event": {"type": "message", "ts": ts, "text": words}}


async def test_of_what_is_said_below_an_old_message_nothing_is_kept(
    store: Store, tmp_path: Path
) -> None:
    events = EarlyEvents(store, Encryption(SecretStr("key"), "early events"))

    async def handle(body: Body) -> None:
        raise TooEarly("C1", body["event"]["ts"])

    listener = events.handler("message", handle)
    with closing(sqlite3.connect(tmp_path / "draftsmith.db")) as known:
        await listener(reply(str(time.time() - 2 * 3600), "about last week"))
        assert waiting(known) == 0
        await listener(reply(str(time.time() - 60), "about just now"))
        assert waiting(known) == 1


async def test_an_event_that_cannot_be_handled_holds_no_other_up(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events, handled = EarlyEvents(store, Encryption(SecretStr("key"), "early events")), []
    errors = {"refused": SlackRefused("not_allowed"), "away": SlackUnavailable("users.info")}
    monkeypatch.setattr("bot.listeners.early_events.LOOK_SECONDS", 0.01)

    async def early(body: Body) -> None:
        raise TooEarly("C1", ts)

    async def handle(body: Body) -> None:
        handled.append(words := body["event"]["text"])
        if words in errors:
            raise errors[words]

    ts = f"{time.time():.6f}"
    keep = events.handler("message", early)
    for words in ("refused", "away", "fine"):
        await keep(reply(ts, words))
    await events.handler("reaction_added", early)({"event": {"type": "of a later release"}})
    thread = Thread(team="T1", channel="C1", requester="U1", recipe="blog", brief="rain")
    thread.root_ts = ts
    job = Job(kind=JobKind.DRAFT, requester="U1", sampling={"n": 1, "seed": 7})
    await store.add_job(job, key="k1", limit=9, thread=thread)
    events.handler("message", handle)
    with closing(sqlite3.connect(tmp_path / "draftsmith.db")) as known:
        async with in_background(events.watch):
            await until(lambda: waiting(known) == 1)
            await until(lambda: handled.count("away") > 2)
            del errors["away"]
            await until(lambda: waiting(known) == 0)
    assert (handled.count("refused"), handled.count("fine")) == (1, 1)
