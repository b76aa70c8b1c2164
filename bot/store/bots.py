"""Queries about the bots that live on this database, and about the jobs that they run."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, delete, exists, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.metrics import TAKEOVERS
from bot.store.models import Job, JobStatus, LivingBot, Version, VersionStatus
from bot.store.moments import Moment
from bot.store.transactions import Transactions

# A lease that nothing ends but the process: SQLite's file has one bot, which holds it by a lock.
FOR_EVER = 100 * 365 * 86400.0
# A bot that came back would take its own job a second time; before that, its jobs are its own.
ORPHANED_SECONDS = 60.0


class OtherKey(Exception):
    """A bot that lives on this database has another AUDIT_KEY."""


@dataclass(frozen=True, slots=True)
class Living:
    """How many bots live, and whether this one is the oldest of them."""

    bots: int
    oldest: bool


class BotQueries(Transactions):
    """Bots and their leases; who runs which job."""

    async def join(self, bot: str, key_print: str, seconds: float) -> Living:
        """Begin a bot's lease. Raises OtherKey.

        On SQLite all others are dead: whoever joins holds the lock of its file.
        """
        alone = not self.is_shared
        over = LivingBot.lease_until < Moment()
        async with self._write() as session:
            await self._lock_all(session)
            await session.execute(delete(LivingBot).where(LivingBot.id != bot if alone else over))
            others = select(LivingBot.id).where(LivingBot.key_print != key_print)
            if await session.scalar(others.limit(1)) is not None:
                raise OtherKey
            until = Moment(FOR_EVER if alone else seconds)
            known = update(LivingBot).where(LivingBot.id == bot).values(lease_until=until)
            if await session.scalar(known.returning(LivingBot.id)) is None:
                begun = insert(LivingBot).values(
                    id=bot, key_print=key_print, started_at=Moment(), lease_until=until
                )
                await session.execute(begun)
        return await self.living(bot)

    async def living(self, bot: str) -> Living:
        """Return how many bots live."""
        alive = select(LivingBot.id).where(LivingBot.lease_until > Moment())
        async with self._read() as session:
            ids = (await session.scalars(alive.order_by(LivingBot.started_at, LivingBot.id))).all()
        return Living(max(len(ids), 1), not ids or ids[0] == bot)

    async def renew(self, bot: str, seconds: float) -> bool:
        """Renew a bot's lease; False if others have forgotten it: it has to join again."""
        query = update(LivingBot).where(LivingBot.id == bot).values(lease_until=Moment(seconds))
        async with self._write(urgent=True) as session:
            return await session.scalar(query.returning(LivingBot.id)) is not None

    async def give_back(self, bot: str) -> None:
        """Give back what a bot ran, for others to take at once."""
        async with self._write() as session:
            await self._give_back(session, bot)

    async def _give_back(self, session: AsyncSession, bot: str) -> None:
        await session.execute(update(Job).where(Job.owner == bot).values(owner=None))
        await self._signal(session, "free")

    async def leave(self, bot: str) -> None:
        """End a bot's lease, and give back what it ran."""
        async with self._write() as session:
            await session.execute(delete(LivingBot).where(LivingBot.id == bot))
            await self._give_back(session, bot)

    async def claim_jobs(self, bot: str, most: int, running: Collection[int]) -> Sequence[Job]:
        """Take open jobs that nobody runs, the oldest first, each with a new epoch.

        `running`: what this bot runs already.
        """
        free = _is_free(bot, running)
        async with self._read() as session:
            if not await session.scalar(select(exists().where(free))):
                return []
        # PostgreSQL: two bots that look at once take different jobs.
        found = select(Job.id, Job.owner).where(free).order_by(Job.id).limit(most)
        async with self._write() as session:
            owners = (await session.execute(found.with_for_update(skip_locked=True, of=Job))).all()
            claim = update(Job).where(Job.id.in_([row.id for row in owners]))
            jobs = await session.scalars(
                claim.values(owner=bot, epoch=Job.epoch + 1).returning(Job),
                execution_options={"synchronize_session": False},
            )
            taken = sorted(jobs.all(), key=lambda job: job.id)
        # What was given back, or reopened, is taken from nobody.
        TAKEOVERS.inc(sum(row.owner not in (None, bot) for row in owners))
        return taken

    async def release_job(self, job: Job) -> None:
        """Give a job back, if this run still has it: it rests, or another bot goes on with it."""
        mine = and_(Job.id == job.id, Job.owner == job.owner, Job.epoch == job.epoch)
        async with self._write() as session:
            await session.execute(update(Job).where(mine).values(owner=None))
            await self._signal(session, "free")

    async def count_failure(self, job_id: int) -> int:
        """Count a run that ended by an error of ours; return how many did."""
        query = update(Job).where(Job.id == job_id).values(failures=Job.failures + 1)
        async with self._write() as session:
            return int(await session.scalar(query.returning(Job.failures)) or 0)

    async def list_stopped(self, job_ids: Collection[int]) -> Sequence[Version]:
        """Return the versions of these jobs that are stopped or deleted."""
        ended = Version.status.in_((VersionStatus.STOPPED, VersionStatus.DELETED))
        query = select(Version).where(Version.job_id.in_(job_ids), ended)
        async with self._read() as session:
            return (await session.scalars(query)).all()

    async def others_work_in(self, thread_id: int, job: Job) -> bool:
        """Say whether a bot other than the job's owner runs a job in this thread."""
        theirs = and_(
            Job.thread_id == thread_id,
            Job.id != job.id,
            Job.status == JobStatus.OPEN,
            Job.owner != job.owner,
            _lives(),
        )
        async with self._read() as session:
            return bool(await session.scalar(select(exists().where(theirs))))


def _lives() -> ColumnElement[bool]:
    """Match jobs whose owner lives."""
    return exists().where(LivingBot.id == Job.owner, LivingBot.lease_until > Moment())


def _is_free(bot: str, running: Collection[int]) -> ColumnElement[bool]:
    """Match open jobs that no living bot runs.

    Also those of the bot itself that it does not run: their commit took effect and its answer was
    lost.
    """
    lost = and_(
        Job.owner == bot,
        Job.id.not_in(running),
        func.coalesce(Job.ended_at, Job.created_at) < Moment(-ORPHANED_SECONDS),
    )
    return and_(Job.status == JobStatus.OPEN, or_(Job.owner.is_(None), ~_lives(), lost))
