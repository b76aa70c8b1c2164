"""What other users of the machine can read, and what the worker's process is told: nothing."""

import asyncio
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.errors import OperatorError
from bot.private_folder import open_folder
from bot.worker import own_worker
from bot.workspace import Workspace
from tests.bot_process import bot_process
from tests.person import Person
from tests.scripted_engine import ScriptedEngine

OTHERS = 0o077
SECRETS = {
    "SLACK_BOT_TOKEN": "xoxb-canary",
    "SLACK_APP_TOKEN": "xapp-canary",
    "slack_signing_secret": "signing-canary",
    "AUDIT_KEY": "audit-canary",
    "DATABASE_URL": "postgresql+asyncpg://user:canary@db/draftsmith",
    "PGPASSWORD": "postgres-canary",
    "SOMEBODYS_KEY": "other-canary",
}


@pytest.fixture
def no_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def open_to_others(folder: Path) -> list[str]:
    """Return what others may read, besides the log that the tests themselves write."""
    paths = [folder, *(path for path in folder.rglob("*") if path.name != "log")]
    return [str(path) for path in paths if path.stat().st_mode & OTHERS]


@pytest.mark.usefixtures("no_umask")
async def test_what_the_bot_writes_is_for_its_user_alone_whatever_was_there(
    workspace: Workspace, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o755)
    before = sqlite3.connect(data / "draftsmith.db")
    before.execute("PRAGMA journal_mode=WAL")
    assert (data / "draftsmith.db").stat().st_mode & OTHERS
    before.close()
    async with (
        ScriptedEngine() as engine,
        bot_process(workspace, data, WORKER_URL=engine.url),
    ):
        ana = Person(workspace, workspace.person("ana"), workspace.channel("launch"))
        await ana.draft("rain")
        await ana.sees_drafts(1)
        assert {path.name for path in data.iterdir()} >= {
            *("draftsmith.db", "draftsmith.db-wal", "draftsmith.db-shm", "audit.jsonl"),
        }
        assert open_to_others(data) == []


@pytest.mark.skipif(os.getuid() != 0, reason="Only root can make a folder of somebody else's.")
def test_a_folder_of_another_user_that_is_open_is_refused() -> None:
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        child = os.fork()
        if child == 0:
            os.setuid(65534)
            try:
                open_folder(Path(name))
            except OperatorError as refused:
                os._exit(0 if "not ours to close" in refused.sentence else 1)
            os._exit(2)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


async def test_the_workers_environment_holds_no_secret_of_the_bot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, secret in SECRETS.items():
        monkeypatch.setenv(name, secret)
    monkeypatch.setenv("MODEL", "the-model-that-was-chosen")
    socket = tmp_path / "w" / "w.sock"
    async with own_worker(socket, lambda _: None):
        environment = await environment_of_worker(socket)
    assert "canary" not in environment
    assert "MODEL=the-model-that-was-chosen" in environment.split("\0")


async def environment_of_worker(socket: Path) -> str:
    """Return the environment of the worker that this process has started on a socket."""
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    async with asyncio.timeout(20):
        while True:
            for child in children.read_text().split():
                environment = (Path("/proc") / child / "environ").read_text()
                if f"WORKER_BIND=unix:{socket}" in environment.split("\0"):
                    return environment
            await asyncio.sleep(0.01)
