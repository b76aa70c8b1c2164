"""Who may change a draft, and who may stop or delete it."""

from bot.drafting.drafting_settings import Refiners
from bot.errors import UserError
from bot.messages import sentence
from bot.store import Store, Thread, Version


class Rights:
    """What people may do with drafts, of those whose requests are taken at all."""

    def __init__(self, store: Store, refiners: Refiners) -> None:
        """`refiners`: whose replies change drafts, as the setting says."""
        self._store = store
        self._refiners = refiners

    def is_heard(self, thread: Thread, user: str, *, mentioned: bool) -> bool:
        """Say whether a reply is an instruction; `mentioned`: it names the bot."""
        heard = {"anyone": True, "mention": mentioned, "requester": user == thread.requester}
        return heard[self._refiners]

    async def check_change(self, version: Version, user: str) -> None:
        """Raise UserError if this person's clicks do not change a version, nor accept it."""
        if self._refiners == "requester":
            await self.check_requester(version, user)

    async def check_requester(self, version: Version, user: str) -> None:
        """Raise UserError if others asked for a version, and began its thread."""
        if not await self.is_requester(version, user):
            raise UserError(sentence("only_requester"))

    async def is_requester(self, version: Version, user: str) -> bool:
        """Say whether a person asked for a version, or began its thread."""
        job = await self._store.get_job(version.job_id)
        thread = await self._store.get_thread(version.thread_id)
        return user in (job.requester, thread.requester)
