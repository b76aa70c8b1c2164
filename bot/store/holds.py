"""What waits for a reviewer."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.store.conditions import ask
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
    """Held texts and what was decided about them."""

    async def hold(self, hold: Hold, *, sources: Sequence[Source] = (), **facts: Any) -> None:
        """Keep a text for the reviewers; its job, or its version, rests. Once for each.

        Nowhere else is it kept meanwhile: neither what was asked nor the `sources` that came with
        it. `facts` are what is known of the version (model, tokens, seconds, rules).
        """
        async with self._write() as session:
            if await session.scalar(_hold_of(hold.job_id, hold.version_id)) is not None:
                return
            if await _was_deleted(session, hold.version_id):
                return
            session.add(hold)
            if hold.version_id is None:
                await ask(session, hold.job_id, "")
                ids = [source.id for source in sources]
                await session.execute(delete(Source).where(Source.id.in_(ids)))
                rests = update(Job).where(Job.id == hold.job_id).values(status=JobStatus.HELD)
            else:
                rests = update(Version).where(Version.id == hold.version_id)
                rests = rests.values(status=VersionStatus.HELD, text="", ended_at=now(), **facts)
            await session.execute(rests)

    async def hold_of(self, job_id: int, version_id: int | None = None) -> Hold | None:
        """The hold on what a job asks, or on one of its versions."""
        async with self._read() as session:
            return await session.scalar(_hold_of(job_id, version_id))

    async def authors(self, thread_id: int) -> set[str]:
        """Everybody who had a hand in a thread: asked for something, or brought a source."""
        asked = select(Job.requester).where(Job.thread_id == thread_id)
        began = select(Thread.requester).where(Thread.id == thread_id)
        wrote = select(Source.author).where(Source.thread_id == thread_id)
        async with self._read() as session:
            found = await session.scalars(asked.union(began, wrote))
            return {author for author in found if author is not None}

    async def hold_with(self, hold_id: int) -> Hold | None:
        """The hold with this id."""
        async with self._read() as session:
            return await session.get(Hold, hold_id)

    async def holds(self) -> Sequence[Hold]:
        """Those that wait for a decision, and those whose decision is not carried out yet."""
        query = select(Hold).where(Hold.sealed != "").order_by(Hold.id)
        async with self._read() as session:
            return (await session.scalars(query)).all()

    async def record_card(self, hold_id: int, ts: str) -> None:
        """The reviewers' card stands."""
        await self._update(Hold, hold_id, card_ts=ts)

    async def decide(self, hold_id: int, status: HoldStatus, reviewer: str | None) -> bool:
        """Decide about a pending hold, so that its job goes on. False if it was not pending."""
        query = update(Hold).where(Hold.id == hold_id, Hold.status == HoldStatus.PENDING)
        query = query.values(status=status, reviewer=reviewer)
        async with self._write() as session:
            job_id = await session.scalar(query.returning(Hold.job_id))
            if job_id is None:
                return False
            again = update(Job).where(Job.id == job_id)
            await session.execute(again.values(status=JobStatus.OPEN, ended_at=None))
            return True

    async def resume(self, job_id: int) -> None:
        """A job that ended has more to do: a decision came while it ran."""
        await self._update(Job, job_id, status=JobStatus.OPEN, ended_at=None)

    async def unseal(self, job: Job, asked: str, sources: Sequence[Source]) -> None:
        """What was held goes back to its place; once, even if it is tried again."""
        there = select(Source.key).where(Source.thread_id == job.thread_id)
        async with self._write() as session:
            await ask(session, job.id, asked)
            known = set(await session.scalars(there))
            for source in sources:
                if source.key not in known:
                    source.thread_id, source.job_id = job.thread_id, job.id
                    session.add(source)

    async def reword(self, job: Job, text: str) -> None:
        """What was asked, after something was taken out of it."""
        async with self._write() as session:
            await ask(session, job.id, text)

    async def settle(self, hold: Hold, status: VersionStatus | None = None, **facts: Any) -> None:
        """The decision is carried out: the text is no longer kept here."""
        async with self._write() as session:
            await session.execute(update(Hold).where(Hold.id == hold.id).values(sealed=""))
            if hold.version_id is not None:
                ended = update(Version).where(Version.id == hold.version_id)
                await session.execute(ended.values(status=status, ended_at=now(), **facts))


async def _was_deleted(session: AsyncSession, version_id: int | None) -> bool:
    if version_id is None:
        return False
    return (await session.get_one(Version, version_id)).status is VersionStatus.DELETED


def _hold_of(job_id: int, version_id: int | None) -> Select[Hold]:
    return select(Hold).where(Hold.job_id == job_id, Hold.version_id == version_id)
