"""Queries about what is usual in a channel."""

from bot.store.models import ChannelSettings, now
from bot.store.transactions import Transactions


class ChannelSettingsQueries(Transactions):
    """What the people of a channel decided for all drafts that are asked for there."""

    async def shows_best(self, channel: str) -> bool:
        """Say whether drafts of this channel are written in the background, and one is shown."""
        async with self._read() as session:
            found = await session.get(ChannelSettings, channel)
            return found is not None and found.best

    async def set_shows_best(self, channel: str, best: bool, user: str) -> bool:
        """Decide it for a channel. Return False if it was so."""
        return await self._beside_others(lambda: self._decide(channel, best, user))

    async def _decide(self, channel: str, best: bool, user: str) -> bool:
        async with self._write(urgent=True) as session:
            found = await session.get(ChannelSettings, channel, with_for_update=True)
            if (found is not None and found.best) == best:
                return False
            chosen = ChannelSettings(channel=channel, best=best, changed_by=user, changed_at=now())
            await session.merge(chosen)
            return True
