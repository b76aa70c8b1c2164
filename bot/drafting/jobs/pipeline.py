"""The way of one job: screened, headed, written. It may be run again from any point of it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from bot.drafting.jobs.at_work import (
    begin_work,
    end_work,
    forget_work,
    leave_work,
    say_it_goes_on,
    show_away,
)
from bot.drafting.jobs.delivery import deliver
from bot.drafting.jobs.generation import Generation
from bot.drafting.jobs.job_context import MOST_EPOCHS, Away, JobContext, Refusal
from bot.drafting.jobs.job_run import JobRun, Settled
from bot.drafting.jobs.revealing import show_best
from bot.drafting.jobs.screening import screen
from bot.drafting.jobs.thread_header import open_thread
from bot.drafting.slack_port import NotThere, Place, SlackRefused, where
from bot.drafting.voice.house_voice import house_voice
from bot.messages import Sentence, sentence
from bot.store import DELIVERIES, RESTING, HistoryStep, Job, JobStatus, LeaseLost, VersionStatus

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended; `forget` what was asked, and the sources that it `drops`."""

    status: JobStatus
    forget: bool = False
    drops: Sequence[int] = ()


class JobPipeline:
    """One run of a job, from its first check to its last message."""

    def __init__(self, job: Job, context: JobContext, settled: Settled) -> None:
        """Prepare a run. `settled(job_id)` returns when another job is not running (any more)."""
        self._job = job
        self._context = context.fenced_by(job)
        self._settled = settled
        self._run: JobRun | None = None
        self._generation: Generation | None = None

    async def run(self) -> None:
        """Do what is left of the job.

        Raises Away: run it again later; LeaseLost: others run it; an error of ours while it may be
        tried again.
        """
        store = self._context.store
        run = JobRun(self._context, self._job, await store.get_thread(self._job.thread_id))
        self._run = run
        try:
            await self._to_its_end(run)
        except asyncio.CancelledError:
            await leave_work(run)
            raise
        except LeaseLost:
            forget_work(run)
            raise
        except Away:
            await show_away(run)
            raise

    async def say_it_goes_on(self) -> None:
        """Tell whoever waits for a draft that a restart cut this run off. Best effort."""
        if self._run is not None:
            await say_it_goes_on(self._run)

    async def _to_its_end(self, run: JobRun) -> None:
        outcome = await self._outcome(run)
        rests = await end_work(run)
        if outcome.status in RESTING:
            await self._context.store.release_job(self._job)
        else:
            await self._context.store.end_job(
                run.job.id, outcome.status, forget=outcome.forget, drops=outcome.drops
            )
        if not rests:
            # Two bots that end at once have each seen the other at work.
            await leave_work(run)

    def stop(self, version_id: int) -> None:
        """End a version that a person stopped."""
        if self._generation:
            self._generation.stop(version_id)

    async def _outcome(self, run: JobRun) -> Outcome:
        """Run the job and tell its requester what stopped it."""
        try:
            await run.begin()
            if run.job.epoch > MOST_EPOCHS:
                raise Refusal(sentence("failed"), JobStatus.FAILED)
            if run.job.kind in DELIVERIES:
                await deliver(run, self._settled)
            else:
                await self._write(run)
        except Refusal as refusal:
            if refusal.status is JobStatus.WAITING:
                # Before it is said: the invitation may come at once.
                await run.context.store.end_job(run.job.id, JobStatus.WAITING)
            if refusal.sentence is not None:
                await run.tell(refusal.sentence, refusal.buttons)
            return Outcome(refusal.status, refusal.forget, refusal.drops)
        except NotThere as gone:
            await run.tell(_why_gone(gone))
            return Outcome(JobStatus.FAILED)
        except Away:
            raise
        except Exception as error:
            if not run.is_last_try:
                raise
            log.error("job failed", job=run.job.name, error=where(error))
            await run.tell(sentence("failed"))
            return Outcome(JobStatus.FAILED)
        return Outcome(JobStatus.DONE)

    async def _write(self, run: JobRun) -> None:
        asked, materials = await screen(run)
        run.voice = await house_voice(run.context.store, run.thread, run.job.created_at)
        turns = await turns_before(run, self._settled)
        place = await open_thread(run, asked)
        await begin_work(run, place, asked)
        self._generation = Generation(run, place, materials)
        await self._generate(run, place, turns)
        await show_best(run, place)
        await end_work(run)
        await offer_emoji(run, place)

    async def _generate(self, run: JobRun, place: Place, turns: Sequence[HistoryStep]) -> None:
        """Write the drafts. What is finished of a job that fails is shown all the same."""
        assert self._generation is not None
        try:
            await self._generation.write(turns)
        except (*Away, NotThere):
            raise
        except Exception as error:
            if isinstance(error, Refusal) or run.is_last_try:
                await show_best(run, place)
            raise


def _why_gone(gone: NotThere) -> Sentence:
    if gone.archived:
        return sentence("archived")
    if gone.no_conversation:
        return sentence("no_conversation")
    return sentence("may_not_post" if gone.restricted else "thread_gone")


async def turns_before(run: JobRun, settled: Settled) -> Sequence[HistoryStep]:
    """Return the turns that led to the version that is refined. Raises Refusal if it has no text.

    Where that version is still being written, this waits for its end.
    """
    store, parent_id = run.context.store, run.job.parent_id
    parent = None if parent_id is None else await store.get_version(parent_id)
    if parent is not None and parent.status is VersionStatus.WRITING:
        await settled(parent.job_id)
    if not run.again and await store.is_given_up(run.job.id):
        # Stopped before anything of it was to be seen.
        raise Refusal(None, JobStatus.DONE)
    if parent is None:
        return []
    turns = await store.get_history(parent.id)
    if not turns[-1].text:
        raise Refusal(sentence("nothing_to_refine"), JobStatus.REFUSED)
    return turns


async def offer_emoji(run: JobRun, place: Place) -> None:
    """Put the emoji that regenerates under each finished draft, for one click."""
    emoji, store = run.context.settings.offered_emoji, run.context.store
    for version in await store.ensure_versions(run.job):
        if emoji and version.status is VersionStatus.FINISHED and not version.hidden:
            try:
                # One that was hidden until now has no message yet.
                for last in (await store.list_posts(version.id))[-1:]:
                    await run.context.slack.react(place.channel, last, emoji)
            except SlackRefused as refused:
                log.error("emoji not offered", emoji=emoji, error=str(refused))
