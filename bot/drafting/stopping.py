"""Stopping what is written: one draft, a thread, or all of a person's in a channel."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

from bot.drafting.jobs.jobs import Jobs
from bot.drafting.rights import Rights
from bot.errors import UserError
from bot.messages import sentence
from bot.store import Job, JobStatus, Store, Version

# Slack says when most things were asked for; the rest is by our clock, which may be ahead.
LEEWAY = timedelta(minutes=1)


class Stopping:
    """Ends what is written, and what is about to be. Raises StoreUnavailable."""

    def __init__(self, store: Store, jobs: Jobs, rights: Rights) -> None:
        self._store = store
        self._jobs = jobs
        self._rights = rights

    async def stop(self, version: Version, user: str) -> None:
        """Stop a version that is being written, for its requester. Raises UserError for others."""
        await self._rights.check_requester(version, user)
        await self._stop(version)

    async def stop_thread(self, thread_id: int, user: str, at: datetime) -> None:
        """Stop all that is written, or about to be, in a thread, for its requester.

        `at`, here and below: when they said so; what was asked for later goes on.

        Raises UserError where all of it is other people's.
        """
        versions = await self._writing_in(thread_id, at)
        theirs = [v for v in versions if await self._rights.is_requester(v, user)]
        if versions and not theirs:
            raise UserError(sentence("only_requester"))
        for version in theirs:
            await self._stop(version)

    async def stop_session(self, channel: str, root_ts: str, at: datetime) -> int:
        """Stop all that is written, or about to be, below a message; return how many drafts.

        Whoever clicks Slack's own stop button may: Slack shows it to all who see the thread, and
        has ended the streams before we hear of it. To write on would be to overrule what everybody
        there saw. Our own buttons are for the requester still.
        """
        thread = await self._store.find_thread_at(channel, root_ts)
        if thread is None:
            return 0
        versions = await self._writing_in(thread.id, at)
        for version in versions:
            await self._stop(version)
        return len(versions)

    async def stop_all(self, user: str, channel: str, at: datetime) -> int:
        """Stop all that is written, or waits, for a person in a channel; return how many drafts."""
        theirs = partial(
            self._store.list_jobs_not_begun, requester=user, channel=channel, before=at + LEEWAY
        )
        waiting = await theirs(status=JobStatus.WAITING)
        given_up = [job for job in waiting if await self._store.refuse_waiting(job)]
        await self._begin(await theirs())
        versions = await self._store.list_writing(
            requester=user, channel=channel, before=at + LEEWAY
        )
        for version in versions:
            await self._stop(version)
        return len(versions) + sum(job.n for job in given_up)

    async def _writing_in(self, thread_id: int, at: datetime) -> Sequence[Version]:
        before = at + LEEWAY
        await self._begin(await self._store.list_jobs_not_begun(thread_id=thread_id, before=before))
        return await self._store.list_writing(thread_id=thread_id, before=before)

    async def _begin(self, jobs: Sequence[Job]) -> None:
        """Give jobs their versions, so that these can be stopped."""
        for job in jobs:
            await self._store.ensure_versions(job)

    async def _stop(self, version: Version) -> None:
        if await self._store.stop_version(version.id):
            self._jobs.stop(version.job_id, version.id)
