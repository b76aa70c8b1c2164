"""The one way in for jobs: committed under the key of the delivery, then started."""

import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from bot.drafting.jobs.jobs import Jobs
from bot.errors import UserError
from bot.messages import sentence
from bot.store import Job, JobKind, Source, Store, Thread, TooManyRunning, Version
from bot.store.models import now

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Invocation:
    """Who asked, where, and the key by which a second delivery of the same request is known.

    `at`: when, by Slack's clock; by ours where Slack does not say.
    """

    user: str
    team: str
    channel: str
    key: str
    response_url: str | None = None
    at: datetime = field(default_factory=now, compare=False)


class Intake:
    """Takes in what people ask for."""

    def __init__(
        self, store: Store, jobs: Jobs, limit: int, *, waits: Callable[[Job], None]
    ) -> None:
        """Take jobs into the store. `limit`: running requests of one person.

        `waits` is told of each job that this bot does not begin.
        """
        self._waits = waits
        self._store = store
        self._jobs = jobs
        self._limit = limit

    async def begin(
        self,
        job: Job,
        invocation: Invocation,
        thread: Thread | None = None,
        *,
        sources: Sequence[Source] = (),
        adopt: Sequence[str] = (),
    ) -> bool:
        """Commit a job and start it, once for each key; False: it came before, or joins another.

        `adopt`: the keys of sources that wait. Raises UserError, StoreUnavailable.
        """
        job.asked_at = invocation.at
        job.owner = self._jobs.owner
        job.epoch = int(job.owner is not None)
        try:
            begun = await self._store.add_job(
                job, invocation.key, self._limit, thread, sources=sources, adopt=adopt
            )
        except TooManyRunning:
            raise UserError(sentence("too_many", limit=self._limit)) from None
        if begun is None:
            return False
        self._jobs.start(begun)
        if begun.owner is None:
            self._waits(begun)
        return True

    async def first(self, invocation: Invocation) -> bool:
        """Say whether a request that makes no job comes for the first time."""
        return await self._store.record_event(invocation.key)

    async def once(self, invocation: Invocation, work: Callable[[], Awaitable[T]]) -> T | None:
        """Do what makes no job; None: it was done, and must not undo what came later.

        It is recorded when it is done: what a crash or an error cuts short, Slack delivers again.
        """
        key = f"{invocation.key}-at-once"
        if await self._store.knows_event(key):
            return None
        done = await work()
        await self._store.record_event(key)
        return done


def delivery(
    kind: JobKind, version: Version, invocation: Invocation, way: str | None = None
) -> Job:
    """Build a job that writes nothing: `way` is all that it has to know."""
    return Job(
        kind=kind,
        requester=invocation.user,
        sampling={"n": 0, **({"way": str(way)} if way else {})},
        thread_id=version.thread_id,
        parent_id=version.id,
        response_url=invocation.response_url,
    )


def new_seed() -> int:
    """Return a seed that nobody chose."""
    return secrets.randbelow(2**31)
