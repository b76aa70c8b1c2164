"""Queries about texts that wait for a reviewer."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, delete, select, update

from bot.store.conditions import set_request
from bot.store.heads import mark_version_head_due
from bot.store.models import (
    Hold,
    HoldStatus,
    Job,
    JobStatus,
    Source,
    Thread,
    Version,
    VersionStatus,
    now,
)
from bot.store.transactions import Transactions


class HoldQueries(Transactions):
    """Held texts, and the decisions about them."""

    async def add_hold(self, hold: Hold, *, sources: Sequence[Source] = (), **facts: Any) -> None:
        """Keep a text for the reviewers, once for each job or version, which rests meanwhile.

        The request and the `sources` that came with it are deleted everywhere else. `facts` are
        columns of the version (model, tokens, seconds, rules).
        """
        async with self._write() as session:
            if await session.scalar(_hold_of(hold.job_id, hold.version_id)) is not None:
                return
            if hold.version_id is not None:
                version = await session.get_one(Version, hold.version_id)
                if version.status is VersionStatus.DELETED:
                    return
            session.add(hold)
            if hold.version_id is None:
                await set_request(session, hold.job_id, "")
                ids = [source.id for source in sources]
                await session.execute(delete(Source).where(Source.id.in_(ids)))
                rests = update(Job).where(Job.id == hold.job_id).values(status=JobStatus.HELD)
            else:
                rests = update(Version).where(Version.id == hold.version_id)
                rests = rests.values(status=VersionStatus.HELD, text="", ended_at=now(), **facts)
                await mark_version_head_due(session, hold.version_id)
            await session.execute(rests)

    async def find_hold_on(self, job_id: int, version_id: int | None = None) -> Hold | None:
        """Find the hold on what a job asks, or on one of its versions."""
        async with self._read() as session:
            return await session.scalar(_hold_of(job_id, version_id))

    async def list_authors(self, thread_id: int) -> set[str]:
        """Return everybody who asked for something in a thread, or brought a source."""
        asked = select(Job.requester).where(Job.thread_id == thread_id)
        began = select(Thread.requester).where(Thread.id == thread_id)
        wrote = select(Source.author).where(Source.thread_id == thread_id)
        said = select(Source.origin).where(Source.thread_id == thread_id)
        async with self._read() as session:
            found = await session.scalars(asked.union(began, wrote))
            origins = filter(None, await session.scalars(said))
            authors = [*found, *(author for origin in origins for author in origin["authors"])]
            return {author for author in authors if author}

    async def find_hold(self, hold_id: int) -> Hold | None:
        """Return the hold with this id, if there is one."""
        async with self._read() as session:
            return await session.get(Hold, hold_id)

    async def list_open_holds(self) -> Sequence[Hold]:
        """Return the holds without a decision."""
        pending = (Hold.sealed != "", Hold.status == HoldStatus.PENDING)
        query = select(Hold).where(*pending).order_by(Hold.id)
        async with self._read() as session:
            return (await session.scalars(query)).all()

    async def record_card(self, hold_id: int, ts: str) -> None:
        """Record the message in which the reviewers decide."""
        await self._update(Hold, hold_id, card_ts=ts)

    async def decide_hold(self, hold_id: int, status: HoldStatus, reviewer: str | None) -> bool:
        """Decide a pending hold and reopen its job. Return False if it was not pending."""
        query = update(Hold).where(Hold.id == hold_id, Hold.status == HoldStatus.PENDING)
        query = query.values(status=status, reviewer=reviewer)
        async with self._write() as session:
            job_id = await session.scalar(query.returning(Hold.job_id))
            if job_id is None:
                return False
            again = update(Job).where(Job.id == job_id)
            await session.execute(again.values(status=JobStatus.OPEN, ended_at=now()))
            await self._signal(session, "free")
            return True

    async def restore_request(self, job: Job, asked: str, sources: Sequence[Source]) -> None:
        """Put a held request and its sources back; a second try adds nothing."""
        there = select(Source.key).where(Source.thread_id == job.thread_id)
        async with self._write() as session:
            await set_request(session, job.id, asked)
            known = set(await session.scalars(there))
            for source in sources:
                if source.key not in known:
                    source.thread_id, source.job_id = job.thread_id, job.id
                    session.add(source)

    async def replace_request(self, job: Job, text: str) -> None:
        """Replace what a job asks, after something was taken out of it."""
        async with self._write() as session:
            await set_request(session, job.id, text)

    async def close_hold(
        self, hold: Hold, status: VersionStatus | None = None, **facts: Any
    ) -> None:
        """Delete the held text: the decision is carried out. End its version, if it has one."""
        async with self._write() as session:
            await session.execute(update(Hold).where(Hold.id == hold.id).values(sealed=""))
            if hold.version_id is not None:
                ended = update(Version).where(Version.id == hold.version_id)
                await session.execute(ended.values(status=status, ended_at=now(), **facts))
                await mark_version_head_due(session, hold.version_id)


def _hold_of(job_id: int, version_id: int | None) -> Select[Hold]:
    return select(Hold).where(Hold.job_id == job_id, Hold.version_id == version_id)
