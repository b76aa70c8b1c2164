"""The queries. Each method is one transaction; what it returns is detached: never change it."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Self

from sqlalchemy import ColumnElement, Select, and_, delete, func, or_, select, update
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from bot.store.engine import LOCK_SECONDS, connect, migrate
from bot.store.models import (
    ERRANDS,
    Hold,
    HoldStatus,
    Job,
    JobKind,
    JobStatus,
    Message,
    SeenEvent,
    Source,
    Thread,
    Version,
    VersionStatus,
    now,
)
from bot.store.turns import Turns

# Slack redelivers within the hour; a day leaves room for clocks that disagree.
EVENTS_KEPT = timedelta(days=1)


class StoreUnavailable(Exception):
    """The database did not answer, or is locked: nothing was written; try again later."""


class TooManyRunning(Exception):
    """This person's running requests are at the limit."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One step of a version's history: what was asked, and the text that came of it."""

    instruction: str | None
    text: str


class Store:
    """Everything that survives a crash."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        # A server takes many writers.
        self._turns = Turns(LOCK_SECONDS) if engine.dialect.name == "sqlite" else None
        self._reader = async_sessionmaker(engine, expire_on_commit=False)
        self._writer = async_sessionmaker(
            engine.execution_options(writes=True), expire_on_commit=False
        )

    @classmethod
    async def open(cls, url: str) -> Self:
        """Connect and migrate. Raises StoreUnavailable."""
        engine = connect(url)
        try:
            await migrate(engine)
        except (DBAPIError, OSError) as error:
            await engine.dispose()
            raise StoreUnavailable(type(error).__name__) from error
        return cls(engine)

    async def close(self) -> None:
        """Give the connections back."""
        await self._engine.dispose()

    # Requests

    async def add(
        self,
        job: Job,
        *,
        key: str,
        limit: int,
        thread: Thread | None = None,
        sources: Sequence[Source] = (),
        adopt: Sequence[str] = (),
    ) -> Job | None:
        """Commit a job, with its new thread if it begins one. None: this `key` was seen already.

        `sources` come with it; `adopt` are the keys of those that wait for their thread.

        None as well for a version that is being regenerated, or was accepted so: one wish joins
        the other.
        Raises TooManyRunning when its requester has `limit` open jobs, StoreUnavailable.
        """
        try:
            async with self._write(hurry=True) as session:
                session.add(SeenEvent(key=key))
                await session.flush()
                if await _runs_again(session, job.again_id) or await _accepted(session, job):
                    return None
                if job.kind not in ERRANDS and await _open_jobs(session, job.requester) >= limit:
                    raise TooManyRunning
                if thread is not None:
                    session.add(thread)
                    await session.flush()
                    job.thread_id = thread.id
                session.add(job)
                await session.flush()
                await _give_sources(session, job, sources, adopt)
        except IntegrityError:
            return None
        return job

    async def job(self, job_id: int) -> Job:
        """The job as it stands now."""
        async with self._read() as session:
            return await session.get_one(Job, job_id)

    async def origin(self, job: Job) -> Job:
        """The job itself, or the one whose request it repeats."""
        async with self._read() as session:
            while job.again_id is not None:
                version = await session.get_one(Version, job.again_id)
                job = await session.get_one(Job, version.job_id)
        return job

    async def find_job(self, job_id: int) -> Job | None:
        """The job with this id, if there is one (any more)."""
        async with self._read() as session:
            return await session.get(Job, job_id)

    async def first_job(self, thread_id: int) -> Job:
        """The job that began the thread."""
        query = select(Job).where(Job.thread_id == thread_id).order_by(Job.id).limit(1)
        async with self._read() as session:
            return (await session.scalars(query)).one()

    async def jobs(self, status: JobStatus, *, channel: str | None = None) -> Sequence[Job]:
        """Jobs with this status, in the order of their coming; of one channel if given."""
        query = select(Job).where(Job.status == status).order_by(Job.id)
        if channel is not None:
            query = query.join(Thread, Thread.id == Job.thread_id).where(_is_in(channel))
        async with self._read() as session:
            return (await session.scalars(query)).all()

    async def tried(self, job_id: int, language: str) -> tuple[int, str]:
        """Count a try: how many there were before it, and the language of the first."""
        first = func.coalesce(Job.language, language)
        query = update(Job).where(Job.id == job_id).values(tries=Job.tries + 1, language=first)
        async with self._write(hurry=True) as session:
            tries, kept = (await session.execute(query.returning(Job.tries, Job.language))).one()
            return tries - 1, kept or language

    async def end(self, job_id: int, status: JobStatus, *, forget: bool = False) -> None:
        """The job rests or is over; `forget`: what it asked is not kept."""
        async with self._write() as session:
            job = await session.get_one(Job, job_id)
            job.status, job.ended_at = status, now()
            if forget:
                await _ask(session, job_id, "")

    async def reopen(self, job_id: int) -> bool:
        """A waiting job goes on. False if it was not waiting (any more)."""
        async with self._write() as session:
            return await _reopened(session, job_id)

    async def first(self, key: str) -> bool:
        """Remember a delivery that made no job; False if it was seen before."""
        try:
            async with self._write(hurry=True) as session:
                session.add(SeenEvent(key=key))
        except IntegrityError:
            return False
        return True

    async def forget(self) -> None:
        """Delete keys of events that Slack will not deliver again, and sources nobody wanted."""
        old = now() - EVENTS_KEPT
        unwanted = delete(Source).where(Source.thread_id.is_(None), Source.created_at < old)
        async with self._write() as session:
            await session.execute(delete(SeenEvent).where(SeenEvent.at < old))
            await session.execute(unwanted)

    # Threads

    async def thread(self, thread_id: int) -> Thread:
        """The thread with this id."""
        async with self._read() as session:
            return await session.get_one(Thread, thread_id)

    async def thread_at(self, channel: str, root_ts: str) -> Thread | None:
        """The thread under this root message, if it is one of ours; the last one begun there."""
        query = select(Thread).where(Thread.channel == channel, Thread.root_ts == root_ts)
        query = query.order_by(Thread.id.desc()).limit(1)
        async with self._read() as session:
            return await session.scalar(query)

    async def recent_threads(self, requester: str, most: int) -> Sequence[Thread]:
        """The threads of a person that stand, the newest first."""
        query = select(Thread).where(Thread.requester == requester, Thread.root_ts.is_not(None))
        async with self._read() as session:
            return (await session.scalars(query.order_by(Thread.id.desc()).limit(most))).all()

    async def mute(self, thread_id: int, muted: bool) -> None:
        """Whether replies in the thread are passed over."""
        await self._update(Thread, thread_id, muted=muted)

    async def placed(self, thread_id: int, channel: str) -> None:
        """A text that is drafted in private has its place."""
        await self._update(Thread, thread_id, channel=channel)

    async def headed(self, thread_id: int, ts: str) -> None:
        """The message below a person's root stands, which says how the drafts stand."""
        await self._update(Thread, thread_id, head_ts=ts)

    async def rooted(self, thread_id: int, ts: str) -> None:
        """The thread's root message stands."""
        await self._update(Thread, thread_id, root_ts=ts)

    async def move(self, job: Job, channel: str) -> bool:
        """A waiting job goes on in another channel. False if it was not waiting (any more)."""
        async with self._write() as session:
            if not await _reopened(session, job.id):
                return False
            place = update(Thread).where(Thread.id == job.thread_id)
            await session.execute(place.values(channel=channel))
            return True

    # Versions

    async def begin(self, job: Job) -> Sequence[Version]:
        """The job's versions; numbered and made when it has none yet."""
        query = select(Version).where(Version.job_id == job.id).order_by(Version.sample)
        async with self._write() as session:
            # PostgreSQL: two jobs of one thread must not take the same number.
            await session.get_one(Thread, job.thread_id, with_for_update=True)
            if made := (await session.scalars(query)).all():
                return made
            numbers = select(func.max(Version.number)).where(Version.thread_id == job.thread_id)
            last = await session.scalar(numbers) or 0
            versions = [
                Version(thread_id=job.thread_id, job_id=job.id, number=last + 1 + i, sample=i)
                for i in range(job.n)
            ]
            session.add_all(versions)
        return versions

    async def version(self, version_id: int) -> Version:
        """The version with this id."""
        async with self._read() as session:
            return await session.get_one(Version, version_id)

    async def find_version(self, version_id: int) -> Version | None:
        """The version with this id, if there is one (any more)."""
        async with self._read() as session:
            return await session.get(Version, version_id)

    async def version_at(self, channel: str, ts: str) -> Version | None:
        """The version that this Slack message shows."""
        query = (
            select(Version)
            .join(Message, Message.version_id == Version.id)
            .where(Message.channel == channel, Message.ts == ts)
        )
        async with self._read() as session:
            return await session.scalar(query)

    async def versions(self, thread_id: int) -> Sequence[Version]:
        """All versions of a thread, by their numbers."""
        query = select(Version).where(Version.thread_id == thread_id).order_by(Version.number)
        async with self._read() as session:
            return (await session.scalars(query)).all()

    async def writing(
        self,
        *,
        thread_id: int | None = None,
        requester: str | None = None,
        channel: str | None = None,
    ) -> Sequence[Version]:
        """Versions that are being written: of a thread, of a person, in a channel."""
        query = select(Version).join(Job, Job.id == Version.job_id)
        query = query.join(Thread, Thread.id == Version.thread_id).order_by(Version.id)
        wanted = {Version.thread_id: thread_id, Job.requester: requester}
        for column, value in wanted.items():
            if value is not None:
                query = query.where(column == value)
        if channel is not None:
            query = query.where(_is_in(channel))
        async with self._read() as session:
            writing = query.where(Version.status == VersionStatus.WRITING)
            return (await session.scalars(writing)).all()

    async def unbegun(
        self,
        *,
        requester: str | None = None,
        channel: str | None = None,
        thread_id: int | None = None,
        status: JobStatus = JobStatus.OPEN,
    ) -> Sequence[Job]:
        """Jobs that have no version yet: of a person, in a channel, of a thread."""
        versions = select(Version.job_id).where(Version.job_id == Job.id)
        query = select(Job).join(Thread, Thread.id == Job.thread_id).order_by(Job.id)
        query = query.where(Job.status == status, ~versions.exists())
        if requester is not None:
            query = query.where(Job.requester == requester)
        if channel is not None:
            query = query.where(_is_in(channel))
        if thread_id is not None:
            query = query.where(Job.thread_id == thread_id)
        async with self._read() as session:
            return (await session.scalars(query)).all()

    async def is_given_up(self, job_id: int) -> bool:
        """Whether its versions were ended before anything of them was written."""
        query = select(Version.status).where(Version.job_id == job_id)
        async with self._read() as session:
            statuses = set(await session.scalars(query))
        return bool(statuses) and VersionStatus.WRITING not in statuses

    async def pieces(self, version_id: int) -> list[Version]:
        """A version, and before it those that it continues, the first one first."""
        pieces: list[Version] = []
        async with self._read() as session:
            while True:
                pieces.insert(0, await session.get_one(Version, version_id))
                job = asked = await session.get_one(Job, pieces[0].job_id)
                while asked.again_id is not None:
                    again = await session.get_one(Version, asked.again_id)
                    asked = await session.get_one(Job, again.job_id)
                if asked.kind is not JobKind.CONTINUE or job.parent_id is None:
                    return pieces
                version_id = job.parent_id

    async def accepted(self, version_id: int) -> None:
        """This version is the text."""
        await self._update(Version, version_id, accepted_at=now())

    async def last_version(self, thread_id: int, *status: VersionStatus) -> Version | None:
        """The version of the thread that ended last, among those with one of these statuses."""
        query = (
            select(Version)
            .where(Version.thread_id == thread_id, Version.status.in_(status))
            .order_by(Version.ended_at.desc(), Version.number.desc())
            .limit(1)
        )
        async with self._read() as session:
            return await session.scalar(query)

    async def history(self, version_id: int | None) -> list[Turn]:
        """The turns that led to a version, the first draft first; [] for None."""
        turns: list[Turn] = []
        async with self._read() as session:
            while version_id is not None:
                version = await session.get_one(Version, version_id)
                job = await session.get_one(Job, version.job_id)
                turns.append(Turn(job.instruction, version.text))
                version_id = job.parent_id
        return turns[::-1]

    async def released(self, version_id: int, text: str) -> None:
        """What the filter has released of a version so far; committed before it is shown."""
        await self._update(Version, version_id, text=text)

    async def stop(self, version_id: int) -> bool:
        """End a version that is being written. False if it had ended."""
        writing = Version.status == VersionStatus.WRITING
        query = update(Version).where(Version.id == version_id, writing)
        query = query.values(status=VersionStatus.STOPPED, ended_at=now())
        async with self._write() as session:
            return await session.scalar(query.returning(Version.id)) is not None

    async def ended(self, version_id: int, status: VersionStatus, **facts: Any) -> Version:
        """A version is over, with what is known of it (text, model, tokens, seconds, rules)."""
        await self._update(Version, version_id, status=status, ended_at=now(), **facts)
        return await self.version(version_id)

    # Sources

    async def keep(self, key: str, thread_id: int | None, sources: Sequence[Source]) -> bool:
        """Keep sources without a job. False: this `key` was seen already."""
        try:
            async with self._write(hurry=True) as session:
                session.add(SeenEvent(key=key))
                await session.flush()
                for source in sources:
                    source.thread_id = thread_id
                session.add_all(sources)
        except IntegrityError:
            return False
        return True

    async def read_source(self, source_id: int, name: str, text: str, left_out: int) -> None:
        """A file was read."""
        await self._update(Source, source_id, name=name, text=text, left_out=left_out)

    async def drop_source(self, source_id: int) -> None:
        """A file that gives no text: what comes later is not to fail by it again."""
        async with self._write() as session:
            await session.execute(delete(Source).where(Source.id == source_id))

    async def sources(self, job: Job) -> Sequence[Source]:
        """What a job is based on, in the order of its coming: all that was there when it came.

        One that asks once more is based on what the first was.
        """
        query = select(Source).where(Source.thread_id == job.thread_id).order_by(Source.id)
        origin = await self.origin(job)
        async with self._read() as session:
            there = query.where(Source.created_at <= origin.created_at)
            return (await session.scalars(there)).all()

    # Review

    async def hold(self, hold: Hold, *, sources: Sequence[Source] = (), **facts: Any) -> None:
        """Keep a text for the reviewers; its job, or its version, rests. Once for each.

        Nowhere else is it kept meanwhile: neither what was asked nor the `sources` that came with
        it. `facts` are what is known of the version (model, tokens, seconds, rules).
        """
        async with self._write() as session:
            if await session.scalar(_hold_of(hold.job_id, hold.version_id)) is not None:
                return
            session.add(hold)
            if hold.version_id is None:
                await _ask(session, hold.job_id, "")
                ids = [source.id for source in sources]
                await session.execute(delete(Source).where(Source.id.in_(ids)))
                rests = update(Job).where(Job.id == hold.job_id).values(status=JobStatus.HELD)
            else:
                rests = update(Version).where(Version.id == hold.version_id)
                rests = rests.values(status=VersionStatus.HELD, text="", ended_at=now(), **facts)
            await session.execute(rests)

    async def hold_of(self, job_id: int, version_id: int | None = None) -> Hold | None:
        """The hold on what a job asks, or on one of its versions."""
        async with self._read() as session:
            return await session.scalar(_hold_of(job_id, version_id))

    async def authors(self, thread_id: int) -> set[str]:
        """Everybody who had a hand in a thread: asked for something, or brought a source."""
        asked = select(Job.requester).where(Job.thread_id == thread_id)
        began = select(Thread.requester).where(Thread.id == thread_id)
        wrote = select(Source.author).where(Source.thread_id == thread_id)
        async with self._read() as session:
            found = await session.scalars(asked.union(began, wrote))
            return {author for author in found if author is not None}

    async def hold_with(self, hold_id: int) -> Hold | None:
        """The hold with this id."""
        async with self._read() as session:
            return await session.get(Hold, hold_id)

    async def holds(self) -> Sequence[Hold]:
        """Those that wait for a decision, and those whose decision is not carried out yet."""
        query = select(Hold).where(Hold.sealed != "").order_by(Hold.id)
        async with self._read() as session:
            return (await session.scalars(query)).all()

    async def carded(self, hold_id: int, ts: str) -> None:
        """The reviewers' card stands."""
        await self._update(Hold, hold_id, card_ts=ts)

    async def decide(self, hold_id: int, status: HoldStatus, reviewer: str | None) -> bool:
        """Decide about a pending hold, so that its job goes on. False if it was not pending."""
        query = update(Hold).where(Hold.id == hold_id, Hold.status == HoldStatus.PENDING)
        query = query.values(status=status, reviewer=reviewer)
        async with self._write() as session:
            job_id = await session.scalar(query.returning(Hold.job_id))
            if job_id is None:
                return False
            again = update(Job).where(Job.id == job_id)
            await session.execute(again.values(status=JobStatus.OPEN, ended_at=None))
            return True

    async def resume(self, job_id: int) -> None:
        """A job that ended has more to do: a decision came while it ran."""
        await self._update(Job, job_id, status=JobStatus.OPEN, ended_at=None)

    async def unseal(self, job: Job, asked: str, sources: Sequence[Source]) -> None:
        """What was held goes back to its place; once, even if it is tried again."""
        there = select(Source.key).where(Source.thread_id == job.thread_id)
        async with self._write() as session:
            await _ask(session, job.id, asked)
            known = set(await session.scalars(there))
            for source in sources:
                if source.key not in known:
                    source.thread_id, source.job_id = job.thread_id, job.id
                    session.add(source)

    async def reword(self, job: Job, text: str) -> None:
        """What was asked, after something was taken out of it."""
        async with self._write() as session:
            await _ask(session, job.id, text)

    async def settle(self, hold: Hold, status: VersionStatus | None = None, **facts: Any) -> None:
        """The decision is carried out: the text is no longer kept here."""
        async with self._write() as session:
            await session.execute(update(Hold).where(Hold.id == hold.id).values(sealed=""))
            if hold.version_id is not None:
                ended = update(Version).where(Version.id == hold.version_id)
                await session.execute(ended.values(status=status, ended_at=now(), **facts))

    # Messages

    async def posted(self, version_id: int, part: int, channel: str, ts: str) -> None:
        """A Slack message shows this part of the version."""
        async with self._write() as session:
            await session.merge(Message(channel=channel, ts=ts, version_id=version_id, part=part))

    async def parts(self, version_id: int) -> list[str]:
        """The ts of the messages that show the version, in order."""
        query = select(Message.ts).where(Message.version_id == version_id).order_by(Message.part)
        async with self._read() as session:
            return list(await session.scalars(query))

    async def _update(
        self, record: type[Thread | Job | Version | Hold | Source], id_: int, **values: Any
    ) -> None:
        async with self._write() as session:
            await session.execute(update(record).where(record.id == id_).values(**values))

    @asynccontextmanager
    async def _read(self) -> AsyncIterator[AsyncSession]:
        with _translated():
            async with self._reader() as session:
                yield session

    @asynccontextmanager
    async def _write(self, *, hurry: bool = False) -> AsyncIterator[AsyncSession]:
        """`hurry`: Slack waits for it, or somebody who has seen nothing yet."""
        with _translated():
            turn = self._turns.turn(hurry=hurry) if self._turns else nullcontext()
            async with turn, self._writer.begin() as session:
                yield session


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (IntegrityError, DataError, ProgrammingError):
        raise
    except (DBAPIError, PoolTimeout, OSError) as error:
        # The error's own text holds the statement's parameters: users' words.
        raise StoreUnavailable(type(error).__name__) from None


def _hold_of(job_id: int, version_id: int | None) -> Select[Hold]:
    return select(Hold).where(Hold.job_id == job_id, Hold.version_id == version_id)


async def _reopened(session: AsyncSession, job_id: int) -> bool:
    query = update(Job).where(Job.id == job_id, Job.status == JobStatus.WAITING)
    query = query.values(status=JobStatus.OPEN, ended_at=None)
    return await session.scalar(query.returning(Job.id)) is not None


async def _ask(session: AsyncSession, job_id: int, words: str) -> None:
    """Other words for what a job asks; of a job that asks once more they stand elsewhere."""
    job = await session.get_one(Job, job_id)
    if job.instruction is not None:
        job.instruction = words
    elif job.kind is JobKind.DRAFT:
        (await session.get_one(Thread, job.thread_id)).brief = words


async def _give_sources(
    session: AsyncSession, job: Job, sources: Sequence[Source], adopt: Sequence[str]
) -> None:
    for source in sources:
        source.thread_id, source.job_id = job.thread_id, job.id
    session.add_all(sources)
    if adopt:
        waiting = update(Source).where(Source.key.in_(adopt), Source.thread_id.is_(None))
        await session.execute(waiting.values(thread_id=job.thread_id, job_id=job.id))


def _is_in(channel: str) -> ColumnElement[bool]:
    """Threads of a channel, those among them that are drafted in private for it."""
    return or_(Thread.channel == channel, Thread.post_to == channel)


async def _runs_again(session: AsyncSession, version_id: int | None) -> bool:
    """Whether a version is being regenerated."""
    if version_id is None:
        return False
    # PostgreSQL: two wishes that come at once must see each other.
    await session.get_one(Version, version_id, with_for_update=True)
    resting = (JobStatus.WAITING, JobStatus.HELD)
    unended = or_(Job.status.in_(resting), and_(Job.status == JobStatus.OPEN, _to_be_written()))
    query = select(func.count()).where(Job.again_id == version_id, unended)
    return bool(await session.scalar(query))


async def _accepted(session: AsyncSession, job: Job) -> bool:
    """Whether the version that this job accepts goes, or went, the same way already."""
    if job.kind is not JobKind.ACCEPT:
        return False
    assert job.parent_id is not None
    await session.get_one(Version, job.parent_id, with_for_update=True)
    going = (JobStatus.OPEN, JobStatus.WAITING, JobStatus.DONE)
    query = select(Job).where(Job.kind == JobKind.ACCEPT, Job.parent_id == job.parent_id)
    others = await session.scalars(query.where(Job.status.in_(going)))
    wish = (job.sampling, job.requester if job.sampling.get("way") == "person" else None)
    return any(wish == (o.sampling, wish[1] and o.requester) for o in others)


def _to_be_written() -> ColumnElement[bool]:
    """Jobs that have no version yet, or one that is being written."""
    versions = select(Version.id).where(Version.job_id == Job.id)
    writing = versions.where(Version.status == VersionStatus.WRITING)
    return or_(~versions.exists(), writing.exists())


async def _open_jobs(session: AsyncSession, requester: str) -> int:
    query = select(func.count()).where(Job.requester == requester, Job.status == JobStatus.OPEN)
    query = query.where(Job.kind.not_in(ERRANDS), _to_be_written())
    return await session.scalar(query) or 0
