"""Queries about what readers think of drafts."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from bot.store.models import Feedback, FeedbackReason, SeenEvent, Version, VersionStatus, now
from bot.store.transactions import Transactions


class FeedbackQueries(Transactions):
    """The thumbs on versions, one of each reader."""

    async def rate_version(self, version_id: int, user: str, good: bool, key: str) -> bool:
        """Record a thumb; a reader's last one counts. False: `key` was seen, or the draft is gone.

        Another thumb than before takes back what the reader said about that one.
        """
        try:
            async with self._write(urgent=True) as session:
                session.add(SeenEvent(key=key))
                await session.flush()
                if not await _stands(session, version_id):
                    return False
                found = await _find(session, version_id, user)
                if found is None:
                    session.add(Feedback(version_id=version_id, user=user, good=good))
                    return True
                if found.good != good:
                    found.reason, found.words = None, ""
                found.good, found.at = good, now()
        except IntegrityError:
            return False
        return True

    async def explain_rating(
        self, version_id: int, user: str, reason: FeedbackReason, words: str
    ) -> None:
        """Record why a reader's thumb is down, if it still is."""
        async with self._write(urgent=True) as session:
            if not await _stands(session, version_id):
                return
            found = await _find(session, version_id, user)
            if found is not None and not found.good:
                found.reason, found.words = reason, words

    async def list_feedback(self) -> Sequence[Feedback]:
        """Return all feedback with the ids of its versions, the oldest first."""
        async with self._read() as session:
            return (await session.scalars(select(Feedback).order_by(Feedback.id))).all()


async def _stands(session: AsyncSession, version_id: int) -> bool:
    # Locked: what is said about a draft must not come in while the draft is deleted.
    version = await session.get(Version, version_id, with_for_update=True)
    return version is not None and version.status is not VersionStatus.DELETED


async def _find(session: AsyncSession, version_id: int, user: str) -> Feedback | None:
    query = select(Feedback).where(Feedback.version_id == version_id, Feedback.user == user)
    return await session.scalar(query)
