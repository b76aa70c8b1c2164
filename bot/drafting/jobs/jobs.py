"""The owner of this bot's running jobs: a task each, tried again, taken over, given back."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, nullcontext, suppress

import structlog

from bot.drafting.jobs.job_context import MOST_FAILURES, Away
from bot.drafting.jobs.job_run import Settled
from bot.drafting.jobs.lease import Lease
from bot.drafting.jobs.pipeline import JobPipeline
from bot.drafting.slack_port import resuming, where
from bot.store import Job, JobStatus, LeaseLost, Store, StoreUnavailable
from inference.telemetry import span

log = structlog.get_logger(__name__)

MakePipeline = Callable[[Job, Settled], JobPipeline]

# Seconds between tries while Slack or the database is away; the last repeats for six hours.
BACKOFF = (1.0, 3.0, 10.0, 30.0, 60.0)
LAST_TRIES = 6 * 60
# Seconds before a job that an error of ours ended is tried again.
FAILURE_PAUSES = (1.0, 5.0)
assert len(FAILURE_PAUSES) == MOST_FAILURES - 1
# Taken jobs that run at once: those that people ask for now must not wait behind them.
MOST_TAKEN = 10
# Seconds between two looks at the store: a signal may be lost.
LOOK_SECONDS = 2.0
# Seconds for runs that are cut off to say what they have to say.
CUT_SECONDS = 8.0
# Seconds before a lost connection for signals is opened again; the last repeats.
LISTEN_AGAIN = (1.0, 3.0, 10.0)


class Jobs:
    """Every running job of this process."""

    def __init__(self, store: Store, make_pipeline: MakePipeline, lease: Lease) -> None:
        """Start with no job. `make_pipeline(job, settled)` is called for each run of a job."""
        self._store = store
        self._make_pipeline = make_pipeline
        self._lease = lease
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._pipelines: dict[int, JobPipeline] = {}
        self._taken: set[int] = set()
        self._pausing: set[int] = set()
        self._woken = asyncio.Event()
        self._news = asyncio.Event()
        self._draining = False

    @property
    def running(self) -> int:
        """How many jobs run now."""
        return len(self._tasks)

    @property
    def owner(self) -> str | None:
        """The bot that a new job belongs to; None: whichever takes it, for this one must not."""
        return self._lease.bot if self._lease.is_valid and not self._draining else None

    def start(self, job: Job) -> None:
        """Run a job of this bot's. One that is nobody's waits for whoever takes it."""
        if job.owner is None or self._draining:
            return
        if running := self._tasks.get(job.id):
            # Another bot had it meanwhile: the run before is of an epoch that is over.
            running.cancel()
            running.add_done_callback(lambda _: self.start(job))
            return
        task = asyncio.create_task(self._run(job), name=job.name)
        self._tasks[job.id] = task
        task.add_done_callback(lambda _: self._ended(job.id))

    def wake(self) -> None:
        """Look at once for jobs that nobody runs: one was begun, reopened or given back."""
        self._woken.set()

    async def take(self) -> None:
        """Take over jobs that nobody runs, as far as there is room. Raises StoreUnavailable."""
        room = MOST_TAKEN - len(self._taken - self._pausing)
        if self.owner is None or room <= 0:
            return
        for job in await self._store.claim_jobs(self._lease.bot, room, list(self._tasks)):
            log.info("job taken", job=job.name, epoch=job.epoch)
            self._taken.add(job.id)
            # Somebody waits for what was not begun, and for what was decided or invited just now.
            is_new = job.tries == 0 or job.ended_at is not None
            with nullcontext() if is_new else resuming():
                self.start(job)

    async def watch(self) -> None:
        """Take jobs over and notice stops, for as long as the bot runs."""
        while True:
            self._woken.clear()
            try:
                await self.take()
                await self._notice_stops()
            except StoreUnavailable as away:
                log.warning("jobs not looked for", away=str(away))
            await _within(LOOK_SECONDS, self._woken)

    async def listen(self) -> None:
        """Hear what other bots signal, for as long as the bot runs."""
        clock, failures = asyncio.get_running_loop().time, 0
        while self._store.is_shared:
            began = clock()
            try:
                await self._store.listen(self.hear)
            except StoreUnavailable as away:
                log.warning("signals not heard", away=str(away))
            failures = failures + 1 if clock() - began < LISTEN_AGAIN[-1] else 1
            await asyncio.sleep(LISTEN_AGAIN[min(failures, len(LISTEN_AGAIN)) - 1])

    def hear(self, words: Sequence[str]) -> None:
        """Take a signal of another bot's, or of our own; a word that we do not know is nothing."""
        match words:
            case ["free"]:
                self.wake()
            case ["stop", job_id, version_id]:
                self.stop(int(job_id), int(version_id))
            case ["ended", _]:
                self._tell_news()

    def stop(self, job_id: int, version_id: int) -> None:
        """End a version, if it is being written here."""
        if pipeline := self._pipelines.get(job_id):
            pipeline.stop(version_id)

    async def settled(self, job_id: int) -> None:
        """Return when this job is not running (any more), here or in another bot."""
        if task := self._tasks.get(job_id):
            await asyncio.wait([task])
        while (job := await self._store.find_job(job_id)) and job.status is JobStatus.OPEN:
            await _within(LOOK_SECONDS, self._news)

    async def drain(self, seconds: float) -> None:
        """Take nothing new; let running jobs end; leave the rest to others, or the next start."""
        self._draining = True
        if self._tasks:
            await asyncio.wait(list(self._tasks.values()), timeout=seconds)
            await self.abandon()
        with suppress(StoreUnavailable):
            # Before the connections are closed: others need not wait for that.
            await self._store.give_back(self._lease.bot)

    async def abandon(self) -> None:
        """Cut all runs off: another bot may run their jobs."""
        left = list(self._tasks.values())
        for task in left:
            task.cancel()
        if left:
            # One that does not end writes nothing more: its epoch is over, or the process ends.
            await asyncio.wait(left, timeout=CUT_SECONDS)

    async def _notice_stops(self) -> None:
        if self._tasks and self._store.is_shared:
            for version in await self._store.list_stopped(list(self._tasks)):
                self.stop(version.job_id, version.id)

    async def _run(self, job: Job) -> None:
        """Run a job until it rests or is over."""
        # Every line of the log that this task writes is about the job.
        structlog.contextvars.bind_contextvars(job=job.name)
        store, failures = self._store.fenced_by(job), 0
        # What people asked for is acked first.
        await self._store.quiet()
        for delay in (*BACKOFF, *[BACKOFF[-1]] * LAST_TRIES):
            pause = delay
            pipeline = self._pipelines[job.id] = self._make_pipeline(job, self._settled_for(job))
            try:
                with span("job", job=job.name):
                    async with self._telling_if_cut_off(pipeline):
                        return await pipeline.run()
            except LeaseLost:
                log.info("job taken by others", job=job.name)
                return None
            except Away as away:
                log.warning("job waits", job=job.name, away=type(away).__name__, seconds=delay)
            except Exception as error:
                log.error("job broken", job=job.name, error=where(error))
                failures = await self._count_failure(store, job, failures)
                if failures >= MOST_FAILURES:
                    break
                pause = FAILURE_PAUSES[failures - 1]
            finally:
                del self._pipelines[job.id]
            with self._paused(job.id):
                async with self._telling_if_cut_off(pipeline):
                    await asyncio.sleep(pause)
        # Not even its end could be said; open, it would count against its requester for ever.
        try:
            await store.end_job(job.id, JobStatus.FAILED)
        except StoreUnavailable:
            log.error("job left open", job=job.name)
        return None

    @asynccontextmanager
    async def _telling_if_cut_off(self, pipeline: JobPipeline) -> AsyncIterator[None]:
        try:
            yield
        except asyncio.CancelledError:
            # A lease that lapsed cuts a run off as well: another bot goes on at once.
            if self._draining:
                await pipeline.say_it_goes_on()
            raise

    async def _count_failure(self, store: Store, job: Job, known: int) -> int:
        try:
            return await store.count_failure(job.id)
        except StoreUnavailable:
            return known + 1

    def _settled_for(self, job: Job) -> Settled:
        async def settled(job_id: int) -> None:
            with self._paused(job.id):
                await self.settled(job_id)

        return settled

    @contextmanager
    def _paused(self, job_id: int) -> Iterator[None]:
        """Let others be taken meanwhile: what this job waits for may be one of them."""
        self._pausing.add(job_id)
        self.wake()
        try:
            yield
        finally:
            self._pausing.discard(job_id)

    def _ended(self, job_id: int) -> None:
        del self._tasks[job_id]
        self._taken.discard(job_id)
        self._tell_news()
        # It may have been reopened while it ran; and there is room for another one.
        self.wake()

    def _tell_news(self) -> None:
        """Let those who wait for a job look at it again."""
        self._news.set()
        self._news = asyncio.Event()


async def _within(seconds: float, event: asyncio.Event) -> None:
    """Wait for an event, but not longer than so many seconds."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
