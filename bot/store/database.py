"""Opening the database: the engine, SQLite's habits, and the migrations."""

import asyncio
import os
import sqlite3
from contextlib import suppress
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, event, make_url
from sqlalchemy.engine import Connection, ExceptionContext
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

# Slack waits 3 s for an ack, and a locked database must be known before that: so long a transaction
# of SQLite's waits for its lock, and a statement of PostgreSQL's.
LOCK_SECONDS = 1.25
# A server that was stopped, or cut off without a word, never answers.
ANSWER_SECONDS = 10.0
# How long a process waits while another one migrates the database, and migrates it itself.
MIGRATION_SECONDS = 120
# PostgreSQL's advisory locks have numbers; this one is ours within a database.
LOCK_NUMBER = 7_163_218_001
MIGRATIONS = Path(__file__).parent / "migrations"


class NewerDatabase(Exception):
    """A later version of the code has migrated this database."""


def connect(url: str | URL, *, answer: float | None = None, pool: float = 30.0) -> AsyncEngine:
    """Make an engine for `url`. SQLite gets a write-ahead log, and locks when a write begins.

    On PostgreSQL a statement may take `answer` seconds, and the wait for a connection `pool`.
    """
    # The parameters of a statement are people's words: no error may show them.
    if make_url(url).get_backend_name() != "sqlite":
        limits = {"lock_timeout": str(int(LOCK_SECONDS * 1000))}
        engine = create_async_engine(
            url,
            pool_pre_ping=True,
            pool_timeout=pool,
            hide_parameters=True,
            connect_args={
                "timeout": 5,
                "command_timeout": answer or ANSWER_SECONDS,
                "server_settings": limits,
            },
        )
        event.listen(engine.sync_engine, "handle_error", _give_up_silent)
        return engine
    engine = create_async_engine(url, hide_parameters=True, connect_args={"timeout": LOCK_SECONDS})
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    event.listen(engine.sync_engine, "begin", _begin_sqlite)
    event.listen(engine.sync_engine, "invalidate", _let_go)
    return engine


def file_of(database: str | None) -> str | None:
    """Return the file of a SQLite database; None for one in memory, or one named by a URI."""
    if not database or database.startswith((":memory:", "file:")):
        return None
    return database


def _give_up_silent(context: ExceptionContext) -> None:
    """Close a connection that does not answer: to roll back it would wait for an answer."""
    if isinstance(context.original_exception, TimeoutError):
        context.is_disconnect = True


def _close_to_others(database: str | None) -> None:
    """Make the file of a database that is not there, for this user alone; close one that is.

    SQLite gives the files of its write-ahead log the mode of the database when it makes them.
    Raises OSError.
    """
    file = file_of(database)
    if file is None:
        return
    os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))
    for path in (Path(file + ending) for ending in ("", "-wal", "-shm")):
        if path.exists() and path.stat().st_mode & 0o077:
            path.chmod(0o600)


def _prepare_sqlite(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    # Python's sqlite3 would begin transactions by itself, and late: see _begin_sqlite.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and writes later fails at once when another wrote meanwhile;
    # one that takes the write lock as it begins waits for it.
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _let_go(connection: DBAPIConnection, _: ConnectionPoolEntry, __: BaseException | None) -> None:
    """Give up the lock of a connection that breaks off within a statement.

    Closed, it would keep it for as long as Python keeps the cursor of that statement.
    """
    with suppress(sqlite3.Error, SQLAlchemyError):
        connection.rollback()


async def migrate(engine: AsyncEngine) -> None:
    """Upgrade the database to the newest schema (Alembic), one process at a time.

    Raises NewerDatabase, OSError.
    """
    if engine.dialect.name == "sqlite":
        _close_to_others(engine.url.database)
    async with asyncio.timeout(MIGRATION_SECONDS):
        async with engine.connect() as connection:
            if await connection.run_sync(_is_newest):
                return
        writing = engine.execution_options(writes=True)
        async with writing.begin() as connection:
            await lock_database(connection)
            await connection.run_sync(upgrade)


async def lock_database(connection: AsyncConnection) -> None:
    """Wait until no other process migrates, or joins; SQLite's transactions do so by themselves.

    The lock is free again at the end of the transaction.
    """
    if connection.dialect.name == "sqlite":
        return
    await connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{MIGRATION_SECONDS}s'")
    await connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK_NUMBER})")


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Bring the tables to a schema. Raises NewerDatabase."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    if not _is_newest(connection):
        command.upgrade(config, revision)


def _is_newest(connection: Connection) -> bool:
    """Say whether there is nothing to upgrade. Raises NewerDatabase."""
    revisions = _revisions()
    present = MigrationContext.configure(connection).get_current_revision()
    if present is not None and present not in revisions:
        raise NewerDatabase(present)
    return present == revisions[0]


@cache
def _revisions() -> list[str]:
    """Return the names of all schemas, the newest first."""
    return [each.revision for each in ScriptDirectory(str(MIGRATIONS)).walk_revisions()]
