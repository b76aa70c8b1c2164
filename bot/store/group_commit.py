"""Urgent writes that wait at the same time share one commit, for somebody waits for each of them.

A commit waits for the disk, and SQLite has one writer at a time: two hundred people who ask within
a second would wait for two hundred commits, one after the other.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field

from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

# The others wait for the next commit: the first must not wait for ever.
MOST_TOGETHER = 32

Begin = Callable[[], AbstractAsyncContextManager[AsyncSession]]


class CommitFailed(Exception):
    """What was written together was not committed."""


@dataclass(slots=True, eq=False)
class _Turn:
    """One urgent write: its turn with the session, its end, and what kept it from its commit."""

    came: float = field(default_factory=time.monotonic)
    session: asyncio.Future[AsyncSession | CommitFailed] = field(default_factory=asyncio.Future)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    broken: BaseException | None = None
    committed: asyncio.Future[CommitFailed | None] = field(default_factory=asyncio.Future)


class GroupCommit:
    """One transaction after another, each for all urgent writes that wait, a savepoint each."""

    def __init__(self, begin: Begin, patience: float) -> None:
        """`begin()` begins a transaction, and commits it; `patience`: seconds until a turn."""
        self._begin = begin
        self._patience = patience
        self._waiting = deque[_Turn]()
        self._committer: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def joined(self) -> AsyncIterator[AsyncSession]:
        """Write in a block; what it wrote is committed once this is left.

        Raises TimeoutError, and CommitFailed also where others' writes are why.
        """
        turn = _Turn()
        self._waiting.append(turn)
        if self._committer is None:
            self._committer = asyncio.create_task(self._commit_all())
        try:
            async with asyncio.timeout(self._patience):
                session = await turn.session
            if isinstance(session, CommitFailed):
                raise session
            async with session.begin_nested():
                yield session
        except BaseException as error:
            turn.broken = error
            raise
        finally:
            turn.over.set()
        if failed := await turn.committed:
            raise failed

    async def _commit_all(self) -> None:
        while self._waiting:
            began, together = time.monotonic(), list[_Turn]()
            try:
                async with self._begin() as session:
                    await self._let_write(session, together)
            except Exception as error:
                # Whoever came later may find the database free.
                waited = [turn for turn in self._waiting if turn.came <= began]
                self._end(together or waited, CommitFailed(type(error).__name__))
                self._waiting = deque(turn for turn in self._waiting if not turn.session.done())
            else:
                self._end(together, None)
        self._committer = None

    async def _let_write(self, session: AsyncSession, together: list[_Turn]) -> None:
        """Give each its turn. Raises what breaks the transaction of all."""
        # SQLite's lock is waited for once, not within the turn of each.
        connection = await session.connection()
        while self._waiting and len(together) < MOST_TOGETHER:
            turn = self._waiting.popleft()
            if turn.session.done():
                continue  # It waits no longer.
            together.append(turn)
            turn.session.set_result(session)
            await turn.over.wait()
            # Each finds an empty session.
            session.expunge_all()
            # After such an error SQLite may have undone what the others wrote.
            if isinstance(turn.broken, DBAPIError) and not isinstance(turn.broken, IntegrityError):
                raise turn.broken
            # One that was cancelled within a statement has cost all their connection.
            if connection.invalidated:
                raise CommitFailed("connection lost")

    def _end(self, turns: list[_Turn], failed: CommitFailed | None) -> None:
        for turn in turns:
            if failed is not None and not turn.session.done():
                turn.session.set_result(failed)
            if not turn.committed.done():
                turn.committed.set_result(failed)
