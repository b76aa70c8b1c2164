"""Queries about what people set for their own drafts."""

from collections.abc import Sequence

from sqlalchemy import delete

from bot.store.models import Job, Preferences
from bot.store.transactions import Transactions


class PreferenceQueries(Transactions):
    """What each person chose in the app's home, for themselves alone."""

    async def preferences_of(self, user: str) -> Preferences:
        """Return what a person set; of one who set nothing, preferences that choose nothing."""
        async with self._read() as session:
            return await session.get(Preferences, user) or Preferences(user=user)

    async def save_preferences(self, chosen: Preferences) -> None:
        """Keep what a person set, in the place of what they set before.

        Who had agreed already and agrees still has agreed since then.
        """
        await self._beside_others(lambda: self._replace(chosen))

    async def _replace(self, chosen: Preferences) -> None:
        async with self._write(urgent=True) as session:
            known = await session.get(Preferences, chosen.user, with_for_update=True)
            if known is not None:
                if known.consented_at and chosen.consented_at:
                    chosen.consented_at = known.consented_at
                await session.delete(known)
                await session.flush()
            session.add(chosen)

    async def delete_preferences(self, user: str) -> None:
        """Forget what a person set, and that they agreed to anything."""
        async with self._write(urgent=True) as session:
            await session.execute(delete(Preferences).where(Preferences.user == user))

    async def note_preferred(self, job_id: int, names: Sequence[str]) -> None:
        """Record by name what of its requester's preferences a job was written with."""
        async with self._write() as session:
            job = await session.get_one(Job, job_id, with_for_update=True)
            job.preferred = list(dict.fromkeys([*(job.preferred or []), *names]))
