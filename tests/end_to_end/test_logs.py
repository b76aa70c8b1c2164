"""No word that anybody wrote is in the logs or in the audit, whatever goes wrong."""

import asyncio
import json
import sqlite3
from pathlib import Path

import pytest

from bot.workspace import Workspace
from tests.bot_process import bot_process
from tests.person import Person
from tests.scripted_engine import ScriptedEngine

CANARY = "quetzalcoatlus"


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
        for name, data, words in (
            (f"{CANARY}.pdf", f"no pdf but {CANARY}".encode(), "use this"),
            (f"{CANARY}.txt", f"of the {CANARY}".encode(), "use that"),
        ):
            await workspace.upload(
                ana.id, ana.channel, name, data, thread_ts=ana.root.ts, text=words
            )
        await ana.hears("could not read this file")
        *_, third = await ana.sees_drafts(3)
        await ana.press(third, "why")
        await ana.press(third, "bad")
        form = await workspace.until(
            lambda: next((v for v in workspace.views(ana.id) if v.callback_id == "feedback"), None)
        )
        assert form is not None
        await workspace.submit(ana.id, form.id, {"words": f"no {CANARY}"})
        await ana.react(third, "white_check_mark")
        await workspace.until(lambda: len(workspace.messages(ana.channel)) > 1)
        ana.channel = workspace.channel("second")
        await ana.draft("rain")
        await ana.sees_drafts(1)
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
    # A database is there to keep what was asked and what was released, and its backup has it too.
    assert columns_with(CANARY, backup(tmp_path)) == {
        "threads.brief",
        "jobs.instruction",
        "sources.name",
        "sources.text",
        "versions.text",
        "feedback.words",
    }


async def test_a_held_text_is_in_no_backup_while_it_waits_nor_afterwards(
    workspace: Workspace, tmp_path: Path
) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text('[output]\nemail = "hold"\n')
    rex = workspace.person("rex")
    reviewers = workspace.channel("reviewers", private=True, members=[rex])
    written = f"The {CANARY} is seen first. Mail {CANARY}@acme-corp.com about it. And more."
    async with (
        ScriptedEngine(write=lambda _: written) as engine,
        bot_process(
            workspace,
            tmp_path,
            WORKER_URL=engine.url,
            POLICY=str(policy),
            REVIEW_CHANNEL=reviewers,
        ),
    ):
        ana = Person(workspace, workspace.person("ana"), workspace.channel("launch"))
        await ana.draft("blog: rain")
        await ana.hears("waits for a reviewer")
        await workspace.until(lambda: workspace.messages(reviewers))
        waiting = backup(tmp_path)
        (card,) = workspace.messages(reviewers)
        await workspace.click(rex, reviewers, card.ts, "review_reject")
        await ana.hears("not approved by a reviewer")
        rejected = backup(tmp_path)
    assert CANARY not in (tmp_path / "log").read_text()
    assert CANARY not in (tmp_path / "audit.jsonl").read_text()
    for copy in (waiting, rejected):
        assert columns_with(CANARY, copy) == set()
        # Nor in what a page keeps of rows that were overwritten.
        assert CANARY.encode() not in copy.read_bytes()
    assert b"gAAAA" in waiting.read_bytes()
    assert b"gAAAA" not in rejected.read_bytes()


def backup(folder: Path) -> Path:
    """Return a copy of the database, as SQLite's .backup makes it."""
    copy = folder / f"backup-{len(list(folder.glob('backup-*')))}"
    source, target = sqlite3.connect(folder / "draftsmith.db"), sqlite3.connect(copy)
    source.backup(target)
    source.close()
    target.close()
    return copy


def columns_with(words: str, database: Path) -> set[str]:
    """Return where in a database these words are, as table.column."""
    connection = sqlite3.connect(database)
    connection.row_factory = sqlite3.Row
    tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    found = {
        f"{table}.{column}"
        for (table,) in tables
        for row in connection.execute(f'SELECT * FROM "{table}"')
        for column in row.keys()  # noqa: SIM118 -- a row iterates over its values
        if words in str(row[column])
    }
    connection.close()
    return found


async def test_what_is_logged_about_a_job_names_it_and_what_it_came_by(
    workspace: Workspace, tmp_path: Path
) -> None:
    async with (
        ScriptedEngine() as engine,
        bot_process(workspace, tmp_path, WORKER_URL=engine.url, LOG_FORMAT="json"),
    ):
        ana = Person(workspace, workspace.person("ana"), workspace.channel("launch"))
        engine.full = 1
        await ana.draft("rain")
        (draft,) = await ana.sees_drafts(1)
        engine.full = 1
        await ana.react(draft, "repeat")
        await ana.sees_drafts(2)
    logged = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    by_command, by_event = [line for line in logged if line["event"] == "worker away"]
    assert (by_command["job"], by_event["job"]) == ("job-1", "job-2")
    assert by_event["delivery"].startswith("Ev")
    assert len(by_command["delivery"]) == 16
    assert engine.names == ["job-1", "job-1", "job-2", "job-2"]
