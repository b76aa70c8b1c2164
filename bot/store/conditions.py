"""Parts of queries that several of them share."""

from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from bot.store.models import Job, JobKind, Thread, Version, VersionStatus


def is_in(channel: str) -> ColumnElement[bool]:
    """Match threads of a channel, and those that are drafted in private for it."""
    return or_(Thread.channel == channel, Thread.post_to == channel)


def is_of(
    thread_id: int | None, requester: str | None, channel: str | None, before: datetime | None
) -> ColumnElement[bool]:
    """Match jobs of a thread, of a person, in a channel, asked for before: as far as given."""
    thread = true() if thread_id is None else Job.thread_id == thread_id
    person = true() if requester is None else Job.requester == requester
    place = true() if channel is None else is_in(channel)
    asked = func.coalesce(Job.asked_at, Job.created_at)
    time = true() if before is None else asked <= before
    return and_(thread, person, place, time)


def to_be_written() -> ColumnElement[bool]:
    """Match jobs that have no version yet, or one that is being written."""
    versions = select(Version.id).where(Version.job_id == Job.id)
    writing = versions.where(Version.status == VersionStatus.WRITING)
    return or_(~versions.exists(), writing.exists())


async def get_origin(session: AsyncSession, job: Job) -> Job:
    """Return the job itself, or the one whose request it repeats."""
    while job.again_id is not None:
        version = await session.get_one(Version, job.again_id)
        job = await session.get_one(Job, version.job_id)
    return job


async def set_request(session: AsyncSession, job_id: int, words: str) -> None:
    """Replace the words that a job asks with; a job that repeats another has none of its own."""
    job = await session.get_one(Job, job_id)
    if job.instruction is not None:
        job.instruction = words
    elif job.kind is JobKind.DRAFT:
        (await session.get_one(Thread, job.thread_id)).brief = words
