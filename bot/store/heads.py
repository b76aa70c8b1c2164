"""Queries about the heads of threads that do not say the truth any more."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, ScalarSelect, and_, case, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.store.due import is_due, set_due
from bot.store.models import Thread, Version, VersionStatus
from bot.store.moments import Moment
from bot.store.transactions import HEADS_DUE, Transactions

# Seconds for which a head is left to whoever took it on.
CLAIM = 60.0


@dataclass(frozen=True, slots=True)
class DueHead:
    """A thread whose head is to be shown anew by whoever claimed it, `until` then."""

    thread: Thread
    until: datetime


class HeadQueries(Transactions):
    """Heads that are due, each claimed by one bot at a time."""

    async def has_due_head(self) -> bool:
        """Say whether a head is to be shown anew now."""
        async with self._read() as session:
            return bool(await session.scalar(select(select(Thread.id).where(_due()).exists())))

    async def claim_head(self) -> DueHead | None:
        """Claim the head that needs it most: one with a Stop button for nothing goes first."""
        misleads = and_(Thread.head_writing > 0, ~_is_writing())
        pick = select(Thread.id).where(_due()).limit(1).with_for_update(skip_locked=True)
        pick = pick.order_by(case((misleads, 0), else_=1), Thread.head_due)
        claim = set_due(Thread.head_due, CLAIM).where(Thread.id == pick.scalar_subquery())
        async with self._write() as session:
            thread = await session.scalar(claim.returning(Thread))
            return DueHead(thread, thread.head_due) if thread and thread.head_due else None

    async def record_shown(self, head: DueHead, writing: int) -> None:
        """Record that a head says that so many drafts are being written.

        What changed since it was claimed makes it due once more; so does another bot that showed
        it meanwhile, for nobody knows whose words came to Slack last.
        """
        thread = update(Thread).where(Thread.id == head.thread.id).values(head_writing=writing)
        same = thread.where(Thread.head_due == head.until).values(head_due=None)
        async with self._write() as session:
            if await session.scalar(same.returning(Thread.id)) is None:
                await session.execute(thread)
                await mark_head_due(session, head.thread.id)

    async def put_off_head(self, head: DueHead, seconds: float) -> None:
        """Have a head shown later, within the time of a claim."""
        query = set_due(Thread.head_due, min(seconds, CLAIM)).where(Thread.id == head.thread.id)
        async with self._write() as session:
            await session.execute(query.where(Thread.head_due == head.until))

    async def free_heads(self) -> None:
        """Give up all claims: whoever made them may be gone, and a head may be shown twice."""
        async with self._write() as session:
            await session.execute(set_due(Thread.head_due).where(Thread.head_due > Moment()))


async def mark_head_due(session: AsyncSession, thread_id: int | ScalarSelect[int]) -> None:
    """Have the head of a thread shown anew, once this transaction is committed."""
    session.info[HEADS_DUE] = True
    await session.execute(set_due(Thread.head_due).where(Thread.id == thread_id))


async def mark_version_head_due(session: AsyncSession, version_id: int) -> None:
    """Have the head of a version's thread shown anew."""
    thread_id = select(Version.thread_id).where(Version.id == version_id).scalar_subquery()
    await mark_head_due(session, thread_id)


async def mark_misleading_head_due(session: AsyncSession, thread_id: int) -> None:
    """Have a head shown anew that says that drafts are being written, where none is."""
    session.info[HEADS_DUE] = True
    misleads = and_(Thread.head_writing > 0, Thread.head_due.is_(None), ~_is_writing())
    await session.execute(set_due(Thread.head_due).where(Thread.id == thread_id, misleads))


def stands() -> ColumnElement[bool]:
    """Match threads whose head stands in Slack."""
    return case((Thread.persons_root, Thread.head_ts), else_=Thread.root_ts).is_not(None)


def _is_writing() -> ColumnElement[bool]:
    writing = Version.status == VersionStatus.WRITING
    return select(Version.id).where(Version.thread_id == Thread.id, writing).exists()


def _due() -> ColumnElement[bool]:
    """Match heads that stand and are due."""
    return and_(is_due(Thread.head_due, CLAIM), stands())
