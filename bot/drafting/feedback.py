"""What readers think of drafts: a thumb, and why it is down."""

from bot.drafting.jobs.intake import Invocation
from bot.drafting.slack_port import People
from bot.errors import UserError
from bot.messages import sentence
from bot.store import FeedbackReason, Store

REASONS = tuple(FeedbackReason)


class DraftFeedback:
    """Keeps what readers think, of each person and version the last. Raises StoreUnavailable."""

    def __init__(self, store: Store, people: People) -> None:
        self._store = store
        self._people = people

    async def rate(self, version_id: int, good: bool, invocation: Invocation) -> bool:
        """Record a thumb. False: this click was recorded before, or the draft is gone.

        Raises UserError for who may not ask, SlackUnavailable.
        """
        if not await self._people.may_ask(invocation.user, invocation.team):
            raise UserError(sentence("not_allowed"))
        return await self._store.rate_version(version_id, invocation.user, good, invocation.key)

    async def explain(self, version_id: int, user: str, reason: str, words: str) -> None:
        """Record why a thumb is down: a reason, words, or both; nothing is fine as well."""
        if reason or words.strip():
            why = FeedbackReason(reason) if reason else FeedbackReason.OTHER
            await self._store.explain_rating(version_id, user, why, words.strip())
