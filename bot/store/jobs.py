"""Queries about jobs, and about the deliveries of Slack that they came by."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Select, and_, delete, func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from bot.store.conditions import get_origin, is_in, is_of, set_request, to_be_written
from bot.store.early_events import EARLY_KEPT
from bot.store.footers import mark_footers_due
from bot.store.heads import mark_misleading_head_due
from bot.store.looks import LOOKS_KEPT
from bot.store.models import (
    DELIVERIES,
    EarlyEvent,
    Hold,
    HoldStatus,
    Job,
    JobKind,
    JobStatus,
    KeptText,
    LookedAt,
    SeenEvent,
    Source,
    Thread,
    Version,
    VersionStatus,
    now,
)
from bot.store.transactions import Transactions

# What these wait for may have come already: their status is committed where they are said.
RESTING = (JobStatus.WAITING, JobStatus.HELD)
# Slack delivers again at once, a minute and five minutes later; a day leaves room for clocks that
# disagree, and for "delayed events". https://docs.slack.dev/apis/events-api/
EVENTS_KEPT = timedelta(days=1)


class TooManyRunning(Exception):
    """This person has as many running requests as are allowed."""


class JobQueries(Transactions):
    """Jobs, from their commit to their end."""

    async def add_job(
        self,
        job: Job,
        key: str,
        limit: int,
        thread: Thread | None = None,
        *,
        sources: Sequence[Source] = (),
        adopt: Sequence[str] = (),
    ) -> Job | None:
        """Commit a job, with its new thread if it begins one. Return None if nothing is to do.

        Nothing is to do if this `key` was seen already, if the version is being regenerated, if
        those beside it are being shown, or if it was accepted the same way. `sources` come with the
        job; `adopt` are the keys of sources that wait for their thread. Raises TooManyRunning
        when its requester has `limit` open jobs, StoreUnavailable.
        """
        try:
            async with self._write(urgent=True) as session:
                session.add(SeenEvent(key=key))
                await session.flush()
                if await _runs_again(session, job.again_id) or await _is_accepted(session, job):
                    return None
                if await _is_revealed(session, job):
                    return None
                if job.kind not in DELIVERIES and await _open_jobs(session, job.requester) >= limit:
                    raise TooManyRunning
                if thread is not None:
                    session.add(thread)
                    await session.flush()
                    job.thread_id = thread.id
                session.add(job)
                await session.flush()
                await _give_sources(session, job, sources, adopt)
                if job.owner is None:
                    await self._signal(session, "free")
        except IntegrityError:
            return None
        return job

    async def get_job(self, job_id: int) -> Job:
        """Return the job as it is now."""
        async with self._read() as session:
            return await session.get_one(Job, job_id)

    async def get_origin(self, job: Job) -> Job:
        """Return the job itself, or the one whose request it repeats."""
        async with self._read() as session:
            return await get_origin(session, job)

    async def find_job(self, job_id: int) -> Job | None:
        """Return the job with this id, if there is one (any more)."""
        async with self._read() as session:
            return await session.get(Job, job_id)

    async def get_first_job(self, thread_id: int) -> Job:
        """Return the job that began the thread."""
        query = select(Job).where(Job.thread_id == thread_id).order_by(Job.id).limit(1)
        async with self._read() as session:
            return (await session.scalars(query)).one()

    async def list_jobs(self, status: JobStatus, *, channel: str | None = None) -> Sequence[Job]:
        """Return the jobs with this status, the oldest first; of one channel if given."""
        query = select(Job).where(Job.status == status).order_by(Job.id)
        if channel is not None:
            query = query.join(Thread, Thread.id == Job.thread_id).where(is_in(channel))
        async with self._read() as session:
            return (await session.scalars(query)).all()

    async def list_jobs_not_begun(
        self,
        *,
        thread_id: int | None = None,
        requester: str | None = None,
        channel: str | None = None,
        before: datetime | None = None,
        status: JobStatus = JobStatus.OPEN,
    ) -> Sequence[Job]:
        """Return the jobs without a version yet, of a thread, a person, a channel, asked before."""
        versions = select(Version.job_id).where(Version.job_id == Job.id)
        query = select(Job).join(Thread, Thread.id == Job.thread_id).order_by(Job.id)
        query = query.where(Job.status == status, ~versions.exists())
        async with self._read() as session:
            found = await session.scalars(query.where(is_of(thread_id, requester, channel, before)))
            return found.all()

    async def count_try(self, job_id: int, language: str) -> tuple[int, str, int]:
        """Count a try.

        Return how many came before it, the language of the first, and how many failed.
        """
        first = func.coalesce(Job.language, language)
        query = update(Job).where(Job.id == job_id).values(tries=Job.tries + 1, language=first)
        async with self._write() as session:
            counted = query.returning(Job.tries, Job.language, Job.failures)
            tries, kept, failures = (await session.execute(counted)).one()
            return tries - 1, kept or language, failures

    async def end_job(
        self,
        job_id: int,
        status: JobStatus,
        *,
        forget: bool = False,
        drops: Sequence[int] = (),
    ) -> None:
        """Record that a job rests or is over. One that is over is nobody's.

        One that comes to nothing leaves no version that is being written.

        `forget`: delete what it asked; `drops`: the ids of sources to delete. A job that is done
        stays open where a reviewer decided meanwhile about a draft of it: whoever takes it next
        carries that out.
        """
        async with self._write() as session:
            job = await session.get_one(Job, job_id)
            if status not in RESTING:
                job.owner = None
            if status is JobStatus.DONE and await session.scalar(_decided_on(job_id)) is not None:
                return await self._signal(session, "free")
            job.status, job.ended_at = status, now()
            if status is JobStatus.DONE and job.kind not in DELIVERIES and job.n > 1:
                await session.flush()
                await mark_footers_due(session, job_id)
            if status in (JobStatus.REFUSED, JobStatus.FAILED):
                left = update(Version).where(
                    Version.job_id == job_id, Version.status == VersionStatus.WRITING
                )
                await session.execute(left.values(status=VersionStatus.FAILED, ended_at=now()))
            await mark_misleading_head_due(session, job.thread_id)
            if forget:
                await set_request(session, job_id, "")
            if drops:
                await session.execute(delete(Source).where(Source.id.in_(drops)))
            return await self._signal(session, "ended", job_id)

    async def reopen_waiting(self, job: Job, channel: str | None = None) -> bool:
        """Reopen a waiting job, in another `channel` if given; False if it was not waiting."""
        query = update(Job).where(Job.id == job.id, Job.status == JobStatus.WAITING)
        query = query.values(status=JobStatus.OPEN, ended_at=now())
        async with self._write() as session:
            if await session.scalar(query.returning(Job.id)) is None:
                return False
            if channel is not None:
                (await session.get_one(Thread, job.thread_id)).channel = channel
            await self._signal(session, "free")
            return True

    async def refuse_waiting(self, job: Job) -> bool:
        """End a waiting job whose requester gives it up; False if it was not waiting."""
        query = update(Job).where(Job.id == job.id, Job.status == JobStatus.WAITING)
        query = query.values(status=JobStatus.REFUSED, owner=None, ended_at=now())
        async with self._write() as session:
            if await session.scalar(query.returning(Job.id)) is None:
                return False
            await mark_misleading_head_due(session, job.thread_id)
            await self._signal(session, "ended", job.id)
            return True

    async def record_event(self, key: str) -> bool:
        """Record a delivery that made no job. Return False if it was seen before."""
        try:
            async with self._write(urgent=True) as session:
                session.add(SeenEvent(key=key))
        except IntegrityError:
            return False
        return True

    async def knows_event(self, key: str) -> bool:
        """Say whether a delivery was recorded."""
        async with self._read() as session:
            return await session.get(SeenEvent, key) is not None

    async def purge(self) -> None:
        """Delete keys of old events, what nobody used, and what people looked at long ago.

        Also remove from SQLite's files what was deleted before.
        """
        old = now() - EVENTS_KEPT
        unwanted = delete(Source).where(Source.thread_id.is_(None), Source.created_at < old)
        async with self._write() as session:
            await session.execute(delete(SeenEvent).where(SeenEvent.at < old))
            await session.execute(delete(EarlyEvent).where(EarlyEvent.at < now() - EARLY_KEPT))
            await session.execute(unwanted)
            await session.execute(delete(LookedAt).where(LookedAt.at < now() - LOOKS_KEPT))
            await session.execute(delete(KeptText).where(KeptText.at < old))
        await self._empty_log()


def _decided_on(job_id: int) -> Select[int]:
    """Select a hold on the job that was decided about, and whose text still waits."""
    decided = Hold.status != HoldStatus.PENDING
    return select(Hold.id).where(Hold.job_id == job_id, decided, Hold.sealed != "").limit(1)


async def _give_sources(
    session: AsyncSession, job: Job, sources: Sequence[Source], adopt: Sequence[str]
) -> None:
    for source in sources:
        source.thread_id, source.job_id = job.thread_id, job.id
    session.add_all(sources)
    if adopt:
        waiting = update(Source).where(Source.key.in_(adopt), Source.thread_id.is_(None))
        await session.execute(waiting.values(thread_id=job.thread_id, job_id=job.id))


async def _runs_again(session: AsyncSession, version_id: int | None) -> bool:
    """Say whether a version is being regenerated."""
    if version_id is None:
        return False
    # PostgreSQL: two requests that come at once must see each other.
    await session.get_one(Version, version_id, with_for_update=True)
    unended = or_(Job.status.in_(RESTING), and_(Job.status == JobStatus.OPEN, to_be_written()))
    query = select(func.count()).where(Job.again_id == version_id, unended)
    return bool(await session.scalar(query))


async def _is_accepted(session: AsyncSession, job: Job) -> bool:
    """Say whether another job accepts, or accepted, this version the same way."""
    if job.kind is not JobKind.ACCEPT:
        return False
    assert job.parent_id is not None
    await session.get_one(Version, job.parent_id, with_for_update=True)
    going = (JobStatus.OPEN, JobStatus.WAITING, JobStatus.DONE)
    query = select(Job).where(Job.kind == JobKind.ACCEPT, Job.parent_id == job.parent_id)
    others = await session.scalars(query.where(Job.status.in_(going)))
    # Every person may take the text once; every other way is gone once for all.
    to_person = job.sampling.get("way") == "person"
    return any(
        other.sampling == job.sampling and (not to_person or other.requester == job.requester)
        for other in others
    )


async def _is_revealed(session: AsyncSession, job: Job) -> bool:
    """Say whether another job shows the drafts that were written beside this version."""
    if job.kind is not JobKind.REVEAL:
        return False
    assert job.parent_id is not None
    version = await session.get_one(Version, job.parent_id)
    await session.get_one(Job, version.job_id, with_for_update=True)
    siblings = select(Version.id).where(Version.job_id == version.job_id)
    query = select(func.count()).where(Job.kind == JobKind.REVEAL, Job.parent_id.in_(siblings))
    return bool(await session.scalar(query.where(Job.status == JobStatus.OPEN)))


async def _open_jobs(session: AsyncSession, requester: str) -> int:
    query = select(func.count()).where(Job.requester == requester, Job.status == JobStatus.OPEN)
    query = query.where(Job.kind.not_in(DELIVERIES), to_be_written())
    return await session.scalar(query) or 0
