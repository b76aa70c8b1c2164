"""Queries that ask how the store is: whether it takes a write, and how much waits in it."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from bot.store.heads import stands
from bot.store.models import Hold, HoldStatus, Job, JobStatus, SeenEvent, Thread, now
from bot.store.transactions import Transactions


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits: open jobs by their status, held texts, heads of threads that do not show the
    truth yet, and since when the oldest job is open and the oldest text held.
    """

    jobs: Mapping[JobStatus, int]
    holds: int
    heads: int
    oldest: datetime | None
    oldest_hold: datetime | None


class ProbeQueries(Transactions):
    """The store's own state."""

    async def probe(self) -> None:
        """Write and read, as an ack has to. Raises StoreUnavailable."""
        key = f"probe-{secrets.token_hex(8)}"
        async with self._write(urgent=True) as session:
            session.add(SeenEvent(key=key))
            await session.flush()
            await session.delete(await session.get_one(SeenEvent, key))

    async def count_backlog(self) -> Backlog:
        """Return what is not done yet."""
        waiting = (JobStatus.OPEN, JobStatus.WAITING, JobStatus.HELD)
        jobs = select(Job.status, func.count()).where(Job.status.in_(waiting)).group_by(Job.status)
        pending = Hold.status == HoldStatus.PENDING
        holds = select(func.count()).where(pending)
        held = select(func.min(Hold.created_at)).where(pending)
        heads = select(func.count()).where(stands(), Thread.head_due.is_not(None))
        oldest = select(func.min(Job.created_at)).where(Job.status == JobStatus.OPEN)
        async with self._read() as session:
            counted = {row[0]: row[1] for row in await session.execute(jobs)}
            return Backlog(
                {status: counted.get(status, 0) for status in waiting},
                await session.scalar(holds) or 0,
                await session.scalar(heads) or 0,
                await session.scalar(oldest),
                await session.scalar(held),
            )


def age(moment: datetime | None) -> float:
    """Return the seconds since a moment; 0 without one."""
    return max(0.0, (now() - moment).total_seconds()) if moment else 0.0
