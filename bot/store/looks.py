"""Queries about what people look at beside the app."""

from datetime import datetime, timedelta

from bot.store.models import LookedAt, now
from bot.store.transactions import Transactions

# Whoever left Slack open yesterday means something else today.
LOOKS_KEPT = timedelta(days=1)


class LookQueries(Transactions):
    """The channel that each person looked at last."""

    async def record_look(self, user: str, channel: str | None, at: datetime) -> None:
        """Record what a person looks at since then; an older delivery changes nothing."""
        async with self._write() as session:
            known = await session.get(LookedAt, user, with_for_update=True)
            if known is None:
                session.add(LookedAt(user=user, channel=channel, at=at))
            elif known.at <= at:
                known.channel, known.at = channel, at

    async def find_look(self, user: str) -> str | None:
        """Return the channel that a person looked at last, within a day."""
        async with self._read() as session:
            known = await session.get(LookedAt, user)
        return known.channel if known and known.at > now() - LOOKS_KEPT else None
