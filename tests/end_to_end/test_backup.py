"""`draftsmith backup` and `draftsmith restore`: nothing is lost with a machine, or an upgrade."""

import os
import signal
import sqlite3
import subprocess
import tarfile
from contextlib import closing
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import text

from bot.store import Store
from bot.store.database import connect, upgrade
from bot.workspace import Workspace
from tests.bot_process import bot_process
from tests.end_to_end.test_commands import draftsmith
from tests.person import Person
from tests.scripted_engine import ScriptedEngine

NOTHING_THERE = 2


@pytest.fixture(params=["sqlite", "postgresql"])
def databases(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str]:
    """Return the URLs of the database in use, and of the one that a backup is put back into."""
    if request.param == "sqlite":
        first, second = (f"sqlite+aiosqlite:///{tmp_path}/{n}/draftsmith.db" for n in ("a", "b"))
        return first, second
    server: str = request.getfixturevalue("postgres")
    folder = parse_qs(urlsplit(server).query)["host"][0]
    names = [f"backup{os.urandom(4).hex()}" for _ in range(2)]
    for name in names:
        subprocess.run(["createdb", "-h", folder, "-U", "draftsmith", name], check=True)
    first, second = (server.replace("/postgres?", f"/{name}?") for name in names)
    return first, second


async def test_a_draft_goes_on_from_a_backup_that_was_made_while_it_was_written(
    workspace: Workspace, tmp_path: Path, databases: tuple[str, str]
) -> None:
    old, new = tmp_path / "a", tmp_path / "b"
    ana = Person(workspace, workspace.person("ana"), workspace.channel("launch"))
    async with ScriptedEngine(pause=0.1) as engine:
        engine.write = lambda _: "The tram climbs the hill. " * 20
        options = {"WORKER_URL": engine.url}
        async with bot_process(workspace, old, DATABASE_URL=databases[0], **options) as process:
            await ana.draft("blog: the tram")
            await workspace.until(lambda: ana.drafts and "tram" in ana.drafts[0].text)
            code, out, err = await draftsmith(
                "backup", "kept", cwd=tmp_path, DATA_DIR=str(old), DATABASE_URL=databases[0]
            )
            assert (code, err) == (0, "")
            process.send_signal(signal.SIGKILL)
            await process.wait()
        (archive,) = (tmp_path / "kept").glob("draftsmith-*.tar")
        assert out.splitlines() == [str(archive.relative_to(tmp_path))]
        assert archive.stat().st_mode & 0o777 == 0o600
        restored = {"DATA_DIR": str(new), "DATABASE_URL": databases[1]}
        code, _, err = await draftsmith("restore", str(archive), cwd=tmp_path, **restored)
        assert (code, err) == (0, "")
        engine.pause = 0
        async with bot_process(workspace, new, DATABASE_URL=databases[1], **options):
            (draft,) = await ana.sees_drafts(1)
            assert draft.text.count("The tram climbs the hill.") == 20
            engine.write = lambda _: "A shorter one."
            await ana.reply("shorter")
            assert len(await ana.sees_drafts(2)) == 2
    code, out, _ = await draftsmith("audit", "verify", cwd=tmp_path, DATA_DIR=str(new))
    assert code == 0, out


async def test_a_backup_goes_back_only_where_nothing_is(
    tmp_path: Path, databases: tuple[str, str]
) -> None:
    for url in databases:
        (tmp_path / "a").mkdir(exist_ok=True)
        (tmp_path / "b").mkdir(exist_ok=True)
        await (await Store.open(url)).close()
    used = {"DATA_DIR": str(tmp_path / "a"), "DATABASE_URL": databases[0]}
    code, out, _ = await draftsmith("backup", "kept", cwd=tmp_path, **used)
    archive = str(tmp_path / out.strip())
    full = {"DATA_DIR": str(tmp_path / "c"), "DATABASE_URL": databases[1]}
    code, _, err = await draftsmith("restore", archive, cwd=tmp_path, **full)
    assert code == NOTHING_THERE
    assert "already" in err
    (tmp_path / "a" / "audit.jsonl").touch()
    code, _, err = await draftsmith("restore", archive, cwd=tmp_path, **used)
    assert code == NOTHING_THERE
    assert "audit.jsonl is there already" in err


@pytest.mark.parametrize("damage", ["no archive", "another archive", "half of one"])
async def test_what_is_no_backup_is_named_and_leaves_nothing_behind(
    tmp_path: Path, damage: str
) -> None:
    file, data = tmp_path / "some.tar", tmp_path / "data"
    file.write_bytes(b"no archive at all")
    if damage == "another archive":
        with tarfile.open(file, "w") as tar:
            tar.add(__file__, "database")
    if damage == "half of one":
        (tmp_path / "old").mkdir()
        old = {"DATA_DIR": str(tmp_path / "old")}
        await (await Store.open(f"sqlite+aiosqlite:///{tmp_path}/old/draftsmith.db")).close()
        _, out, _ = await draftsmith("backup", cwd=tmp_path, **old)
        whole = (tmp_path / out.strip()).read_bytes()
        file.write_bytes(whole[: len(whole) // 2])
    code, _, err = await draftsmith("restore", str(file), cwd=tmp_path, DATA_DIR=str(data))
    assert (code, err.strip()) == (2, f"{file} is no backup that `draftsmith backup` made.")
    assert list(data.iterdir()) == []


async def test_without_a_database_a_backup_says_where_it_looked(tmp_path: Path) -> None:
    code, _, err = await draftsmith("backup", cwd=tmp_path, DATA_DIR=str(tmp_path / "nowhere"))
    assert code == NOTHING_THERE
    assert "There is no database" in err
    assert "nowhere" in err


async def test_an_upgrade_is_rolled_back_by_the_backup_that_was_made_before_it(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a" / "draftsmith.db"
    path.parent.mkdir()
    engine = connect(f"sqlite+aiosqlite:///{path}")
    async with engine.begin() as connection:
        await connection.run_sync(upgrade, "0008")
        await connection.execute(text(THREAD))
    await engine.dispose()
    code, out, _ = await draftsmith("backup", cwd=tmp_path, DATA_DIR=str(path.parent))
    assert code == 0
    store = await Store.open(f"sqlite+aiosqlite:///{path}")
    assert (await store.get_thread(1)).brief == "the tram"
    await store.close()
    assert schema_of(path) != "0008"

    back = tmp_path / "b"
    archive = str(tmp_path / out.strip())
    code, _, _ = await draftsmith("restore", archive, cwd=tmp_path, DATA_DIR=str(back))
    assert code == 0
    assert schema_of(back / "draftsmith.db") == "0008"
    with closing(sqlite3.connect(back / "draftsmith.db")) as database:
        assert database.execute("SELECT brief FROM threads").fetchall() == [("the tram",)]


THREAD = (
    "INSERT INTO threads (id, team, channel, requester, recipe, brief, muted, persons_root, "
    "others_root, created_at) VALUES (1, 'T1', 'C1', 'U1', 'blog', 'the tram', false, false, "
    "false, '2026-11-01 00:00:00')"
)


def schema_of(path: Path) -> str:
    with closing(sqlite3.connect(path)) as database:
        ((revision,),) = database.execute("SELECT version_num FROM alembic_version").fetchall()
    return str(revision)
