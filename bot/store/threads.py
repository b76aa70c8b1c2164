"""Queries about threads, and about the sources that their drafts are based on."""

from collections.abc import Sequence
from typing import Any

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

    async def move_thread(self, thread_id: int, channel: str, post_to: str | None) -> None:
        """Record where a text is drafted in private, and where it is posted once it is accepted.

        There it has a root of its own.
        """
        here = {"root_ts": None, "persons_root": False, "others_root": False}
        await self._update(Thread, thread_id, channel=channel, post_to=post_to, **here)

    async def set_head(self, thread_id: int, ts: str, writing: int = 0) -> None:
        """Record the message below a person's root that lists the drafts, `writing` as it says."""
        await self._update(Thread, thread_id, head_ts=ts, head_writing=writing)

    async def set_root(self, thread_id: int, ts: str, writing: int = 0) -> None:
        """Record the root message of the thread, which says that `writing` drafts are written."""
        await self._update(Thread, thread_id, root_ts=ts, head_writing=writing)

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

    async def find_source(self, key: str) -> Source | None:
        """Find a source by its key."""
        async with self._read() as session:
            return await session.scalar(select(Source).where(Source.key == key))

    async def save_read(
        self,
        source: Source,
        text: str,
        left_out: int,
        origin: dict[str, Any],
        files: Sequence[Source],
    ) -> None:
        """Record what was read of messages, once, and `files` as sources beside it.

        Without text the source itself is deleted.
        """
        async with self._write() as session:
            kept = await session.get(Source, source.id, with_for_update=True)
            if kept is None or kept.text:
                return
            for file in files:
                file.thread_id, file.job_id = kept.thread_id, kept.job_id
                file.created_at = kept.created_at
            session.add_all(files)
            if text:
                kept.text, kept.left_out, kept.origin = text, left_out, origin
            else:
                await session.delete(kept)

    async def save_origin(self, source_id: int, origin: dict[str, Any]) -> None:
        """Record what is known of the messages of a source."""
        await self._update(Source, source_id, origin=origin)

    async def list_origins(self, thread_id: int) -> Sequence[dict[str, Any]]:
        """Return where the sources of a thread were read, of those that are messages."""
        query = select(Source.origin).where(Source.thread_id == thread_id).order_by(Source.id)
        async with self._read() as session:
            return [origin for origin in await session.scalars(query) if origin is not None]

    async def delete_source(self, source_id: int) -> None:
        """Delete a source that can be done without, so that nothing waits for it again."""
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
