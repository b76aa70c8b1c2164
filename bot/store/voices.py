"""Queries about the house's voice."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select

from bot.store.models import SavedVoice, now
from bot.store.transactions import Transactions


class VoiceQueries(Transactions):
    """The versions of each voice; the last one counts."""

    async def add_voice(
        self, team: str, channel: str, saved_by: str, says: dict[str, object]
    ) -> SavedVoice:
        """Save a voice as the next version of its place; `channel` "": the whole workspace."""
        numbers = select(func.max(SavedVoice.number)).where(
            SavedVoice.team == team, SavedVoice.channel == channel
        )

        async def add() -> SavedVoice:
            saved = SavedVoice(team=team, channel=channel, saved_by=saved_by, says=says)
            async with self._write(urgent=True) as session:
                saved.number = (await session.scalar(numbers) or 0) + 1
                session.add(saved)
            return saved

        return await self._beside_others(add)

    async def find_voice(
        self, team: str, channel: str, at: datetime | None = None
    ) -> SavedVoice | None:
        """Return the voice of a place as it was at a moment, by default now."""
        query = select(SavedVoice).where(
            SavedVoice.team == team, SavedVoice.channel == channel, SavedVoice.at <= (at or now())
        )
        async with self._read() as session:
            return await session.scalar(query.order_by(SavedVoice.number.desc()).limit(1))

    async def list_voices(self, team: str, channel: str) -> Sequence[SavedVoice]:
        """Return all versions of a place, the first one first."""
        query = select(SavedVoice).where(SavedVoice.team == team, SavedVoice.channel == channel)
        async with self._read() as session:
            return (await session.scalars(query.order_by(SavedVoice.number))).all()
