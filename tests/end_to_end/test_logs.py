"""No word that anybody wrote is in the logs or in the audit, whatever goes wrong."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.workspace import Workspace
from tests.bot_process import bot_process
from tests.person import Person
from tests.scripted_engine import ScriptedEngine

CANARY = "quetzalcoatlus"


@pytest.fixture
async def workspace() -> AsyncIterator[Workspace]:
    async with Workspace(limits=None) as started:
        yield started


@pytest.mark.parametrize("log_format", ["console", "json"])
async def test_no_word_of_anybody_reaches_the_logs_or_the_audit(
    workspace: Workspace, tmp_path: Path, log_format: str
) -> None:
    def write(body: object) -> str:
        return f"The {CANARY} flies over the long sentence of this draft. " * 20

    async with (
        ScriptedEngine(write=write, pause=0.005) as engine,
        bot_process(workspace, tmp_path, WORKER_URL=engine.url, LOG_FORMAT=log_format),
    ):
        ana = Person(workspace, workspace.person("ana"), workspace.channel("launch"))
        await ana.draft(f"blog: the {CANARY}")
        await ana.sees_drafts(1)
        engine.die_after = 20
        await ana.reply(f"more {CANARY}")
        await ana.sees_drafts(2)
        workspace.fail("chat.stopStream", error=f"odd_{CANARY}")
        workspace.fail("chat.update", status=500, times=2)
        engine.write = lambda _: f"{CANARY}! " * 99 + "key AKIA" + "Q3EGRIZV7N2KXW5B. " * 9
        await ana.reply("and the key")
        await ana.hears("safety filter stopped")
        lock = sqlite3.connect(tmp_path / "draftsmith.db", isolation_level=None)
        lock.execute("BEGIN IMMEDIATE")
        await ana.draft(f"{CANARY} once more")
        lock.execute("ROLLBACK")
        lock.close()
        await ana.draft("write of AKIA" + f"Q3EGRIZV7N2KXW5B and {CANARY}")
        await asyncio.sleep(0.5)
    log = (tmp_path / "log").read_text()
    audit = (tmp_path / "audit.jsonl").read_text()
    assert "worker away" in log
    for text in (log, audit):
        assert CANARY not in text.replace(f"odd_{CANARY}", "")
        assert "AKIA" not in text
        assert workspace.bot_token not in text
    lines = [json.loads(line) for line in audit.splitlines()]
    assert {line["action"] for line in lines} >= {"allow", "block"}
