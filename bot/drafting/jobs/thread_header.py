"""The message at the head of a thread: what was asked for, and where its drafts stand."""

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from bot.drafting.brief.recipe import recipe_or_free
from bot.drafting.destination import destination_of
from bot.drafting.jobs.job_context import STOP_THREAD, JobContext
from bot.drafting.jobs.job_run import JobRun
from bot.drafting.jobs.join_channel import join_channel
from bot.drafting.reviews import filter_for, held_as
from bot.drafting.slack_port import Button, Content, NotThere, Place, SlackError
from bot.messages import Language, Phrase, Sentence, language_for, sentence, sentences
from bot.store import STANDING, Thread, Version, VersionStatus
from safety import NOTHING, SafeText, Stage

log = structlog.get_logger(__name__)


async def open_thread(run: JobRun, brief: SafeText) -> Place:
    """Return where the drafts go; post the head, or refresh it. Raises Refusal, NotThere, Away."""
    store = run.context.store
    await _move(run)
    thread = run.thread
    header = await _header(run, thread)
    channel, root_ts = thread.channel, thread.root_ts
    if root_ts is None:
        try:
            root_ts = await header.post(Place(channel), brief)
        except NotThere:
            # Asked before every post, whether the bot is in the channel would be a wait: Slack
            # answers that to fifty a minute.
            await join_channel(run, channel)
            root_ts = await header.post(Place(channel), brief)
        await store.set_root(thread.id, root_ts)
    elif thread.persons_root and thread.head_ts is None:
        await store.set_head(thread.id, await header.post(Place(channel, root_ts), brief))
    else:
        await store.ensure_versions(run.job)
        await header.refresh(waits=False)
    await run.refresh()
    return Place(channel, root_ts, run.job.requester, thread.team)


async def refresh_header(run: JobRun) -> None:
    """Show at the thread's head how its drafts stand, whatever became of this job."""
    thread = await run.context.store.get_thread(run.job.thread_id)
    await (await _header(run, thread)).refresh()


async def refresh_thread(context: JobContext, thread_id: int) -> None:
    """Show a thread's head anew, where no job of it runs."""
    first = await context.store.get_first_job(thread_id)
    await refresh_header(JobRun(context, first, await context.store.get_thread(thread_id)))


async def _header(run: JobRun, thread: Thread) -> "ThreadHeader":
    first = await run.context.store.get_first_job(thread.id)
    return ThreadHeader(run, thread, language_for(first.language or run.language))


async def _move(run: JobRun) -> None:
    """Move what is to be drafted in private to our own conversation; there it stays in place."""
    thread = run.thread
    # What people wrote in a conversation between two they wrote to us.
    is_there = thread.root_ts is not None and thread.channel.startswith("D")
    if thread.post_to is None or thread.channel != thread.post_to or is_there:
        return
    channel = await run.context.slack.open_dm(thread.requester)
    await run.tell(sentence("drafting_in_dm"))
    # In a conversation between two people an app writes nothing: an accepted text stays in ours.
    post_to = None if thread.post_to.startswith("D") else thread.post_to
    await run.context.store.move_thread(thread.id, channel, post_to)
    await run.refresh()


@dataclass(frozen=True, slots=True)
class ThreadHeader:
    """The head of one thread, in the language of whoever began it.

    Below a message of a person's, which we cannot change, the first reply is in its place.
    """

    run: JobRun
    thread: Thread
    language: Language

    async def post(self, place: Place, brief: SafeText) -> str:
        """Post it, unless an earlier run did, and return its ts."""
        key, slack, n = f"thread-{self.thread.id}", self.run.context.slack, self.run.job.n
        if self.run.again and (found := await slack.find(place, key=key)):
            return found
        asked = None if self.thread.persons_root else self._asked(brief)
        content = self._content(asked, sentences.being_written(n), n, place.channel)
        return await slack.post(place, content, key=key)

    async def refresh(self, *, waits: bool = True) -> None:
        """Show how the drafts stand now. Best effort: the drafts themselves stand below it.

        `waits`: for Slack's budget; else it is left for later where that is short.
        """
        thread = self.thread
        ts = thread.head_ts if thread.persons_root else thread.root_ts
        if ts is None:
            return
        try:
            asked = None if thread.persons_root else self._asked(await self._brief())
            versions = await self.run.context.store.list_versions(thread.id)
            writing = sum(v.status is VersionStatus.WRITING for v in versions)
            state = sentences.being_written(writing) if writing else await self._state(versions)
            if thread.muted:
                state = sentences.quiet(state, thread.muted_by)
            content = self._content(asked, state, writing, thread.channel)
            await self.run.context.slack.edit(thread.channel, ts, content, waits=waits)
        except SlackError as closed:
            log.warning("root not changed", thread=thread.id, error=str(closed))

    def _asked(self, brief: SafeText | None) -> Phrase:
        """Say what was asked; the brief only where the filter of now lets it be shown."""
        recipe = recipe_or_free(self.run.context.recipes, self.thread.recipe)
        title = recipe.wording(self.language).title
        return sentences.root(self.thread.requester, title, brief or NOTHING).to(self.language)

    def _content(
        self, asked: Phrase | None, state: Sentence, writing: int, channel: str
    ) -> Content:
        where = destination_of(self.thread, channel)
        if where.apart and not where.is_direct:
            state = sentences.head_facts(state, where.channel)
        label = sentence("stop_button").to(self.language)
        buttons = [Button(label, STOP_THREAD, str(self.thread.id))] if writing else []
        return Content(asked, state.to(self.language), buttons)

    async def _state(self, versions: Sequence[Version]) -> Sentence:
        standing = [v for v in versions if v.status in STANDING]
        accepted = [v for v in standing if v.accepted_at]
        if not standing:
            return sentence("no_draft_stands")
        newest = await self._link(max(standing, key=lambda v: v.number))
        latest = max(accepted, key=lambda v: str(v.accepted_at), default=None)
        chosen = await self._link_to_posted(latest) if latest else None
        return sentences.drafts_stand(len(standing), newest, chosen)

    async def _link_to_posted(self, version: Version) -> Sentence:
        """Link to what was posted of a draft; to itself where one person alone has it."""
        if version.posted_url is None:
            return await self._link(version)
        return sentences.link_to_draft(version.number, version.posted_url)

    async def _link(self, version: Version) -> Sentence:
        parts = await self.run.context.store.list_posts(version.id)
        slack, channel = self.run.context.slack, self.thread.channel
        url = await slack.permalink(channel, parts[0]) if parts else None
        return sentences.link_to_draft(version.number, url)

    async def _brief(self) -> SafeText | None:
        """Return the brief as it was released when it was asked for."""
        store, thread = self.run.context.store, self.thread
        first = await store.get_first_job(thread.id)
        hold = await store.find_hold_on(first.id)
        verdict = await filter_for(self.run.context.filter, thread).judge(
            thread.brief, Stage.INPUT, request=first.name, who=thread.requester, held=held_as(hold)
        )
        return verdict.text
