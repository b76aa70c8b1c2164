"""Transactions of the database, for all queries; a database that fails raises one error."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext, suppress
from copy import copy
from functools import partial
from typing import Any, Self, TypeVar

from sqlalchemy import func, select, update
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from bot.metrics import DATABASE
from bot.store.database import (
    LOCK_SECONDS,
    MIGRATION_SECONDS,
    connect,
    lock_database,
    migrate,
)
from bot.store.group_commit import CommitFailed, GroupCommit
from bot.store.models import Hold, Job, Source, Thread, Version

# PostgreSQL's channel for what the bots tell each other.
SIGNALS = "draftsmith"
# In the info of a session: it made the head of a thread due.
HEADS_DUE = "heads_due"
# Who adds a row at the same moment as another tries again.
TRIES = 3
# How long what may begin later waits for urgent writes.
QUIET_SECONDS = 2.0


Result = TypeVar("Result")


class StoreUnavailable(Exception):
    """The database did not answer, or is locked. Nothing was written; try again later."""


class LeaseLost(StoreUnavailable):
    """Another bot runs this job now, or nobody: this run must not write any more."""


class WriteLock:
    """First come, first served; urgent writers, for whom somebody waits, go before the others.

    SQLite lets its writers try again and again, at random: under load some never win.
    """

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._queue = asyncio.Lock()

    @asynccontextmanager
    async def acquire(self, *, urgent: bool) -> AsyncIterator[None]:
        """Hold the lock for a block."""
        # Only one writer that is not urgent waits at the lock itself; the others wait behind it.
        async with nullcontext() if urgent else self._queue, self._lock:
            yield


class UrgentWrites:
    """Says whether somebody waits for a write."""

    def __init__(self) -> None:
        self._count = 0
        self._none = asyncio.Event()
        self._none.set()

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """Count one more for a block."""
        self._count += 1
        self._none.clear()
        try:
            yield
        finally:
            self._count -= 1
            if self._count == 0:
                self._none.set()

    async def over(self, most: float) -> None:
        """Return when there is none, or after so many seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(most):
                await self._none.wait()


class Transactions:
    """A migrated database, and transactions that read or write."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self.heads_due = asyncio.Event()
        # On a server, who waits for an urgent write waits for no connection that others use. A file
        # has one writer, whose turn comes by the lock below.
        self._urgent_engine = (
            connect(engine.url, pool=2 * LOCK_SECONDS) if self.is_shared else engine
        )
        self._reader = async_sessionmaker(engine, expire_on_commit=False)
        self._writer = _writer(engine)
        self._urgent_writer = _writer(self._urgent_engine)
        self._urgent = UrgentWrites()
        # A server takes many writers.
        self._write_lock = None if self.is_shared else WriteLock()
        begin = partial(self._transaction, urgent=True)
        self._together = GroupCommit(begin, 2 * LOCK_SECONDS) if self._write_lock else None
        self._fence: Job | None = None

    @classmethod
    async def open(cls, url: str) -> Self:
        """Connect and migrate. Raises StoreUnavailable, NewerDatabase."""
        patient = connect(url, answer=MIGRATION_SECONDS)
        try:
            await migrate(patient)
        except (DBAPIError, OSError) as error:
            # The thread of the failed connection reports its end to the event loop: keep the loop
            # alive until then, even where this error ends the process.
            await asyncio.sleep(0.1)
            raise StoreUnavailable(type(error).__name__) from error
        finally:
            await patient.dispose()
        return cls(connect(url))

    async def close(self) -> None:
        """Close all connections."""
        await self._urgent_engine.dispose()
        await self._engine.dispose()

    @property
    def is_shared(self) -> bool:
        """Whether several bots may be at work on this database."""
        return self._engine.dialect.name != "sqlite"

    async def quiet(self) -> None:
        """Return when nobody waits for an urgent write, or after some seconds.

        What may begin a little later leaves the processor to what Slack waits for.
        """
        await self._urgent.over(QUIET_SECONDS)

    def fenced_by(self, job: Job) -> Self:
        """Return this store for one run of a job.

        Its every write raises LeaseLost as soon as the job has another owner or another epoch.
        """
        fenced = copy(self)
        fenced._fence = job
        return fenced

    async def _update(
        self, record: type[Thread | Job | Version | Hold | Source], id_: int, **values: Any
    ) -> None:
        async with self._write() as session:
            await session.execute(update(record).where(record.id == id_).values(**values))

    @asynccontextmanager
    async def _read(self) -> AsyncIterator[AsyncSession]:
        with DATABASE.labels("read").time(), _translated_errors():
            async with self._reader() as session:
                yield session

    @asynccontextmanager
    async def _write(self, *, urgent: bool = False) -> AsyncIterator[AsyncSession]:
        """Begin a transaction. `urgent`: Slack waits for it, or a person who saw nothing yet."""
        with DATABASE.labels("write").time(), _translated_errors():
            joined = self._joined() if urgent else self._transaction()
            async with joined as session:
                if self._fence is not None:
                    await _prove(session, self._fence)
                yield session
            if session.info.pop(HEADS_DUE, False):
                self.heads_due.set()

    @asynccontextmanager
    async def _joined(self) -> AsyncIterator[AsyncSession]:
        """Write at once; on SQLite, with all others who do so."""
        joined = self._together.joined() if self._together else self._transaction(urgent=True)
        with self._urgent.under_way():
            async with joined as session:
                yield session

    @asynccontextmanager
    async def _transaction(self, *, urgent: bool = False) -> AsyncIterator[AsyncSession]:
        lock = self._write_lock.acquire(urgent=urgent) if self._write_lock else nullcontext()
        writer = self._urgent_writer if urgent else self._writer
        async with lock, writer.begin() as session:
            yield session

    async def _beside_others(self, write: Callable[[], Awaitable[Result]]) -> Result:
        """Write, and again where somebody else just added the row that this one adds."""
        for _ in range(TRIES):
            with suppress(IntegrityError):
                return await write()
        raise StoreUnavailable("others save as well")

    async def _lock_all(self, session: AsyncSession) -> None:
        """Let no other process migrate, or join, before this transaction ends."""
        await lock_database(await session.connection())

    async def _signal(self, session: AsyncSession, *words: object) -> None:
        """Tell all bots something once this transaction is committed; SQLite has one bot alone."""
        if self.is_shared:
            said = " ".join(map(str, words))
            await session.execute(select(func.pg_notify(SIGNALS, said)))

    async def _empty_log(self) -> None:
        """Empty SQLite's write-ahead log, which keeps deleted text until other pages replace it."""
        if self.is_shared:
            return
        with _translated_errors():
            async with self._engine.connect() as connection:
                raw = await connection.get_raw_connection()
                assert raw.driver_connection is not None
                try:
                    # Without effect, and without an error, while somebody reads or writes.
                    await raw.driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                except sqlite3.Error as error:
                    raise StoreUnavailable(type(error).__name__) from None


async def _prove(session: AsyncSession, job: Job) -> None:
    """Lock the job for this transaction. Raises LeaseLost if it was taken since it was read."""
    query = select(Job.id).where(Job.id == job.id, Job.epoch == job.epoch)
    # PostgreSQL: nobody takes the job before this is committed. New versions may refer to it.
    mine = query.where(Job.owner.is_not_distinct_from(job.owner)).with_for_update(key_share=True)
    if await session.scalar(mine) is None:
        raise LeaseLost(job.name)


def _writer(engine: AsyncEngine) -> async_sessionmaker[AsyncSession]:
    return async_sessionmaker(engine.execution_options(writes=True), expire_on_commit=False)


@contextmanager
def _translated_errors() -> Iterator[None]:
    try:
        yield
    except (IntegrityError, DataError, ProgrammingError):
        raise
    except (DBAPIError, PoolTimeout, OSError, CommitFailed) as error:
        # The error's own text holds the statement's parameters: users' words.
        raise StoreUnavailable(type(error).__name__) from None
