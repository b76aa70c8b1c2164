"""The drafts of one job, written side by side from one request to the worker."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Any, TypeVar

import structlog

from bot.drafting.brief.options import Options
from bot.drafting.footer import draft_buttons
from bot.drafting.jobs.draft import Draft
from bot.drafting.jobs.job_context import Away, JobContext, Refusal
from bot.drafting.jobs.prompt import Conversation
from bot.drafting.jobs.waiting_status import status
from bot.drafting.reviews import held_as
from bot.drafting.slack_port import Button, NotThere, Place, Shown
from bot.drafting.sources import Material
from bot.messages import Language, Phrase, Sentence, sentence, sentences
from bot.store import HistoryStep, Job, JobKind, JobStatus, Thread, Version, VersionStatus
from inference.client import Delta, EngineRefused, EngineUnavailable, Sampling, Usage
from safety import Action, Blocked, Stage, Verdict

log = structlog.get_logger(__name__)

T = TypeVar("T")
Tell = Callable[[Sentence], Awaitable[None]]

TOO_LONG_FOR_MODEL = "context_length_exceeded"
# A request on which the worker dies again and again must not be asked for ever.
ENGINE_DEATHS = 5
# Seconds before a worker that is up but takes nothing (its queue is full) is asked again.
ENGINE_PAUSE = 1.0
# Seconds for a worker that is up to say so.
READY_SECONDS = 0.5


class AllStopped(Exception):
    """People stopped every draft that was being written."""


class Generation:
    """What is written for one job. One use."""

    def __init__(
        self,
        context: JobContext,
        job: Job,
        thread: Thread,
        place: Place,
        tell: Tell,
        *,
        language: Language,
        materials: Sequence[Material] = (),
    ) -> None:
        """`tell` says a sentence to the requester, whose language is given; it raises only Away."""
        self._context = context
        self._job = job
        self._thread = thread
        self._place = place
        self._tell = tell
        self._language = language
        self._materials = materials
        self._filter = context.filter_for(thread)
        self._recipe = context.recipe(thread.recipe)
        self._options = Options.model_validate(job.sampling)
        self._drafts: list[Draft] = []
        self._stopping: set[int] = set()
        self._waiting: asyncio.Timeout | None = None
        self._heard = False

    async def run(self, turns: list[HistoryStep], *, again: bool) -> None:
        """Write what is not written yet. `again`: an earlier try may have shown some of it.

        Raises Refusal when it cannot be finished, Away when it is to be tried again.
        """
        # Its place is kept while a full or a starting worker is asked again.
        self._context.queue.enter(self._job.id)
        try:
            if again:
                await self._show_endings()
            await self._write(turns, again)
        except AllStopped:
            await self._end_all(VersionStatus.STOPPED)
        except Away:
            raise
        except Exception:
            await self._end_all(VersionStatus.FAILED)
            raise
        finally:
            self._context.queue.leave(self._job.id)
            await self._abandon()

    def stop(self, version_id: int) -> None:
        """A person stopped this version."""
        self._stopping.add(version_id)
        if self._all_stopped and self._waiting and not self._waiting.expired():
            self._waiting.reschedule(0)

    async def _write(self, turns: list[HistoryStep], again: bool) -> None:
        deadline = asyncio.get_running_loop().time() + self._context.patience
        deaths = 0
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

    async def _request(self, turns: list[HistoryStep]) -> None:
        """Ask with all that there is, or with as much of it as the model holds."""
        conversation = Conversation(
            self._recipe,
            self._thread.brief,
            self._options,
            turns,
            self._job.instruction,
            self._materials,
        )
        while True:
            try:
                return await self._listen(conversation)
            except EngineRefused as refused:
                shorter = conversation.shorter()
                if refused.code != TOO_LONG_FOR_MODEL or shorter is None:
                    raise await self._refusal(refused) from None
                conversation = shorter

    async def _show_endings(self) -> None:
        """What ended before a crash may not have been shown, nor said, to the end."""
        for begun in await self._context.store.ensure_versions(self._job):
            if begun.status in (VersionStatus.WRITING, VersionStatus.DELETED):
                continue
            version = await self._settled(begun)
            draft = await self._draft(version, again=True)
            await draft.shown.open()
            await draft.show_end()
            if version.status is VersionStatus.BLOCKED:
                await self._tell(_taken_away(version))
            elif version.status is VersionStatus.HELD:
                await self._tell(sentence("held_draft", number=version.number))
            elif version.status is VersionStatus.FAILED:
                await self._tell(sentence("failed"))

    async def _settled(self, version: Version) -> Version:
        """What became of a held version."""
        if version.status is VersionStatus.HELD and self._context.reviews:
            return await self._context.reviews.settle(self._job, version)
        return version

    async def _open(self, again: bool) -> None:
        await self._end_stopped()
        await self._abandon()
        for version in await self._context.store.ensure_versions(self._job):
            if version.status is VersionStatus.WRITING:
                draft = await self._draft(version, again)
                self._drafts.append(draft)
                await draft.shown.open()

    async def _draft(self, version: Version, again: bool) -> Draft:
        job, context = self._job, self._context
        head, key = await self._head(version), f"version-{version.id}"

        async def posted(part: int, ts: str) -> None:
            await context.store.record_post(version.id, part, self._place.channel, ts)

        held = held_as(await context.store.find_hold_on(job.id, version.id))

        async def judge(text: str) -> Verdict:
            return await self._filter.judge(
                text, Stage.OUTPUT, request=job.name, who=job.requester, held=held
            )

        parts = await context.store.list_posts(version.id)
        if again and not parts and (ts := await self._unrecorded(key, head)):
            await posted(1, ts)
            parts = [ts]
        shown = context.slack.draft(
            self._place,
            head,
            key=key,
            shown=Shown(tuple(parts), len(version.text)) if parts else None,
            on_posted=posted,
        )
        gate = self._filter.gate(request=job.name, who=job.requester)
        return Draft(
            version=version,
            gate=gate,
            shown=shown,
            store=context.store,
            judge=judge,
            seed=self._options.seed,
            n=job.n,
            language=self._language,
            measure=self._length,
            buttons=self._buttons,
        )

    def _buttons(self, version: Version) -> Sequence[Button]:
        job = self._job
        changed = (job.parent_id or job.again_id) is not None and job.kind is not JobKind.CONTINUE
        return draft_buttons(
            version, self._language, translates=self._context.translates, changed=changed
        )

    def _length(self, text: str) -> Sentence | None:
        """How long a draft is, where its network limits that."""
        network = self._options.network or ""
        limit = self._recipe.limits.get(network)
        if limit is None:
            return None
        return sentences.network_length(network, limit.count(text), limit.characters)

    async def _unrecorded(self, key: str, head: Phrase) -> str | None:
        """A message that was posted just before a crash."""
        return await self._context.slack.find(self._place, key=f"{key}/1", head=head)

    async def _head(self, version: Version) -> Phrase:
        async def number(version_id: int | None) -> int | None:
            return (
                (await self._context.store.get_version(version_id)).number if version_id else None
            )

        job = self._job
        head = sentences.draft_head(
            version.number,
            parent=await number(job.parent_id),
            again=await number(job.again_id),
            goes_on=job.kind is JobKind.CONTINUE,
        )
        return head.to(self._language)

    async def _listen(self, conversation: Conversation) -> None:
        """One request, to its end. Raises EngineUnavailable, EngineRefused, AllStopped."""
        queue, job_id = self._context.queue, self._job.id
        async with status(
            self._context.slack, self._place, lambda: queue.before(job_id), self._language
        ) as over:

            def begins() -> None:
                queue.leave(job_id)
                over()

            await self._hear(conversation, begins)

    async def _hear(self, conversation: Conversation, begins: Callable[[], None]) -> None:
        """The answer, from its first word, at which `begins` is called, to its last."""
        tokens: int | None = None
        engine = self._context.engine
        model = next(iter(await engine.models()), None)
        sampling = Sampling(**self._options.sampling)
        async with aclosing(engine.chat(conversation.messages(), sampling, model=model)) as stream:
            while (item := await self._unless_stopped(lambda: anext(stream, None))) is not None:
                if not self._heard:
                    self._heard = True
                    begins()
                    await self._say_left_out(conversation.materials)
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
            await self._finish(draft, model, tokens)

    async def _say_left_out(self, materials: Sequence[Material]) -> None:
        for material in materials:
            if material.left_out and material.is_new:
                kept = len(material.text)
                total = kept + material.left_out
                await self._tell(sentences.left_out(material.name, kept, total))

    async def _take(self, delta: Delta, model: str | None) -> None:
        draft = next((d for d in self._running if d.version.sample == delta.index), None)
        if draft is None:
            return
        if draft.version.id in self._stopping:
            await draft.end(VersionStatus.STOPPED)
            return
        await self._judged(draft, draft.take(delta.text))
        draft.finish_reason = delta.finish_reason
        if delta.finish_reason and self._job.n > 1 and not draft.over:
            await self._finish(draft, model, delta.tokens)

    async def _finish(self, draft: Draft, model: str | None, tokens: int | None) -> None:
        if draft.held is None:
            await self._judged(draft, draft.finish(model=model, tokens=tokens))
        if draft.held is not None and not draft.over:
            await self._hold(draft, draft.held, draft.facts(model, tokens))

    async def _hold(self, draft: Draft, held: Verdict, facts: dict[str, Any]) -> None:
        """A person decides about the whole draft, unless there is more in it than may be held."""
        job, reviews = self._job, self._context.reviews
        assert reviews is not None
        verdict = await self._filter.judge(
            draft.written,
            Stage.OUTPUT,
            request=job.name,
            who=job.requester,
            held=Action.ALLOW,
        )
        if verdict.text is None:
            await draft.take_away(verdict)
            await self._tell(_taken_away(draft.version))
            return
        await reviews.hold(job, draft.written, held, draft.version, **facts)
        draft.version = await self._context.store.get_version(draft.version.id)
        await draft.show_end()
        await self._tell(sentence("held_draft", number=draft.version.number))

    async def _judged(self, draft: Draft, step: Awaitable[None]) -> None:
        try:
            await self._unless_blocked(draft, step)
        except NotThere as gone:
            if not gone.deleted:
                raise
            await draft.end(VersionStatus.DELETED)

    async def _unless_blocked(self, draft: Draft, step: Awaitable[None]) -> None:
        try:
            await step
        except Blocked as blocked:
            if blocked.verdict.action is Action.HOLD and self._context.reviews:
                draft.held = blocked.verdict
                return
            await draft.take_away(blocked.verdict, blocked.kept)
            await self._tell(_taken_away(draft.version))

    async def _wait_for_worker(self, deadline: float) -> None:
        """Until it answers again. Raises Refusal at the deadline, AllStopped."""
        log.warning("worker away", job=self._job.name)
        await self._tell(await self._why_it_waits())
        left = deadline - asyncio.get_running_loop().time()
        try:
            if left <= 0:
                raise EngineUnavailable
            await self._unless_stopped(lambda: self._context.engine.wait_ready(left))
        except EngineUnavailable:
            raise Refusal(sentence("worker_missing"), JobStatus.FAILED) from None
        await self._unless_stopped(lambda: asyncio.sleep(ENGINE_PAUSE))

    async def _why_it_waits(self) -> Sentence:
        """A worker that is up has its queue full."""
        try:
            await self._context.engine.wait_ready(READY_SECONDS)
        except EngineUnavailable:
            return sentence("worker_starting")
        return sentence("worker_busy")

    async def _unless_stopped(self, wait: Callable[[], Awaitable[T]]) -> T:
        """Only where nothing but waiting is done may a person's stop cut in. Raises AllStopped."""
        if self._all_stopped:
            raise AllStopped
        self._waiting = waiting = asyncio.timeout(None)
        try:
            async with waiting:
                return await wait()
        except TimeoutError:
            if not waiting.expired():
                raise
            raise AllStopped from None
        finally:
            self._waiting = None

    async def _refusal(self, refused: EngineRefused) -> Refusal:
        verdict = await self._filter.judge(
            refused.sentence, Stage.OUTPUT, request=self._job.name, who=self._job.requester
        )
        said = sentences.model_refused(verdict.text) if verdict.text else sentence("failed")
        return Refusal(said, JobStatus.REFUSED)

    @property
    def _running(self) -> list[Draft]:
        return [draft for draft in self._drafts if not draft.over]

    @property
    def _all_stopped(self) -> bool:
        running = self._running
        return bool(running) and all(d.version.id in self._stopping for d in running)

    async def _end_stopped(self) -> None:
        for draft in self._running:
            if draft.version.id in self._stopping:
                await draft.end(VersionStatus.STOPPED)

    async def _end_all(self, status: VersionStatus) -> None:
        """All endings are committed before the first is shown: showing one may fail."""
        running = self._running
        for draft in running:
            await draft.commit_end(status)
        for draft in running:
            await draft.show_end()

    async def _abandon(self) -> None:
        for draft in self._running:
            await draft.abandon()
        self._drafts = []


def _taken_away(version: Version) -> Sentence:
    if any(rule.startswith("review_") for rule in version.rules):
        return sentence("not_released", number=version.number)
    if version.text:
        return sentence("ended", number=version.number, rules=sentences.rules(version.rules))
    return sentence("blocked", number=version.number, rules=sentences.rules(version.rules))
