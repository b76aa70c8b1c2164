"""Queries about how the drafts of a job were measured, and about their footers, which say it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.store.due import is_due, set_due
from bot.store.heads import mark_head_due
from bot.store.models import STANDING, Job, Version
from bot.store.moments import Moment
from bot.store.transactions import Transactions

# Seconds for which a job's footers are left to whoever took them on: it may measure them first.
CLAIM = 300.0


@dataclass(frozen=True, slots=True)
class DueFooters:
    """A job whose drafts get their footers anew from whoever claimed it, `until` then."""

    job: Job
    until: datetime


class FooterQueries(Transactions):
    """Footers that are due, each claimed by one bot at a time, and what they say."""

    async def claim_footers(self) -> DueFooters | None:
        """Claim the job whose footers have waited longest."""
        due = select(Job.id).where(is_due(Job.footers_due, CLAIM))
        async with self._read() as session:
            if not await session.scalar(select(due.exists())):
                return None
        pick = due.order_by(Job.footers_due).limit(1)
        pick = pick.with_for_update(skip_locked=True)
        claim = set_due(Job.footers_due, CLAIM).where(Job.id == pick.scalar_subquery())
        async with self._write() as session:
            job = await session.scalar(claim.returning(Job))
            return DueFooters(job, job.footers_due) if job and job.footers_due else None

    async def record_footers_shown(self, footers: DueFooters) -> None:
        """Record that the footers of a job are as they should be, unless they changed meanwhile."""
        same = update(Job).where(Job.id == footers.job.id, Job.footers_due == footers.until)
        async with self._write() as session:
            await session.execute(same.values(footers_due=None))

    async def put_off_footers(self, footers: DueFooters, seconds: float) -> None:
        """Have the footers of a job shown later, within the time of a claim."""
        same = set_due(Job.footers_due, min(seconds, CLAIM)).where(Job.id == footers.job.id)
        async with self._write() as session:
            await session.execute(same.where(Job.footers_due == footers.until))

    async def free_footers(self) -> None:
        """Give up all claims: whoever made them may be gone, and footers may be shown twice."""
        async with self._write() as session:
            await session.execute(set_due(Job.footers_due).where(Job.footers_due > Moment()))

    async def save_measures(
        self, measures: Mapping[int, Mapping[str, Any]], best: int | None
    ) -> None:
        """Record what was found of each version, by its id, and which is the likely best."""
        async with self._write() as session:
            for version_id, found in measures.items():
                values = {"measures": dict(found), "is_best": version_id == best}
                query = update(Version).where(Version.id == version_id).values(**values)
                await session.execute(query)

    async def reveal(self, job_id: int, version_id: int | None = None) -> Sequence[Version]:
        """Hide a version no longer, or all of a job; return the job's versions as they are then."""
        query = update(Version).where(Version.job_id == job_id, Version.hidden)
        if version_id is not None:
            query = query.where(Version.id == version_id)
        versions = select(Version).where(Version.job_id == job_id).order_by(Version.sample)
        async with self._write() as session:
            await session.execute(query.values(hidden=False))
            await mark_footers_due(session, job_id)
            thread_id = select(Job.thread_id).where(Job.id == job_id).scalar_subquery()
            await mark_head_due(session, thread_id)
            return (await session.scalars(versions)).all()

    async def count_hidden(self, job_id: int) -> int:
        """Count the drafts of a job that nobody sees before they ask for them."""
        query = select(func.count()).select_from(Version)
        query = query.where(Version.job_id == job_id, Version.hidden, Version.text != "")
        async with self._read() as session:
            return await session.scalar(query.where(Version.status.in_(STANDING))) or 0


async def mark_footers_due(session: AsyncSession, job_id: int) -> None:
    """Have the footers of a job's drafts shown anew, once this transaction is committed."""
    await session.execute(set_due(Job.footers_due).where(Job.id == job_id))
