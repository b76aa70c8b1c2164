"""The way of one job: checked, rooted, written. It may be run again from any point of it."""

from collections.abc import Awaitable, Callable, Sequence

import structlog

from bot.drafting.jobs.delivery import Delivery
from bot.drafting.jobs.generation import Generation
from bot.drafting.jobs.job_context import Away, JobContext, Refusal
from bot.drafting.jobs.join_channel import enter
from bot.drafting.jobs.thread_header import ThreadHeader
from bot.drafting.reviews import DECIDED, Reviews, held_as
from bot.drafting.slack_port import Button, NotThere, Place, SlackError, SlackRefused
from bot.drafting.sources import Material, UnreadSource
from bot.messages import Language, Sentence, language_for, sentence, sentence_about, sentences
from bot.store import (
    ERRANDS,
    HistoryStep,
    Hold,
    HoldStatus,
    Job,
    JobKind,
    JobStatus,
    Source,
    Thread,
    Version,
    VersionStatus,
)
from inference.logs import where as place
from safety import NOTHING, Action, SafeText, Stage, Verdict, part

log = structlog.get_logger(__name__)

# What these wait for may have come already: their status is committed where they are said.
RESTING = (JobStatus.WAITING, JobStatus.HELD)
TITLE = 80  # Characters of a brief that name our conversation about it.


class JobPipeline:
    """One job, from its first check to its last message."""

    def __init__(
        self, job: Job, context: JobContext, settled: Callable[[int], Awaitable[None]]
    ) -> None:
        """`settled(job_id)` returns when another job is not running (any more)."""
        self._job = job
        self._context = context
        self._settled = settled
        self._generation: Generation | None = None
        self._said: set[Sentence] = set()
        self._language: Language = "en"
        self._materials: list[Material] = []
        self._forget = False
        self._again = False

    async def run(self) -> None:
        """Do what is left of the job. Raises Away or StoreUnavailable: run it again later."""
        thread = await self._context.store.get_thread(self._job.thread_id)
        status = await self._outcome(thread)
        await self._show_state()
        if status not in RESTING:
            await self._context.store.end_job(self._job.id, status, forget=self._forget)

    def stop(self, version_id: int) -> None:
        """A person stopped this version."""
        if self._generation:
            self._generation.stop(version_id)

    async def _outcome(self, thread: Thread) -> JobStatus:
        try:
            await self._write(thread)
        except Refusal as refusal:
            if refusal.status is JobStatus.WAITING:
                # Before it is said: the invitation may come at once.
                await self._context.store.end_job(self._job.id, JobStatus.WAITING)
            self._forget = refusal.forget
            if refusal.sentence is not None:
                await self._tell(thread, refusal.sentence, refusal.buttons)
            return refusal.status
        except NotThere as gone:
            archived = gone.reason == "is_archived"
            await self._tell(thread, sentence("archived") if archived else sentence("thread_gone"))
            return JobStatus.FAILED
        except Away:
            raise
        except Exception as error:
            log.error("job failed", job=self._job.name, error=where(error))
            await self._tell(thread, sentence("failed"))
            return JobStatus.FAILED
        return JobStatus.DONE

    async def _write(self, thread: Thread) -> None:
        reads = await self._context.people.language(self._job.requester)
        tries, first = await self._context.store.count_try(self._job.id, reads)
        again = self._again = tries > 0
        self._language = language_for(first)
        if self._job.kind in ERRANDS:
            errand = Delivery(self._context, self._job, thread, self._language, again=again)
            return await errand.run()
        judged = await self._check(thread)
        # A reviewer may have taken something out of it.
        thread, self._job = await self._asked()
        turns = await self._turns()
        place = await self._root(thread, judged, again)
        # What is drafted in private has found its place.
        thread, self._job = await self._asked()
        if self._job.kind is JobKind.DRAFT and thread.persons_root:
            await self._context.slack.set_title(place, part(judged, 0, TITLE))

        async def tell(sentence: Sentence) -> None:
            await self._tell(thread, sentence, thread_ts=place.thread_ts)

        self._generation = Generation(
            self._context,
            self._job,
            thread,
            place,
            tell,
            language=self._language,
            materials=self._materials,
        )
        await self._generation.run(turns, again=again)
        return await self._offer(place)

    async def _check(self, thread: Thread) -> SafeText:
        """What was asked, as it may be shown. Raises Refusal."""
        job = self._job
        if not await self._context.people.may_ask(job.requester, thread.team):
            quiet = job.kind is JobKind.REGENERATE
            raise Refusal(None if quiet else sentence("not_allowed"), JobStatus.REFUSED)
        hold = await self._hold()
        if hold is not None and hold.sealed and self._context.reviews:
            thread = await self._go_on(thread, hold, self._context.reviews)
        sources = await self._sources()
        asked, *quoted = await self._judge(thread, sources, held_as(hold))
        if asked.text is None or any(verdict.text is None for verdict in quoted):
            await self._hold_back(thread, sources, [asked, *quoted])
        assert asked.text is not None
        if asked.text != self._words(thread):
            # What the policy takes out of it nobody is to have, the model neither.
            await self._context.store.replace_request(self._job, asked.text)
        if hold is not None and hold.sealed:
            await self._context.store.close_hold(hold)
        self._materials = await self._as_material(thread, sources, quoted)
        return asked.text

    async def _go_on(self, thread: Thread, hold: Hold, reviews: Reviews) -> Thread:
        """The request back in its place once it is approved. Raises Refusal where it is not."""
        if hold.status is HoldStatus.PENDING:
            raise Refusal(None, JobStatus.HELD)
        if hold.status not in DECIDED:
            await self._context.store.close_hold(hold)
            raise Refusal(sentence("request_not_approved"), JobStatus.REFUSED, forget=True)
        await reviews.unseal(self._job, hold)
        thread, self._job = await self._asked()
        return thread

    async def _hold_back(
        self, thread: Thread, sources: Sequence[Source], verdicts: Sequence[Verdict]
    ) -> None:
        """Raises Refusal: it waits for a reviewer, or is blocked, and then not kept."""
        refused = [verdict for verdict in verdicts if verdict.text is None]
        blocked = [verdict for verdict in refused if verdict.action is not Action.HOLD]
        reviews = self._context.reviews
        brought = [source for source in sources if source.job_id in (None, self._job.id)]
        if not blocked and reviews:
            # Said before it is kept: after a crash it is rather said twice than never.
            await self._tell(thread, sentence("held_request"))
            await reviews.hold_request(self._job, self._words(thread), brought, refused)
            raise Refusal(None, JobStatus.HELD)
        if verdicts[0].text is None:
            said = sentence("refused", rules=sentences.rules(verdicts[0].rules))
            raise Refusal(said, JobStatus.REFUSED, forget=True)
        for source, verdict in zip(sources, verdicts[1:], strict=True):
            if verdict.text is None:
                # It is not to stop what comes later, too.
                await self._context.store.delete_source(source.id)
        raise Refusal(
            sentence("source_refused", rules=sentences.rules(refused[0].rules)), JobStatus.REFUSED
        )

    def _words(self, thread: Thread) -> str:
        """What this job asks, in the person's own words."""
        return self._job.instruction or thread.brief

    async def _sources(self) -> Sequence[Source]:
        """What it is to be based on, read. Raises Refusal."""
        try:
            return await self._context.sources.of(self._job)
        except UnreadSource as unread:
            raise Refusal(sentence_about("file", unread.reason), JobStatus.REFUSED) from None

    async def _as_material(
        self, thread: Thread, sources: Sequence[Source], verdicts: Sequence[Verdict]
    ) -> list[Material]:
        """The sources as the model may be given them."""
        materials = []
        for source, verdict in zip(sources, verdicts, strict=True):
            assert verdict.text is not None
            named = await self._judged(thread, source.name if source.file else "", Stage.MATERIAL)
            is_new = source.job_id in (None, self._job.id)
            materials.append(Material(named.text or NOTHING, verdict.text, source.left_out, is_new))
        return materials

    async def _asked(self) -> tuple[Thread, Job]:
        job = await self._context.store.get_job(self._job.id)
        return await self._context.store.get_thread(job.thread_id), job

    async def _judge(
        self, thread: Thread, sources: Sequence[Source], held: Action = Action.HOLD
    ) -> list[Verdict]:
        """The verdicts on what was asked, and on each source."""
        verdicts = [await self._judged(thread, self._words(thread), Stage.INPUT, held)]
        for source in sources:
            decided = await self._decided(source, held)
            verdicts.append(await self._judged(thread, source.text, Stage.MATERIAL, decided))
        return verdicts

    async def _decided(self, source: Source, held: Action) -> Action:
        """What a reviewer decided about a source when it came."""
        if source.job_id in (None, self._job.id):
            return held
        return held_as(await self._context.store.find_hold_on(source.job_id))

    async def _judged(
        self, thread: Thread, text: str, stage: Stage, held: Action = Action.HOLD
    ) -> Verdict:
        job = self._job
        return await self._context.filter_for(thread).judge(
            text, stage, request=job.name, who=job.requester, held=held
        )

    async def _hold(self) -> Hold | None:
        """The hold on what this job asks; what is asked once more was decided about before."""
        store = self._context.store
        own = await store.find_hold_on(self._job.id)
        return own or await store.find_hold_on((await store.get_origin(self._job)).id)

    async def _turns(self) -> list[HistoryStep]:
        """The turns that led to the version that is refined. Raises Refusal if it has no text."""
        store, parent_id = self._context.store, self._job.parent_id
        parent = None if parent_id is None else await store.get_version(parent_id)
        if parent is not None and parent.status is VersionStatus.WRITING:
            await self._settled(parent.job_id)
        if not self._again and await store.is_given_up(self._job.id):
            # Stopped before anything of it was to be seen.
            raise Refusal(None, JobStatus.DONE)
        if parent is None:
            return []
        turns = await store.get_history(parent.id)
        if not turns[-1].text:
            raise Refusal(sentence("nothing_to_refine"), JobStatus.REFUSED)
        return turns

    async def _root(self, thread: Thread, judged: SafeText, again: bool) -> Place:
        """Where the drafts go; its head is posted if it does not stand, and else refreshed."""
        store, root_ts, channel = self._context.store, thread.root_ts, thread.channel
        root = await self._head_of(thread)
        if root_ts is None:
            channel = await self._channel(thread)
            root_ts = await self._posted(root, Place(channel), judged, again)
            await store.set_root(thread.id, root_ts)
        elif thread.persons_root and thread.head_ts is None:
            place = Place(channel, root_ts)
            head_ts = await root.post_head(place, self._job.n, again=again)
            await store.set_head(thread.id, head_ts)
        else:
            await store.ensure_versions(self._job)
            await root.refresh(waits=False)
        return Place(channel, root_ts, self._job.requester, thread.team)

    async def _head_of(self, thread: Thread) -> ThreadHeader:
        """The thread's head, in the language of whoever began it."""
        first = await self._context.store.get_first_job(thread.id)
        return ThreadHeader(self._context, thread, language_for(first.language or self._language))

    async def _posted(self, root: ThreadHeader, place: Place, judged: SafeText, again: bool) -> str:
        try:
            return await root.post(place, judged, self._job.n, again=again)
        except NotThere:
            # Invocation before every post, whether the bot is in the channel would be a wait: Slack
            # answers that to fifty a minute.
            await enter(self._context, place.channel, self._job, self._language)
            return await root.post(place, judged, self._job.n, again=again)

    async def _channel(self, thread: Thread) -> str:
        """Where the thread goes: for a text that is drafted in private, our own conversation."""
        if thread.post_to is None or thread.channel != thread.post_to:
            return thread.channel
        channel = await self._context.slack.open_dm(thread.requester)
        await self._tell(thread, sentence("drafting_in_dm"))
        await self._context.store.set_channel(thread.id, channel)
        return channel

    async def _show_state(self) -> None:
        """The root says how the drafts stand, whatever became of this job."""
        thread = await self._context.store.get_thread(self._job.thread_id)
        await (await self._head_of(thread)).refresh()

    async def _offer(self, place: Place) -> None:
        """Put the emoji that regenerates under each finished draft, for one click."""
        for version in await self._context.store.ensure_versions(self._job):
            if self._context.emoji and version.status is VersionStatus.FINISHED:
                await self._react(place, version, self._context.emoji)

    async def _react(self, place: Place, version: Version, emoji: str) -> None:
        parts = await self._context.store.list_posts(version.id)
        try:
            await self._context.slack.react(place.channel, parts[-1], emoji)
        except SlackRefused as refused:
            log.error("emoji not offered", emoji=emoji, error=str(refused))

    async def _tell(
        self,
        thread: Thread,
        sentence: Sentence,
        buttons: Sequence[Button] = (),
        *,
        thread_ts: str | None = None,
    ) -> None:
        """A sentence to the requester, once. Raises Away; a person who is gone hears nothing."""
        if sentence in self._said:
            return
        try:
            await self._context.slack.tell(
                thread.channel,
                self._job.requester,
                sentence.to(self._language),
                thread_ts=thread_ts or thread.root_ts,
                response_url=None if thread_ts else self._job.response_url,
                buttons=buttons,
            )
        except (NotThere, SlackRefused) as closed:
            log.error("sentence not said", job=self._job.name, error=str(closed))
        self._said.add(sentence)


def where(error: BaseException) -> str:
    """An error's type and place; its text only where that is a code of Slack's."""
    code = f"{error} " if isinstance(error, SlackError) else ""
    return code + place(error)
