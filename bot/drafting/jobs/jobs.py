"""The owner of running jobs: a task each, tried again while Slack or the store is away."""

import asyncio
from collections.abc import Callable

import structlog

from bot.drafting.jobs.job_context import Away
from bot.drafting.jobs.pipeline import JobPipeline, Settled
from bot.drafting.slack_port import where
from bot.store import Job, JobStatus, Store, StoreUnavailable

log = structlog.get_logger(__name__)

MakePipeline = Callable[[Job, Settled], JobPipeline]

# Seconds between tries while Slack or the database is away; the last repeats for six hours.
BACKOFF = (1.0, 3.0, 10.0, 30.0, 60.0)
LAST_TRIES = 6 * 60


class Jobs:
    """Every running job of this process."""

    def __init__(self, store: Store, make_pipeline: MakePipeline) -> None:
        """Start with no job. `make_pipeline(job, settled)` is called for each run of a job."""
        self._store = store
        self._make_pipeline = make_pipeline
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._pipelines: dict[int, JobPipeline] = {}
        self._draining = False

    @property
    def running(self) -> int:
        """How many jobs run now."""
        return len(self._tasks)

    def start(self, job: Job) -> None:
        """Run a committed job, or once more after its present run.

        While draining it stays in the store, for the next start.
        """
        if self._draining:
            return
        if running := self._tasks.get(job.id):
            running.add_done_callback(lambda _: self.start(job))
            return
        task = asyncio.create_task(self._run(job), name=job.name)
        self._tasks[job.id] = task
        task.add_done_callback(lambda _: self._tasks.pop(job.id))

    async def recover(self) -> None:
        """Go on with what an earlier process left open."""
        for job in await self._store.list_jobs(JobStatus.OPEN):
            log.info("job resumed", job=job.name)
            self.start(job)

    def stop(self, job_id: int, version_id: int) -> None:
        """End a version, if it is being written here."""
        if pipeline := self._pipelines.get(job_id):
            pipeline.stop(version_id)

    async def settled(self, job_id: int) -> None:
        """Return when this job is not running (any more)."""
        if task := self._tasks.get(job_id):
            await asyncio.wait([task])

    async def drain(self, seconds: float) -> None:
        """Take nothing new; let running jobs end; leave the rest to the next start."""
        self._draining = True
        if not self._tasks:
            return
        _, left = await asyncio.wait(list(self._tasks.values()), timeout=seconds)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _run(self, job: Job) -> None:
        # What people asked for is acked first.
        await self._store.quiet()
        for delay in (*BACKOFF, *[BACKOFF[-1]] * LAST_TRIES):
            pipeline = self._pipelines[job.id] = self._make_pipeline(job, self.settled)
            try:
                return await pipeline.run()
            except Away as away:
                log.warning("job waits", job=job.name, away=type(away).__name__, seconds=delay)
            except Exception as error:
                log.error("job broken", job=job.name, error=where(error))
                break
            finally:
                del self._pipelines[job.id]
            await asyncio.sleep(delay)
        # Not even its end could be said; open, it would count against its requester for ever.
        try:
            await self._store.end_job(job.id, JobStatus.FAILED)
        except StoreUnavailable:
            log.error("job left open", job=job.name)
        return None
