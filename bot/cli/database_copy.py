"""Copies of a database that is in use, and their way back: SQLite's own backup, or pg_dump.

https://www.sqlite.org/backup.html, https://www.postgresql.org/docs/current/app-pgdump.html
"""

import asyncio
import os
import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import URL, make_url

from bot.errors import OperatorError

# Hours of dumping would be a database of hundreds of gigabytes.
SECONDS = 4 * 3600
FAILED = 1


def backend(url: str) -> str:
    """Return which kind of database a URL names: sqlite or postgresql."""
    return make_url(url).get_backend_name()


async def dump(url: str, target: Path) -> None:
    """Write the whole database to a new file, as it is at one moment. Raises OperatorError."""
    at = make_url(url)
    if at.get_backend_name() != "sqlite":
        # Not who lives now: what these bots wrote is to go on at once where it is put back.
        without = "--exclude-table-data=bots"
        await _run_tool(
            "pg_dump", "--format=custom", "--no-owner", without, f"--file={target}", at=at
        )
        return
    source = _sqlite_file(at)
    if not source.is_file():
        raise OperatorError(f"There is no database {source}: check DATA_DIR and DATABASE_URL.")
    await asyncio.to_thread(_copy_sqlite, source, target)


async def load(url: str, source: Path) -> None:
    """Fill an empty database with what `dump` wrote. Raises OperatorError, also if it has data."""
    at = make_url(url)
    if at.get_backend_name() == "sqlite":
        target = _sqlite_file(at)
        if target.exists():
            raise OperatorError(f"The database {target} is there already: move it away first.")
        await asyncio.to_thread(_copy_sqlite, source, target)
        return
    listed = await _run_tool("psql", "--command=\\dt", "--tuples-only", "--quiet", at=at)
    if listed.strip():
        raise OperatorError("The database of DATABASE_URL has tables already: name an empty one.")
    # All or nothing: a half of the data would be taken for the whole.
    await _run_tool(
        "pg_restore",
        "--single-transaction",
        "--no-owner",
        f"--dbname={at.database}",
        str(source),
        at=at,
    )


def _sqlite_file(at: URL) -> Path:
    return Path(at.database or "")


def _copy_sqlite(source: Path, target: Path) -> None:
    """Copy all pages in one reading transaction: writers go on meanwhile, into the log."""
    # Under its name only when it is whole.
    part = target.with_name(f"{target.name}.part")
    os.close(os.open(part, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600))
    with closing(sqlite3.connect(source)) as used, closing(sqlite3.connect(part)) as copy:
        used.backup(copy, pages=-1)
    part.rename(target)


async def _run_tool(tool: str, *arguments: str, at: URL) -> str:
    """Run one of PostgreSQL's own programs; its address goes by the environment, which no `ps`
    shows. Raises OperatorError.
    """
    host = at.host or str(at.query.get("host", ""))
    named = {
        "PGHOST": host,
        "PGPORT": str(at.port or ""),
        "PGUSER": at.username or "",
        "PGPASSWORD": at.password or "",
        "PGDATABASE": at.database or "",
    }
    env = os.environ | {name: value for name, value in named.items() if value}
    try:
        process = await asyncio.create_subprocess_exec(
            tool,
            *arguments,
            env=env,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
    except FileNotFoundError:
        raise OperatorError(
            f"{tool} is not there: install PostgreSQL's client (Debian: postgresql-client)."
        ) from None
    try:
        async with asyncio.timeout(SECONDS):
            out, problem = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        # Further lines may quote rows.
        said = problem.decode(errors="replace").strip().partition("\n")[0]
        raise OperatorError(said or f"{tool} failed without a word.", FAILED)
    return out.decode(errors="replace")
