"""How long a database, its dump and its files hold what people and the model wrote."""

import os
import re
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from bot.store import Job, JobKind, Source, Store, Thread, VersionStatus
from bot.store.models import now
from bot.workspace import Workspace
from tests.bot_process import bot_process
from tests.canary import canary, leaked
from tests.person import Person
from tests.scripted_engine import ScriptedEngine

BRIEF, WISH, NAME, SOURCE = map(canary, ("brief", "wish", "name", "source"))
WRITTEN, REFINED, HELD, LAST, BLOCKED = map(canary, ("one", "two", "held", "last", "blocked"))
SEALED = "gAAAA"  # How everything begins that Fernet has sealed.
IN_CLEAR = {
    BRIEF: {"threads.brief"},
    WISH: {"jobs.instruction"},
    NAME: {"sources.name"},
    SOURCE: {"sources.text"},
    WRITTEN: {"versions.text"},
    REFINED: {"versions.text"},
}
COPY = re.compile(r"^COPY public\.(\w+) \((.*?)\) FROM stdin;\n(.*?)^\\\.$", re.S | re.M)


@dataclass(frozen=True)
class Database:
    """A database for one test: its URL, and how an operator backs it up."""

    url: str
    dumped: Callable[[], str]

    def columns_with(self, words: str) -> set[str]:
        """Return where in a dump these words are, in any form, as table.column."""
        dump = self.dumped()
        found = {at for at, value in values(dump) if leaked(words, value.encode())}
        assert found or not leaked(words, dump.encode()), "outside of any row"
        return found

    def has_none_of(self, *words: str) -> bool:
        return not any(self.columns_with(each) for each in words)


def values(dump: str) -> Iterator[tuple[str, str]]:
    """Yield each value of a dump, of either database, with its table.column."""
    for table, columns, rows in COPY.findall(dump):
        for row in rows.splitlines():
            yield from zip(
                (f"{table}.{c}" for c in columns.split(", ")), row.split("\t"), strict=True
            )
    if "COPY public" in dump:
        return
    copy = sqlite3.connect(":memory:")
    copy.executescript(dump)
    for (table,) in copy.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        rows = copy.execute(f'SELECT * FROM "{table}"')
        names = [f"{table}.{column[0]}" for column in rows.description]
        yield from ((at, str(value)) for row in rows for at, value in zip(names, row, strict=True))
    copy.close()


def sqlite(path: Path) -> Database:
    def dumped() -> str:
        source = sqlite3.connect(path)
        dump = "\n".join(source.iterdump())
        source.close()
        return dump

    return Database(f"sqlite+aiosqlite:///{path}", dumped)


def postgresql(server: str) -> Database:
    folder = parse_qs(urlsplit(server).query)["host"][0]
    name = f"kept{os.urandom(4).hex()}"
    at = ["-h", folder, "-U", "draftsmith"]
    subprocess.run(["createdb", *at, name], check=True)

    def dumped() -> str:
        pg_dump = ["pg_dump", *at, name]
        return subprocess.run(pg_dump, check=True, capture_output=True, text=True).stdout

    return Database(server.replace("/postgres?", f"/{name}?"), dumped)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    if request.param == "sqlite":
        return sqlite(tmp_path / "draftsmith.db")
    return postgresql(request.getfixturevalue("postgres"))


async def test_a_dump_has_in_clear_what_was_asked_and_released_until_it_is_deleted(
    workspace: Workspace, tmp_path: Path, database: Database
) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text('[output]\nemail = "hold"\n')
    rex = workspace.person("rex")
    reviewers = workspace.channel("reviewers", private=True, members=[rex])
    async with (
        ScriptedEngine() as engine,
        bot_process(
            workspace,
            tmp_path,
            DATABASE_URL=database.url,
            WORKER_URL=engine.url,
            POLICY=str(policy),
            REVIEW_CHANNEL=reviewers,
        ),
    ):
        ana = Person(workspace, workspace.person("ana"), workspace.channel("launch"))
        engine.write = lambda _: f"The {WRITTEN} is here. And more of it."
        await ana.draft(f"blog: the {BRIEF}")
        (first,) = await ana.sees_drafts(1)
        engine.write = lambda _: f"The {REFINED} is here. And more of it."
        await workspace.upload(
            ana.id,
            ana.channel,
            f"{NAME}.txt",
            f"Of the {SOURCE}.".encode(),
            thread_ts=ana.root.ts,
            text=f"more {WISH}",
        )
        _, second = await ana.sees_drafts(2)
        engine.write = lambda _: f"Mail {HELD}@acme-corp.com about it. And more."
        await ana.reply("with an address")
        await ana.hears("waits for a reviewer")
        await workspace.until(lambda: workspace.messages(reviewers))
        *_, held = ana.drafts
        await ana.draft("write of AKIA" + f"Q3EGRIZV7N2KXW5B and {BLOCKED}")
        await ana.hears("safety filter")

        assert {words: database.columns_with(words) for words in IN_CLEAR} == IN_CLEAR
        assert database.columns_with(HELD) == set()
        sealed = {at for at, value in values(database.dumped()) if SEALED in value}
        assert sealed == {"holds.sealed"}
        await workspace.until(lambda: database.has_none_of(BLOCKED))

        await ana.react(second, "white_check_mark")
        await workspace.until(lambda: len(workspace.messages(ana.channel)) > 1)
        await ana.react(second, "wastebasket")
        await workspace.delete(ana.id, ana.channel, first.ts)
        await workspace.until(lambda: database.has_none_of(WRITTEN, REFINED))
        assert database.columns_with(HELD) == set()

        await ana.react(held, "wastebasket")
        await workspace.until(lambda: SEALED not in database.dumped())
        for words in (BRIEF, WISH, NAME, SOURCE):
            assert database.columns_with(words) == IN_CLEAR[words]
    printed = (tmp_path / "log").read_bytes() + (tmp_path / "audit.jsonl").read_bytes()
    for words in (*IN_CLEAR, HELD, BLOCKED):
        assert leaked(words, printed) == []


async def test_the_files_of_sqlite_have_nothing_of_what_was_deleted_or_is_too_old(
    tmp_path: Path,
) -> None:
    path = tmp_path / "draftsmith.db"
    store = await Store.open(sqlite(path).url)
    # More than a page takes, so that some of it stands on pages of its own.
    long = f"The {WRITTEN} flies. " * 900
    job = Job(kind=JobKind.DRAFT, requester="U1", sampling={"n": 1, "seed": 7})
    thread = Thread(team="T1", channel="C1", requester="U1", recipe="blog", brief="rain")
    assert await store.add_job(job, key="k1", limit=9, thread=thread)
    (version,) = await store.ensure_versions(job)
    for end in range(0, len(long), len(long) // 20):
        await store.save_text(version.id, long[:end])
    old: dict[str, Any] = {"author": "U1", "created_at": now() - timedelta(days=2)}
    unwanted = Source(key="s1", name=NAME, text=f"{SOURCE} " * 900, **old)
    await store.add_sources("k2", None, [unwanted])
    wanted = Source(key="s2", name="kept", text=WISH, **old)
    await store.add_sources("k3", thread.id, [wanted])
    assert all(leaked(words, whole(path)) for words in (WRITTEN, NAME, SOURCE, WISH))

    await store.end_version(version.id, VersionStatus.DELETED)
    await store.save_text(version.id, f"{WRITTEN} comes late")
    assert (await store.end_version(version.id, VersionStatus.FINISHED, text=WRITTEN)).text == ""
    await store.purge()
    assert [leaked(words, whole(path)) for words in (WRITTEN, NAME, SOURCE)] == [[], [], []]
    assert leaked(WISH, whole(path))
    await store.close()


async def test_what_is_old_is_forgotten_while_somebody_else_reads(tmp_path: Path) -> None:
    path = tmp_path / "draftsmith.db"
    store = await Store.open(sqlite(path).url)
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM sources").fetchone()
    long_ago = now() - timedelta(days=2)
    unwanted = Source(key="s1", name="a", text=SOURCE, author="U1", created_at=long_ago)
    await store.add_sources("k1", None, [unwanted])
    await store.purge()
    assert sqlite(path).columns_with(SOURCE) == set()
    assert leaked(SOURCE, whole(path))
    reader.close()
    await store.purge()
    assert leaked(SOURCE, whole(path)) == []
    await store.close()


def whole(database: Path) -> bytes:
    """Return the database and its write-ahead log, as a copy of the folder has them."""
    return b"".join(file.read_bytes() for file in database.parent.glob(f"{database.name}*"))
