"""Versions: each draft, as far as it was released, and the messages that show it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Update, func, select, update

from bot.store.conditions import is_in
from bot.store.models import (
    Hold,
    Job,
    JobKind,
    JobStatus,
    Message,
    Thread,
    Version,
    VersionStatus,
    now,
)
from bot.store.transactions import Transactions


@dataclass(frozen=True, slots=True)
class Turn:
    """One step of a version's history: what was asked, and the text that came of it."""

    instruction: str | None
    text: str


class VersionQueries(Transactions):
    """Versions and their messages."""

    async def ensure_versions(self, job: Job) -> Sequence[Version]:
        """The job's versions; numbered and made when it has none yet."""
        query = select(Version).where(Version.job_id == job.id).order_by(Version.sample)
        async with self._write() as session:
            # PostgreSQL: two jobs of one thread must not take the same number.
            await session.get_one(Thread, job.thread_id, with_for_update=True)
            if made := (await session.scalars(query)).all():
                return made
            numbers = select(func.max(Version.number)).where(Version.thread_id == job.thread_id)
            last = await session.scalar(numbers) or 0
            versions = [
                Version(thread_id=job.thread_id, job_id=job.id, number=last + 1 + i, sample=i)
                for i in range(job.n)
            ]
            session.add_all(versions)
        return versions

    async def version(self, version_id: int) -> Version:
        """The version with this id."""
        async with self._read() as session:
            return await session.get_one(Version, version_id)

    async def find_version(self, version_id: int) -> Version | None:
        """The version with this id, if there is one (any more)."""
        async with self._read() as session:
            return await session.get(Version, version_id)

    async def version_at(self, channel: str, ts: str) -> Version | None:
        """The version that this Slack message shows."""
        query = (
            select(Version)
            .join(Message, Message.version_id == Version.id)
            .where(Message.channel == channel, Message.ts == ts)
        )
        async with self._read() as session:
            return await session.scalar(query)

    async def versions(self, thread_id: int) -> Sequence[Version]:
        """All versions of a thread, by their numbers."""
        query = select(Version).where(Version.thread_id == thread_id).order_by(Version.number)
        async with self._read() as session:
            return (await session.scalars(query)).all()

    async def writing(
        self,
        *,
        thread_id: int | None = None,
        requester: str | None = None,
        channel: str | None = None,
    ) -> Sequence[Version]:
        """Versions that are being written: of a thread, of a person, in a channel."""
        query = select(Version).join(Job, Job.id == Version.job_id)
        query = query.join(Thread, Thread.id == Version.thread_id).order_by(Version.id)
        wanted = {Version.thread_id: thread_id, Job.requester: requester}
        for column, value in wanted.items():
            if value is not None:
                query = query.where(column == value)
        if channel is not None:
            query = query.where(is_in(channel))
        async with self._read() as session:
            writing = query.where(Version.status == VersionStatus.WRITING)
            return (await session.scalars(writing)).all()

    async def unbegun(
        self,
        *,
        requester: str | None = None,
        channel: str | None = None,
        thread_id: int | None = None,
        status: JobStatus = JobStatus.OPEN,
    ) -> Sequence[Job]:
        """Jobs that have no version yet: of a person, in a channel, of a thread."""
        versions = select(Version.job_id).where(Version.job_id == Job.id)
        query = select(Job).join(Thread, Thread.id == Job.thread_id).order_by(Job.id)
        query = query.where(Job.status == status, ~versions.exists())
        if requester is not None:
            query = query.where(Job.requester == requester)
        if channel is not None:
            query = query.where(is_in(channel))
        if thread_id is not None:
            query = query.where(Job.thread_id == thread_id)
        async with self._read() as session:
            return (await session.scalars(query)).all()

    async def is_given_up(self, job_id: int) -> bool:
        """Whether its versions were ended before anything of them was written."""
        query = select(Version.status).where(Version.job_id == job_id)
        async with self._read() as session:
            statuses = set(await session.scalars(query))
        return bool(statuses) and VersionStatus.WRITING not in statuses

    async def pieces(self, version_id: int) -> list[Version]:
        """A version, and before it those that it continues, the first one first."""
        pieces: list[Version] = []
        async with self._read() as session:
            while True:
                pieces.insert(0, await session.get_one(Version, version_id))
                job = asked = await session.get_one(Job, pieces[0].job_id)
                while asked.again_id is not None:
                    again = await session.get_one(Version, asked.again_id)
                    asked = await session.get_one(Job, again.job_id)
                if asked.kind is not JobKind.CONTINUE or job.parent_id is None:
                    return pieces
                version_id = job.parent_id

    async def accepted(self, version_id: int) -> None:
        """This version is the text."""
        await self._update(Version, version_id, accepted_at=now())

    async def last_version(self, thread_id: int, *status: VersionStatus) -> Version | None:
        """The version of the thread that ended last, among those with one of these statuses."""
        query = (
            select(Version)
            .where(Version.thread_id == thread_id, Version.status.in_(status))
            .order_by(Version.ended_at.desc(), Version.number.desc())
            .limit(1)
        )
        async with self._read() as session:
            return await session.scalar(query)

    async def history(self, version_id: int | None) -> list[Turn]:
        """The turns that led to a version, the first draft first; [] for None.

        They begin behind the last one whose text was deleted.
        """
        turns: list[Turn] = []
        async with self._read() as session:
            while version_id is not None:
                version = await session.get_one(Version, version_id)
                if turns and not version.text:
                    turns[-1] = Turn(None, turns[-1].text)
                    break
                job = await session.get_one(Job, version.job_id)
                turns.append(Turn(job.instruction, version.text))
                version_id = job.parent_id
        return turns[::-1]

    async def save_text(self, version_id: int, text: str) -> None:
        """What the filter has released of a version so far; committed before it is shown."""
        async with self._write() as session:
            await session.execute(_of_one_that_stands(version_id).values(text=text))

    async def stop(self, version_id: int) -> bool:
        """End a version that is being written. False if it had ended."""
        writing = Version.status == VersionStatus.WRITING
        query = update(Version).where(Version.id == version_id, writing)
        query = query.values(status=VersionStatus.STOPPED, ended_at=now())
        async with self._write() as session:
            return await session.scalar(query.returning(Version.id)) is not None

    async def end_version(self, version_id: int, status: VersionStatus, **facts: Any) -> Version:
        """A version is over, with what is known of it (text, model, tokens, seconds, rules).

        A deleted one stays so, and nothing is kept of its text.
        """
        ended = _of_one_that_stands(version_id)
        async with self._write() as session:
            if status is VersionStatus.DELETED:
                facts["text"] = ""
                held = update(Hold).where(Hold.version_id == version_id)
                await session.execute(held.values(sealed=""))
            await session.execute(ended.values(status=status, ended_at=now(), **facts))
        return await self.version(version_id)

    async def record_post(self, version_id: int, part: int, channel: str, ts: str) -> None:
        """A Slack message shows this part of the version."""
        async with self._write() as session:
            await session.merge(Message(channel=channel, ts=ts, version_id=version_id, part=part))

    async def parts(self, version_id: int) -> list[str]:
        """The ts of the messages that show the version, in order."""
        query = select(Message.ts).where(Message.version_id == version_id).order_by(Message.part)
        async with self._read() as session:
            return list(await session.scalars(query))


def _of_one_that_stands(version_id: int) -> Update:
    """An update of a version that nobody has deleted, while it is written or afterwards."""
    stands = Version.status != VersionStatus.DELETED
    return update(Version).where(Version.id == version_id, stands)
