"""Threads: where drafts stand, and where what they are based on is kept."""

from collections.abc import Sequence

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError

from bot.store.conditions import origin, reopened
from bot.store.models import Job, SeenEvent, Source, Thread
from bot.store.transactions import Transactions


class ThreadQueries(Transactions):
    """Threads and their sources."""

    async def thread(self, thread_id: int) -> Thread:
        """The thread with this id."""
        async with self._read() as session:
            return await session.get_one(Thread, thread_id)

    async def thread_at(self, channel: str, root_ts: str) -> Thread | None:
        """The thread under this root message, if it is one of ours; the last one begun there."""
        query = select(Thread).where(Thread.channel == channel, Thread.root_ts == root_ts)
        query = query.order_by(Thread.id.desc()).limit(1)
        async with self._read() as session:
            return await session.scalar(query)

    async def recent_threads(self, requester: str, most: int) -> Sequence[Thread]:
        """The threads of a person that stand, the newest first."""
        query = select(Thread).where(Thread.requester == requester, Thread.root_ts.is_not(None))
        async with self._read() as session:
            return (await session.scalars(query.order_by(Thread.id.desc()).limit(most))).all()

    async def mute(self, thread_id: int, muted: bool) -> None:
        """Whether replies in the thread are passed over."""
        await self._update(Thread, thread_id, muted=muted)

    async def set_channel(self, thread_id: int, channel: str) -> None:
        """A text that is drafted in private has its place."""
        await self._update(Thread, thread_id, channel=channel)

    async def set_head(self, thread_id: int, ts: str) -> None:
        """The message below a person's root stands, which says how the drafts stand."""
        await self._update(Thread, thread_id, head_ts=ts)

    async def set_root(self, thread_id: int, ts: str) -> None:
        """The thread's root message stands."""
        await self._update(Thread, thread_id, root_ts=ts)

    async def move(self, job: Job, channel: str) -> bool:
        """A waiting job goes on in another channel. False if it was not waiting (any more)."""
        async with self._write() as session:
            if not await reopened(session, job.id):
                return False
            place = update(Thread).where(Thread.id == job.thread_id)
            await session.execute(place.values(channel=channel))
            return True

    async def keep(self, key: str, thread_id: int | None, sources: Sequence[Source]) -> bool:
        """Keep sources without a job. False: this `key` was seen already."""
        try:
            async with self._write(hurry=True) as session:
                session.add(SeenEvent(key=key))
                await session.flush()
                for source in sources:
                    source.thread_id = thread_id
                session.add_all(sources)
        except IntegrityError:
            return False
        return True

    async def read_source(self, source_id: int, name: str, text: str, left_out: int) -> None:
        """A file was read."""
        await self._update(Source, source_id, name=name, text=text, left_out=left_out)

    async def drop_source(self, source_id: int) -> None:
        """A file that gives no text: what comes later is not to fail by it again."""
        async with self._write() as session:
            await session.execute(delete(Source).where(Source.id == source_id))

    async def sources(self, job: Job) -> Sequence[Source]:
        """What a job is based on, in the order of its coming: all that was there when it came.

        One that asks once more is based on what the first was.
        """
        query = select(Source).where(Source.thread_id == job.thread_id).order_by(Source.id)
        async with self._read() as session:
            first = await origin(session, job)
            there = query.where(Source.created_at <= first.created_at)
            return (await session.scalars(there)).all()
