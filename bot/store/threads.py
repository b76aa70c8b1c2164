"""Queries about threads, and about the sources that their drafts are based on."""

from collections.abc import Sequence

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from bot.store.conditions import get_origin
from bot.store.models import Job, SeenEvent, Source, Thread
from bot.store.transactions import Transactions


class ThreadQueries(Transactions):
    """Threads and their sources."""

    async def get_thread(self, thread_id: int) -> Thread:
        """Return the thread with this id."""
        async with self._read() as session:
            return await session.get_one(Thread, thread_id)

    async def find_thread_at(self, channel: str, root_ts: str) -> Thread | None:
        """Find our thread under this root message, the last one begun there."""
        query = select(Thread).where(Thread.channel == channel, Thread.root_ts == root_ts)
        query = query.order_by(Thread.id.desc()).limit(1)
        async with self._read() as session:
            return await session.scalar(query)

    async def list_recent_threads(self, requester: str, most: int) -> Sequence[Thread]:
        """Return the threads of a person that have a root message, the newest first."""
        query = select(Thread).where(Thread.requester == requester, Thread.root_ts.is_not(None))
        async with self._read() as session:
            return (await session.scalars(query.order_by(Thread.id.desc()).limit(most))).all()

    async def set_channel(self, thread_id: int, channel: str) -> None:
        """Record the channel of a text that is drafted in private."""
        await self._update(Thread, thread_id, channel=channel)

    async def set_head(self, thread_id: int, ts: str) -> None:
        """Record the message below a person's root that lists the drafts."""
        await self._update(Thread, thread_id, head_ts=ts)

    async def set_root(self, thread_id: int, ts: str) -> None:
        """Record the root message of the thread."""
        await self._update(Thread, thread_id, root_ts=ts)

    async def add_sources(self, key: str, thread_id: int | None, sources: Sequence[Source]) -> bool:
        """Keep sources without a job. Return False if this `key` was seen already."""
        try:
            async with self._write(urgent=True) as session:
                session.add(SeenEvent(key=key))
                await session.flush()
                for source in sources:
                    source.thread_id = thread_id
                session.add_all(sources)
        except IntegrityError:
            return False
        return True

    async def save_source_text(self, source_id: int, name: str, text: str, left_out: int) -> None:
        """Record the text of a file that was read."""
        await self._update(Source, source_id, name=name, text=text, left_out=left_out)

    async def delete_source(self, source_id: int) -> None:
        """Delete a file that gives no text, so that no later job fails because of it."""
        async with self._write() as session:
            await session.execute(delete(Source).where(Source.id == source_id))

    async def list_sources(self, job: Job) -> Sequence[Source]:
        """Return what a job is based on: all sources that were there when it came, in order.

        A job that repeats another is based on what the first was.
        """
        query = select(Source).where(Source.thread_id == job.thread_id).order_by(Source.id)
        async with self._read() as session:
            first = await get_origin(session, job)
            known = query.where(Source.created_at <= first.created_at)
            return (await session.scalars(known)).all()
