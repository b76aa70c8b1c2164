"""The loop that listens to the worker: the drafts of one job, written side by side."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace

import structlog

from bot.drafting.jobs.at_work import waiting
from bot.drafting.jobs.draft_writer import DraftWriter, draft_writer
from bot.drafting.jobs.job_context import Away, Refusal
from bot.drafting.jobs.job_run import JobRun
from bot.drafting.jobs.personal import personal
from bot.drafting.jobs.prompt import Conversation
from bot.drafting.jobs.stops import AllStopped, Stops
from bot.drafting.origin import count
from bot.drafting.slack_port import NotThere, Place
from bot.drafting.sources import Material
from bot.messages import Sentence, sentence, sentences
from bot.store import HistoryStep, JobStatus, VersionStatus
from inference.client import Delta, EngineRefused, EngineUnavailable, Sampling, Usage
from safety import NOTHING, Stage

log = structlog.get_logger(__name__)

TOO_LONG_FOR_MODEL = "context_length_exceeded"
# A request on which the worker dies again and again must not be asked for ever.
ENGINE_DEATHS = 5
# Seconds before a worker that is up but takes nothing (its queue is full) is asked again.
ENGINE_PAUSE = 1.0
# Seconds for a worker that is up to say so.
READY_SECONDS = 0.5


class Generation:
    """What is written for one job, by one request to the worker. One use."""

    def __init__(self, run: JobRun, place: Place, materials: Sequence[Material] = ()) -> None:
        self._run = run
        self._place = place
        self._materials = materials
        self._drafts: list[DraftWriter] = []
        self._stops = Stops(lambda: [draft.version.id for draft in self._running])
        self._heard = False

    async def write(self, turns: Sequence[HistoryStep]) -> None:
        """Write what is not written yet. Raises Refusal where it cannot be, Away: try it again."""
        queue, job_id = self._run.context.queue, self._run.job.id
        # Its place is kept while a full or a starting worker is asked again.
        queue.enter(job_id)
        try:
            if self._run.again:
                await self._show_endings()
            await self._write(turns)
        except AllStopped:
            await self._end_all(VersionStatus.STOPPED)
        except Away:
            raise
        except (Refusal, NotThere):
            await self._end_all(VersionStatus.FAILED)
            raise
        except Exception:
            if self._run.is_last_try:
                await self._end_all(VersionStatus.FAILED)
            raise
        finally:
            queue.leave(job_id)
            await self._abandon()

    def stop(self, version_id: int) -> None:
        """End a version that a person stopped."""
        self._stops.add(version_id)

    async def _write(self, turns: Sequence[HistoryStep]) -> None:
        deadline = asyncio.get_running_loop().time() + self._run.context.settings.worker_patience
        again, deaths = self._run.again, 0
        while deaths < ENGINE_DEATHS:
            await self._open(again)
            if not self._drafts:
                return None
            again, self._heard = True, False
            try:
                return await self._request(turns)
            except EngineUnavailable:
                deaths += self._heard
                await self._wait_for_worker(deadline)
        raise Refusal(sentence("worker_missing"), JobStatus.FAILED)

    async def _open(self, again: bool) -> None:
        """Open the drafts that are not written; a try before may have left some open."""
        for draft in self._running:
            if draft.version.id in self._stops:
                await draft.end(VersionStatus.STOPPED)
        await self._abandon()
        for version in await self._run.context.store.ensure_versions(self._run.job):
            if version.status is VersionStatus.WRITING:
                draft = await draft_writer(self._run, self._place, version, again=again)
                self._drafts.append(draft)
                await draft.message.open()

    async def _request(self, turns: Sequence[HistoryStep]) -> None:
        """Ask with all that there is, or with as much of it as the model holds."""
        run = self._run
        conversation = Conversation(
            run.recipe,
            run.thread.brief,
            run.options,
            turns,
            run.job.instruction,
            self._materials,
            await personal(run),
            voice=run.told_voice,
            today=run.job.created_at.date(),
        )
        while True:
            try:
                return await self._listen(conversation)
            except EngineRefused as refused:
                shorter = conversation.shorter()
                if refused.code != TOO_LONG_FOR_MODEL or shorter is None:
                    raise await self._refusal(refused) from None
                conversation = shorter

    async def _listen(self, conversation: Conversation) -> None:
        """Send one request and take its answer to the end.

        Raises EngineUnavailable, EngineRefused, AllStopped.
        """
        context, job = self._run.context, self._run.job
        async with waiting(self._run, self._place) as end_wait:
            tokens: int | None = None
            model = next(iter(await context.engine.models()), None)
            sampling = Sampling(**self._run.options.sampling)
            chat = context.engine.chat(
                conversation.messages(), sampling, model=model, request=job.name
            )
            async with aclosing(chat) as stream:
                while item := await self._stops.unless_all(lambda: anext(stream, None)):
                    if not self._heard:
                        self._heard = True
                        context.queue.leave(job.id)
                        end_wait()
                        await self._tell_left_out(conversation.materials)
                    if isinstance(item, Usage):
                        tokens = item.completion_tokens
                    else:
                        await self._take(item, model)
                    if not self._running:
                        return
            # Usage counts the tokens of all samples together: only one sample can wait for it.
            for draft in self._running:
                if draft.finish_reason is None:
                    raise EngineUnavailable("the stream ended early")
                await draft.finish(model, tokens)

    async def _take(self, delta: Delta, model: str | None) -> None:
        draft = next((d for d in self._running if d.version.sample == delta.index), None)
        if draft is None:
            return
        if draft.version.id in self._stops:
            await draft.end(VersionStatus.STOPPED)
            return
        await draft.take(delta.text)
        if draft.stopped:
            # Nobody told us: what was said by a click is in the store.
            await draft.end(VersionStatus.STOPPED)
            return
        draft.finish_reason = delta.finish_reason
        if delta.finish_reason and self._run.job.n > 1 and not draft.over:
            await draft.finish(model, delta.tokens)

    async def _tell_left_out(self, materials: Sequence[Material]) -> None:
        for material in materials:
            if material.left_out and material.is_new:
                await self._run.tell(await self._left_out(material), place=self._place)

    async def _left_out(self, material: Material) -> Sentence:
        """Say what the model was not given; of messages that is kept too, for "Why this?"."""
        kept, origin = len(material.text), material.origin
        used = count(material.text)
        if origin is None or used == origin.messages:
            name = NOTHING if origin else material.name
            return sentences.left_out(name, kept, kept + material.left_out)
        known = replace(origin, kept=used).to_dict()
        await self._run.context.store.save_origin(material.source_id, known)
        return sentence("thread_left_out", kept=used, messages=origin.messages)

    async def _wait_for_worker(self, deadline: float) -> None:
        """Return when it answers again. Raises Refusal at the deadline, AllStopped."""
        log.warning("worker away", job=self._run.job.name)
        engine = self._run.context.engine
        try:
            # A worker that is up has its queue full.
            await engine.wait_ready(READY_SECONDS)
            await self._tell_of_wait("busy", sentence("worker_busy"))
        except EngineUnavailable:
            await self._tell_of_wait("away", sentence("worker_starting"))
        left = deadline - asyncio.get_running_loop().time()
        try:
            if left <= 0:
                raise EngineUnavailable
            await self._stops.unless_all(lambda: engine.wait_ready(left))
        except EngineUnavailable:
            raise Refusal(sentence("worker_missing"), JobStatus.FAILED) from None
        await self._stops.unless_all(lambda: asyncio.sleep(ENGINE_PAUSE))

    async def _tell_of_wait(self, why: str, said: Sentence) -> None:
        """Say it once for this job, however often it is run."""
        run = self._run
        about = f"{why}-{run.job.id}"
        if await run.context.store.record_notice(run.thread.id, run.job.requester, about):
            await run.tell(said, place=self._place)

    async def _refusal(self, refused: EngineRefused) -> Refusal:
        verdict = await self._run.judge(refused.sentence, Stage.OUTPUT)
        said = sentences.model_refused(verdict.text) if verdict.text else sentence("failed")
        return Refusal(said, JobStatus.REFUSED)

    async def _show_endings(self) -> None:
        """Show what ended before a crash, and tell it: perhaps neither was done to the end."""
        context = self._run.context
        for ended in await context.store.ensure_versions(self._run.job):
            version = ended
            if version.status in (VersionStatus.WRITING, VersionStatus.DELETED):
                continue
            if version.status is VersionStatus.HELD and context.reviews:
                version = await context.reviews.settle(self._run.job, version)
            draft = await draft_writer(self._run, self._place, version, again=True)
            self._drafts.append(draft)
            await draft.message.open()
            await draft.show_end()
            await draft.tell_end()

    async def _end_all(self, status: VersionStatus) -> None:
        """Commit all endings before the first is shown: showing one may fail."""
        running = self._running
        for draft in running:
            await draft.commit_end(status)
        for draft in running:
            await draft.show_end()

    async def _abandon(self) -> None:
        """Let no task write on: also of drafts whose end is committed and could not be shown."""
        drafts, self._drafts = self._drafts, []
        await asyncio.gather(*(draft.abandon() for draft in drafts))

    @property
    def _running(self) -> list[DraftWriter]:
        return [draft for draft in self._drafts if not draft.over]
