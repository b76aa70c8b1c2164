"""Accepting a version: who may, where it goes, and once for each way."""

from bot.drafting.destination import Destination, destination_of
from bot.drafting.draft_action import Way
from bot.drafting.jobs.intake import Intake, Invocation, delivery
from bot.drafting.rights import Rights
from bot.errors import UserError
from bot.messages import sentence
from bot.store import STANDING, JobKind, Store, Version


class Acceptance:
    """Takes versions as the text. Raises UserError, StoreUnavailable."""

    def __init__(self, store: Store, intake: Intake, rights: Rights) -> None:
        self._store = store
        self._intake = intake
        self._rights = rights

    async def accept(
        self, version: Version, way: Way, invocation: Invocation, edited: str = ""
    ) -> None:
        """Take this version as the text and send it where `way` says.

        `edited`: what the person made of it, if they changed it.
        """
        await self._check(version, invocation)
        job = delivery(JobKind.ACCEPT, version, invocation, way)
        job.instruction = edited or None
        begun = await self._intake.begin(job, invocation)
        # What somebody wrote is not to be lost without a word.
        if not begun and (edited or version.accepted_at):
            raise UserError(sentence("accepted_already", number=version.number))

    async def destination(self, version: Version) -> Destination:
        """Return where a version goes when it is accepted for everybody."""
        return destination_of(await self._store.get_thread(version.thread_id))

    async def asks_first(self, version: Version, invocation: Invocation) -> Destination | None:
        """Return where one click would post what was drafted in private; None: it may."""
        await self._check(version, invocation)
        where = await self.destination(version)
        return where if where.apart else None

    async def _check(self, version: Version, invocation: Invocation) -> None:
        await self._rights.check_change(version, invocation.user)
        if version.status not in STANDING or not version.text.strip():
            raise UserError(sentence("nothing_to_accept"))
