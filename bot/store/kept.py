"""Queries about what is kept of people beside their threads: typed texts, and what they know."""

from contextlib import suppress
from datetime import datetime

from sqlalchemy import delete, or_, select, update
from sqlalchemy.exc import IntegrityError

from bot.store.heads import mark_head_due
from bot.store.models import KeptText, Notice, Thread, now
from bot.store.transactions import Transactions

# What a person is told once in a thread.
MUTED, GUEST = "muted", "guest"


class KeptQueries(Transactions):
    """Typed texts that wait for their form, and what a person was told in a thread."""

    async def keep_text(self, key: str, owner: str, sealed: str) -> None:
        """Keep a text, encrypted, for a day; it may be kept under this key already."""
        with suppress(IntegrityError):
            async with self._write(urgent=True) as session:
                session.add(KeptText(key=key, owner=owner, sealed=sealed))

    async def find_kept_text(self, key: str, owner: str) -> str | None:
        """Return the encrypted text of this key, if it is this person's."""
        query = select(KeptText.sealed).where(KeptText.key == key, KeptText.owner == owner)
        async with self._read() as session:
            return await session.scalar(query)

    async def drop_kept_text(self, key: str) -> None:
        """Forget the text of this key."""
        async with self._write() as session:
            await session.execute(delete(KeptText).where(KeptText.key == key))

    async def record_notice(self, thread_id: int, person: str, about: str) -> bool:
        """Record that a person is told something in a thread; False if they were told before."""
        try:
            async with self._write(urgent=True) as session:
                session.add(Notice(thread_id=thread_id, person=person, about=about))
        except IntegrityError:
            return False
        return True

    async def set_muted(self, thread_id: int, by: str | None, at: datetime | None = None) -> bool:
        """Record who muted the thread, so that its replies are ignored; None: nobody.

        `at`: when they said so, by default now; False: what was said later holds.

        Whoever muted it need not be told that it is muted; of the others, nobody was told yet.
        """
        at = at or now()
        latest = or_(Thread.muted_at.is_(None), Thread.muted_at <= at)
        muted = update(Thread).where(Thread.id == thread_id, latest)
        muted = muted.values(muted=by is not None, muted_by=by, muted_at=at)
        told = delete(Notice).where(Notice.thread_id == thread_id, Notice.about == MUTED)
        async with self._write() as session:
            if await session.scalar(muted.returning(Thread.id)) is None:
                return False
            await session.execute(told)
            if by is not None:
                session.add(Notice(thread_id=thread_id, person=by, about=MUTED))
            await mark_head_due(session, thread_id)
        return True
