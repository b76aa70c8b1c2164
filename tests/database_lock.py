"""The lock of a bot's database, in the hands of somebody else."""

import asyncio
import sqlite3
from pathlib import Path


async def lock_database(folder: Path) -> sqlite3.Connection:
    """Return a connection that holds the write lock, until it is rolled back or closed.

    Off the event loop: a bot of this process may have to end a write first.
    """
    lock = sqlite3.connect(
        folder / "draftsmith.db", isolation_level=None, check_same_thread=False, timeout=20.0
    )
    await asyncio.to_thread(lock.execute, "BEGIN IMMEDIATE")
    return lock
