"""The way of one job: checked, rooted, written. It may be run again from any point of it."""

import traceback
from collections.abc import Awaitable, Callable, Sequence

import structlog

from bot import phrases
from bot.drafting.generation import Generation
from bot.drafting.ports import (
    DRAFT_IN_DM,
    Away,
    Button,
    NotThere,
    Place,
    Refusal,
    SlackRefused,
    World,
)
from bot.drafting.reviews import DECIDED, Reviews, held_as
from bot.phrases import Language, Sentence, language_for
from bot.slack.blocks import said
from bot.slack.errors import SlackError
from bot.store import (
    Hold,
    HoldStatus,
    Job,
    JobKind,
    JobStatus,
    Thread,
    Turn,
    Version,
    VersionStatus,
)
from safety import Action, SafeText, Stage, Verdict

log = structlog.get_logger(__name__)

# What these wait for may have come already: their status is committed where they are said.
RESTING = (JobStatus.WAITING, JobStatus.HELD)


class Writing:
    """One job, from its first check to its last message."""

    def __init__(self, job: Job, world: World, settled: Callable[[int], Awaitable[None]]) -> None:
        """`settled(job_id)` returns when another job is not running (any more)."""
        self._job = job
        self._world = world
        self._settled = settled
        self._generation: Generation | None = None
        self._said: set[Sentence] = set()
        self._language: Language = "en"

    async def run(self) -> None:
        """Do what is left of the job. Raises Away or StoreUnavailable: run it again later."""
        thread = await self._world.store.thread(self._job.thread_id)
        status = await self._outcome(thread)
        if status not in RESTING:
            await self._world.store.end(self._job.id, status)

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
                await self._world.store.end(self._job.id, JobStatus.WAITING)
            if refusal.sentence is not None:
                await self._tell(thread, refusal.sentence, refusal.buttons)
            return refusal.status
        except NotThere:
            await self._tell(thread, phrases.thread_gone())
            return JobStatus.FAILED
        except Away:
            raise
        except Exception as error:
            log.error("job failed", job=self._job.name, error=where(error))
            await self._tell(thread, phrases.failed())
            return JobStatus.FAILED
        return JobStatus.DONE

    async def _write(self, thread: Thread) -> None:
        reads = await self._world.people.language(self._job.requester)
        tries, first = await self._world.store.tried(self._job.id, reads)
        again, self._language = tries > 0, language_for(first)
        judged = await self._check(thread)
        # A reviewer may have taken something out of it.
        thread, self._job = await self._asked()
        turns = await self._turns()
        place = await self._root(thread, judged, again)

        async def tell(sentence: Sentence) -> None:
            await self._tell(thread, sentence, thread_ts=place.thread_ts)

        self._generation = Generation(
            self._world, self._job, thread, place, tell, language=self._language
        )
        await self._generation.run(turns, again=again)
        await self._offer(place)

    async def _check(self, thread: Thread) -> SafeText:
        """What was asked, as it may be shown. Raises Refusal."""
        job = self._job
        if not await self._world.people.may_ask(job.requester, thread.team):
            quiet = job.kind is JobKind.REGENERATE
            raise Refusal(None if quiet else phrases.not_allowed(), JobStatus.REFUSED)
        verdict = await self._judge(thread)
        if verdict.action is Action.HOLD and self._world.reviews:
            verdict = await self._reviewed(thread, verdict, self._world.reviews)
        if verdict.text is None:
            raise Refusal(phrases.refused(verdict.rules), JobStatus.REFUSED)
        return verdict.text

    async def _asked(self) -> tuple[Thread, Job]:
        job = await self._world.store.job(self._job.id)
        return await self._world.store.thread(job.thread_id), job

    async def _judge(self, thread: Thread, held: Action = Action.HOLD) -> Verdict:
        asked, job = self._job.instruction or thread.brief, self._job
        return await self._world.filter_for(thread).judge(
            asked, Stage.INPUT, request=job.name, who=job.requester, held=held
        )

    async def _reviewed(self, thread: Thread, held: Verdict, reviews: Reviews) -> Verdict:
        """The verdict after a reviewer's decision. Raises Refusal while there is none."""
        hold = await self._hold()
        if hold is None:
            # Said before it is kept: after a crash it is rather said twice than never.
            await self._tell(thread, phrases.held_request())
            await reviews.hold(self._job, self._job.instruction or thread.brief, held)
        if hold is None or hold.status is HoldStatus.PENDING:
            raise Refusal(None, JobStatus.HELD)
        if hold.status not in DECIDED:
            await self._world.store.settle(hold)
            raise Refusal(phrases.request_not_approved(), JobStatus.REFUSED)
        verdict = await self._judge(thread, held_as(hold))
        if verdict.text is not None and verdict.text != (self._job.instruction or thread.brief):
            await self._world.store.reword(self._job, verdict.text)
        await self._world.store.settle(hold)
        return verdict

    async def _hold(self) -> Hold | None:
        """The hold on what this job asks; what is asked once more was decided about before."""
        job = self._job
        while job.again_id is not None:
            job = await self._world.store.job(
                (await self._world.store.version(job.again_id)).job_id
            )
        return await self._world.store.hold_of(job.id)

    async def _turns(self) -> list[Turn]:
        """The turns that led to the version that is refined. Raises Refusal if it has no text."""
        if self._job.parent_id is None:
            return []
        parent = await self._world.store.version(self._job.parent_id)
        await self._settled(parent.job_id)
        turns = await self._world.store.history(parent.id)
        if not turns[-1].text:
            raise Refusal(phrases.nothing_to_refine(), JobStatus.REFUSED)
        return turns

    async def _root(self, thread: Thread, judged: SafeText, again: bool) -> Place:
        """Where the drafts go; the thread's root message is posted if it does not stand."""
        root_ts = thread.root_ts
        if root_ts is None:
            await self._enter(thread)
            title = self._world.recipe(thread.recipe).wording(self._language).title
            content = said(phrases.root(thread.requester, title, judged).to(self._language))
            place, key = Place(thread.channel), f"thread-{thread.id}"
            screen = self._world.screen
            found = await screen.find(place, key=key) if again else None
            root_ts = found or await screen.post(place, content, key=key)
            await self._world.store.rooted(thread.id, root_ts)
        return Place(thread.channel, root_ts, self._job.requester, thread.team)

    async def _enter(self, thread: Thread) -> None:
        try:
            if not await self._world.screen.is_member(thread.channel):
                await self._world.screen.join(thread.channel)
        except NotThere as closed:
            if closed.reason == "is_archived":
                raise Refusal(phrases.archived(), JobStatus.REFUSED) from None
            # Ids of conversations between people begin with D: nobody can invite an app there.
            sentence = (
                phrases.not_in_this_dm()
                if thread.channel.startswith("D")
                else phrases.invite_me(self._world.bot_user, self._world.command)
            )
            label = phrases.draft_in_dm_button().to(self._language)
            button = Button(label, DRAFT_IN_DM, str(self._job.id))
            raise Refusal(sentence, JobStatus.WAITING, [button]) from None

    async def _offer(self, place: Place) -> None:
        """Put the emoji that regenerates under each finished draft, for one click."""
        for version in await self._world.store.begin(self._job):
            if self._world.emoji and version.status is VersionStatus.FINISHED:
                await self._react(place, version, self._world.emoji)

    async def _react(self, place: Place, version: Version, emoji: str) -> None:
        parts = await self._world.store.parts(version.id)
        try:
            await self._world.screen.react(place.channel, parts[-1], emoji)
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
            await self._world.screen.tell(
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
    """An error's type and place, without its text: that may hold what somebody wrote."""
    frames = traceback.extract_tb(error.__traceback__)
    at = f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    code = f" {error}" if isinstance(error, SlackError) else ""
    return f"{type(error).__name__}{code}{at}"
