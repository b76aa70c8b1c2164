"""Logs, tracebacks and warnings, which an operator may send on, quote nobody."""

import asyncio
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from bot.store.database import connect
from bot.workspace import Workspace
from inference.client import EngineClient
from tests.bot_process import bot_process
from tests.canary import leaked
from tests.conftest import StartWorker
from tests.failures import FAILURES, WORD
from tests.person import Person
from tests.scripted_engine import ScriptedEngine

ROOT = Path(__file__).parents[2]
TOKEN = "a token of these tests"


@pytest.mark.parametrize("style", ["console", "json"])
def test_every_failure_is_reported_by_its_kind_and_place_and_none_by_its_text(style: str) -> None:
    command = [sys.executable, "-X", "dev", "-m", "tests.failures", style]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    _, *reports = re.split(rb"^== (\w+)\n", ended.stderr, flags=re.MULTILINE)
    told = {name.decode(): report for name, report in zip(reports[::2], reports[1::2], strict=True)}
    assert [*told] == [failure.__name__ for failure in FAILURES]
    assert {name: leaked(WORD, report) for name, report in told.items()} == {n: [] for n in told}
    assert [name for name, report in told.items() if b".py" not in report] == []
    assert ended.returncode == 1
    assert told["wrong"].count(b"in wrong") == 2, "the error behind the error is told, too"


async def test_an_error_of_the_database_does_not_say_what_was_to_be_written() -> None:
    engine = connect("sqlite+aiosqlite://")
    with pytest.raises(DBAPIError) as error:
        async with engine.begin() as connection:
            await connection.execute(text("SELECT :words FROM nowhere"), {"words": WORD})
    await engine.dispose()
    assert leaked(WORD, str(error.value).encode()) == []


@pytest.mark.parametrize("log_format", ["console", "json"])
async def test_a_bot_to_which_all_goes_wrong_tells_nothing_of_what_it_is_about(
    workspace: Workspace, tmp_path: Path, log_format: str
) -> None:
    port = _free_port()
    async with (
        ScriptedEngine(write=lambda _: f"The {WORD} flies. " * 100, pause=0.01) as engine,
        bot_process(
            workspace,
            tmp_path,
            WORKER_URL=engine.url,
            LOG_FORMAT=log_format,
            HEALTH_PORT=str(port),
            PYTHONDEVMODE="1",
        ) as process,
    ):
        ana = Person(workspace, workspace.person("ana"), workspace.channel("launch"))
        await ana.draft(f"blog: the {WORD}")
        await workspace.until(lambda: ana.drafts and WORD in ana.drafts[0].text)
        change(
            tmp_path,
            "CREATE TRIGGER broken BEFORE UPDATE OF text ON versions WHEN NEW.text != '' "
            f"BEGIN SELECT RAISE(ABORT, 'no {WORD}'); END",
        )
        await ana.hears("went wrong")
        change(tmp_path, "DROP TRIGGER broken")
        # What Slack would never send: the listener stumbles over it.
        await workspace.deliver({"type": "reaction_added", "reaction": "repeat", "text": WORD})
        await _say(port, f"{WORD}\r\n\r\n")
        await _say(port, f"GET /health/live HTTP/1.1\r\n{WORD}\r\n\r\n")
        doctor = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", "doctor"),
            env={
                **os.environ,
                "DATA_DIR": str(tmp_path),
                "SLACK_BOT_TOKEN": workspace.bot_token,
                "SLACK_API_URL": f"{workspace.url}/api/",
                "WORKER_URL": engine.url,
            },
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        checked, _ = await doctor.communicate()
        await ana.draft(f"blog: the {WORD} again")
        await workspace.until(lambda: ana.drafts and WORD in ana.drafts[0].text)
        process.send_signal(signal.SIGABRT)
        # The report reads the frames of threads that go on running, and may stumble over one.
        assert await process.wait() in {-signal.SIGABRT, -signal.SIGSEGV}
    log = (tmp_path / "log").read_bytes()
    for event in (b"listener failed", b"job failed", b"IntegrityError", b"BadHttpMessage"):
        assert event in log
    assert b"Fatal Python error: Aborted" in log
    assert b"database" in checked
    assert leaked(WORD, log) == leaked(WORD, checked) == []


async def test_a_worker_to_which_all_goes_wrong_tells_nothing_of_what_it_is_asked(
    start_worker: StartWorker, tiny_gguf: Path
) -> None:
    port = _free_port()
    worker = start_worker(
        model=tiny_gguf,
        dtype="fp32",
        kv_tokens=16384,
        worker_bind=f"tcp:127.0.0.1:{port}",
        worker_token=TOKEN,
        pythondevmode=1,
        wait=False,
    )
    async with EngineClient(f"http://127.0.0.1:{port}", token=SecretStr(TOKEN)) as client:
        await client.wait_ready(120)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    asked = {"messages": [{"role": "user", "content": WORD}], "max_tokens": 2000, "stream": True}
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}", headers=headers) as session:
        await _say(port, f"{WORD}\r\n\r\n")
        await _say(port, f"POST /v1/completions HTTP/1.1\r\n{WORD}\r\n\r\n")
        async with session.post("/v1/chat/completions", json=asked) as answer:
            await answer.content.readany()
            os.kill(worker.ranks[0], signal.SIGABRT)
            await answer.content.readany()
            await asyncio.sleep(1)
            worker.process.send_signal(signal.SIGABRT)
            await asyncio.to_thread(worker.process.wait, 30)
    printed = (worker.directory / "output").read_bytes()
    assert printed.count(b"Fatal Python error: Aborted") == 2
    assert b"BadHttpMessage" in printed
    assert b"a rank has died" in printed
    assert leaked(WORD, printed) == []


def change(folder: Path, statement: str) -> None:
    database = sqlite3.connect(folder / "draftsmith.db")
    database.execute(statement)
    database.commit()
    database.close()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
    return port


async def _say(port: int, data: str) -> None:
    """Send a server of HTTP what is no HTTP, until it hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data.encode())
    await reader.read()
    writer.close()
