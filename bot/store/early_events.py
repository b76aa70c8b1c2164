"""Queries about events that came before the message that they are about was recorded."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import delete, or_, select

from bot.store.models import EarlyEvent, Thread, VersionMessage, now
from bot.store.transactions import Transactions

# What is not recorded by then is no message of a draft.
EARLY_KEPT = timedelta(hours=1)


class EarlyEventQueries(Transactions):
    """Events that wait for their message."""

    async def keep_early_event(self, channel: str, ts: str, sealed: str) -> None:
        """Keep an event about the message with this ts, encrypted."""
        async with self._write(urgent=True) as session:
            session.add(EarlyEvent(channel=channel, ts=ts, sealed=sealed))

    async def list_early_events(self) -> Sequence[EarlyEvent]:
        """Return the events whose message is recorded by now, the oldest first."""
        shown = select(VersionMessage.ts).where(
            VersionMessage.channel == EarlyEvent.channel, VersionMessage.ts == EarlyEvent.ts
        )
        begun = select(Thread.id).where(
            Thread.channel == EarlyEvent.channel, Thread.root_ts == EarlyEvent.ts
        )
        query = select(EarlyEvent).where(EarlyEvent.at > now() - EARLY_KEPT)
        due = query.where(or_(shown.exists(), begun.exists())).order_by(EarlyEvent.id)
        async with self._read() as session:
            return (await session.scalars(due)).all()

    async def drop_early_event(self, event_id: int) -> None:
        """Forget an event that was handled."""
        async with self._write() as session:
            await session.execute(delete(EarlyEvent).where(EarlyEvent.id == event_id))
