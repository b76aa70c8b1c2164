"""Queries about versions of drafts, and about the Slack messages that show them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Update, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.store.conditions import get_origin, is_of
from bot.store.heads import mark_head_due, mark_version_head_due
from bot.store.models import (
    STANDING,
    Feedback,
    Hold,
    Job,
    JobKind,
    Thread,
    Version,
    VersionMessage,
    VersionStatus,
    now,
)
from bot.store.transactions import Transactions

# The address of a file has words of the text in it.
NO_TEXT = {"text": "", "posted_url": None}


@dataclass(frozen=True, slots=True)
class HistoryStep:
    """One step of a version's history: what was asked, and the text that came of it."""

    instruction: str | None
    text: str


class VersionQueries(Transactions):
    """Versions and the messages that show them."""

    async def ensure_versions(self, job: Job) -> Sequence[Version]:
        """Return the job's versions; number and add them if it has none yet."""
        query = select(Version).where(Version.job_id == job.id).order_by(Version.sample)
        async with self._write() as session:
            # PostgreSQL: two jobs of one thread must not take the same number.
            thread = await session.get_one(Thread, job.thread_id, with_for_update=True)
            if made := (await session.scalars(query)).all():
                return made
            numbers = select(func.max(Version.number)).where(Version.thread_id == job.thread_id)
            last = await session.scalar(numbers) or 0
            versions = [
                Version(
                    thread_id=job.thread_id,
                    job_id=job.id,
                    number=last + 1 + i,
                    sample=i,
                    hidden=job.hides,
                )
                for i in range(job.n)
            ]
            session.add_all(versions)
            if await _count_writing(session, job.thread_id) != thread.head_writing:
                await mark_head_due(session, job.thread_id)
        return versions

    async def get_version(self, version_id: int) -> Version:
        """Return the version with this id."""
        async with self._read() as session:
            return await session.get_one(Version, version_id)

    async def find_version(self, version_id: int) -> Version | None:
        """Return the version with this id, if there is one (any more)."""
        async with self._read() as session:
            return await session.get(Version, version_id)

    async def find_version_at(self, channel: str, ts: str) -> Version | None:
        """Find the version that this Slack message shows."""
        query = (
            select(Version)
            .join(VersionMessage, VersionMessage.version_id == Version.id)
            .where(VersionMessage.channel == channel, VersionMessage.ts == ts)
        )
        async with self._read() as session:
            return await session.scalar(query)

    async def list_versions(self, thread_id: int) -> Sequence[Version]:
        """Return all versions of a thread, by their numbers."""
        query = select(Version).where(Version.thread_id == thread_id).order_by(Version.number)
        async with self._read() as session:
            return (await session.scalars(query)).all()

    async def list_siblings(self, job_id: int) -> Sequence[Version]:
        """Return the versions of a job, in their order."""
        query = select(Version).where(Version.job_id == job_id).order_by(Version.sample)
        async with self._read() as session:
            return (await session.scalars(query)).all()

    async def list_writing(
        self,
        *,
        thread_id: int | None = None,
        requester: str | None = None,
        channel: str | None = None,
        before: datetime | None = None,
    ) -> Sequence[Version]:
        """Return what is being written: of a thread, of a person, in a channel, asked before."""
        query = select(Version).join(Job, Job.id == Version.job_id)
        query = query.join(Thread, Thread.id == Version.thread_id).order_by(Version.id)
        query = query.where(is_of(thread_id, requester, channel, before))
        async with self._read() as session:
            writing = query.where(Version.status == VersionStatus.WRITING)
            return (await session.scalars(writing)).all()

    async def is_given_up(self, job_id: int) -> bool:
        """Say whether the job has versions and none of them is being written."""
        query = select(Version.status).where(Version.job_id == job_id)
        async with self._read() as session:
            statuses = set(await session.scalars(query))
        return bool(statuses) and VersionStatus.WRITING not in statuses

    async def list_continued(self, version_id: int) -> list[Version]:
        """Return a version, and before it those that it continues, in order."""
        versions: list[Version] = []
        async with self._read() as session:
            while True:
                versions.insert(0, await session.get_one(Version, version_id))
                job = await session.get_one(Job, versions[0].job_id)
                first = await get_origin(session, job)
                if first.kind is not JobKind.CONTINUE or job.parent_id is None:
                    return versions
                version_id = job.parent_id

    async def mark_accepted(self, version_id: int, url: str | None = None) -> None:
        """Record that a person accepted this version; `url`: where it stands for others to read.

        Of one that was deleted meanwhile nothing is kept.
        """
        posted = {"posted_url": url} if url else {}
        accepted = _update_undeleted(version_id).values(accepted_at=now(), **posted)
        async with self._write() as session:
            await session.execute(accepted)
            await mark_version_head_due(session, version_id)

    async def find_last_version(self, thread_id: int, *status: VersionStatus) -> Version | None:
        """Find the version of the thread that ended last, among those of these statuses.

        A hidden one counts only while it is being written.
        """
        seen = or_(~Version.hidden, Version.status == VersionStatus.WRITING)
        query = (
            select(Version)
            .where(Version.thread_id == thread_id, Version.status.in_(status), seen)
            .order_by(Version.ended_at.desc(), Version.number.desc())
            .limit(1)
        )
        async with self._read() as session:
            return await session.scalar(query)

    async def get_history(self, version_id: int | None) -> list[HistoryStep]:
        """Return the steps that led to a version, the first draft first; [] for None.

        They begin after the last version whose text was deleted.
        """
        steps: list[HistoryStep] = []
        async with self._read() as session:
            while version_id is not None:
                version = await session.get_one(Version, version_id)
                if steps and not version.text:
                    steps[-1] = HistoryStep(None, steps[-1].text)
                    break
                job = await session.get_one(Job, version.job_id)
                steps.append(HistoryStep(job.instruction, version.text))
                version_id = job.parent_id
        return steps[::-1]

    async def save_text(self, version_id: int, text: str) -> bool:
        """Record the text that the filter has released so far; commit it before it is shown.

        False: nothing more is to be shown, for somebody has stopped or deleted the version.
        """
        writing = Version.status == VersionStatus.WRITING
        query = update(Version).where(Version.id == version_id, writing).values(text=text)
        async with self._write() as session:
            return await session.scalar(query.returning(Version.id)) is not None

    async def stop_version(self, version_id: int) -> bool:
        """End a version that is being written. Return False if it had ended."""
        writing = Version.status == VersionStatus.WRITING
        query = update(Version).where(Version.id == version_id, writing)
        query = query.values(status=VersionStatus.STOPPED, ended_at=now())
        async with self._write() as session:
            job_id = await session.scalar(query.returning(Version.job_id))
            if job_id is None:
                return False
            await self._signal(session, "stop", job_id, version_id)
            await mark_version_head_due(session, version_id)
            return True

    async def end_version(self, version_id: int, status: VersionStatus, **facts: Any) -> Version:
        """End a version; `facts` are columns of it (text, model, tokens, seconds, rules).

        A deleted version stays deleted; its text is not kept, nor what readers said about it, nor
        what was written beside it and can be shown from nowhere any more.
        """
        ended = _update_undeleted(version_id)
        async with self._write() as session:
            if status is VersionStatus.DELETED:
                facts |= NO_TEXT
            await session.execute(ended.values(status=status, ended_at=now(), **facts))
            if status is VersionStatus.DELETED:
                gone = await session.get_one(Version, version_id)
                for each in (version_id, *await _delete_unseen(session, gone.job_id)):
                    await _forget(session, each)
                    await self._signal(session, "stop", gone.job_id, each)
            await mark_version_head_due(session, version_id)
        return await self.get_version(version_id)

    async def record_post(self, version_id: int, part: int, channel: str, ts: str) -> None:
        """Record the Slack message that shows this part of the version."""
        message = VersionMessage(channel=channel, ts=ts, version_id=version_id, part=part)
        async with self._write() as session:
            await session.merge(message)

    async def drop_post(self, version_id: int, part: int) -> None:
        """Forget the Slack message that showed this part, which is deleted."""
        shown = VersionMessage.version_id == version_id, VersionMessage.part == part
        async with self._write() as session:
            await session.execute(delete(VersionMessage).where(*shown))

    async def list_posts(self, version_id: int) -> list[str]:
        """Return the ts of each message that shows the version, in order."""
        query = (
            select(VersionMessage.ts)
            .where(VersionMessage.version_id == version_id)
            .order_by(VersionMessage.part)
        )
        async with self._read() as session:
            return list(await session.scalars(query))


async def _count_writing(session: AsyncSession, thread_id: int) -> int:
    writing = (Version.thread_id == thread_id, Version.status == VersionStatus.WRITING)
    return await session.scalar(select(func.count()).select_from(Version).where(*writing)) or 0


async def _delete_unseen(session: AsyncSession, job_id: int) -> Sequence[int]:
    """Delete a job's hidden drafts, unless a draft beside them shows them, or may yet."""
    of_job = select(Version).where(Version.job_id == job_id)
    seen = (*STANDING, VersionStatus.WRITING, VersionStatus.HELD)
    shown = of_job.where(~Version.hidden, Version.status.in_(seen))
    if await session.scalar(select(shown.exists())):
        return []
    hidden = (Version.job_id == job_id, Version.hidden, Version.status != VersionStatus.DELETED)
    gone = update(Version).where(*hidden).values(status=VersionStatus.DELETED, ended_at=now())
    return (await session.scalars(gone.values(**NO_TEXT).returning(Version.id))).all()


async def _forget(session: AsyncSession, version_id: int) -> None:
    """Delete what is kept beside a deleted version: a held text, edits, and readers' words."""
    held = update(Hold).where(Hold.version_id == version_id)
    await session.execute(held.values(sealed=""))
    edited = Job.parent_id == version_id, Job.kind == JobKind.ACCEPT
    await session.execute(update(Job).where(*edited).values(instruction=None))
    said = update(Feedback).where(Feedback.version_id == version_id)
    await session.execute(said.values(words=""))


def _update_undeleted(version_id: int) -> Update:
    undeleted = Version.status != VersionStatus.DELETED
    return update(Version).where(Version.id == version_id, undeleted)
