"""The lock of SQLite's file: one bot has it, as long as its process lives."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import make_url

from bot.store.database import file_of
from bot.store.transactions import StoreUnavailable


class DatabaseInUse(Exception):
    """Another process holds the lock of this file."""


@contextmanager
def alone_on(url: str) -> Iterator[None]:
    """Hold the lock of a SQLite file inside `with`; a database server takes many bots.

    The kernel frees it at the death of the process, however it dies. It lies beside the database:
    to close the file itself would end SQLite's own locks (https://sqlite.org/howtocorrupt.html).
    Raises DatabaseInUse, StoreUnavailable.
    """
    address = make_url(url)
    database = file_of(address.database) if address.get_backend_name() == "sqlite" else None
    if database is None:
        yield
        return
    try:
        file = os.open(f"{database}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StoreUnavailable(type(error).__name__) from error
    try:
        _lock(file)
        yield
    finally:
        os.close(file)


def _lock(file: int) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise DatabaseInUse from None
