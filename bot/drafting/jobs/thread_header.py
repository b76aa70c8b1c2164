"""The message at the head of a thread: what was asked for, and where its drafts stand."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.drafting.brief.recipe import recipe_or_free
from bot.drafting.destination import destination_of
from bot.drafting.jobs.job_context import STOP_THREAD, JobContext
from bot.drafting.jobs.job_run import JobRun
from bot.drafting.jobs.join_channel import join_channel
from bot.drafting.reviews import filter_for, held_as
from bot.drafting.slack_port import Button, Content, Edit, NotThere, Place
from bot.messages import Language, Phrase, Sentence, language_for, sentence, sentences
from bot.store import STANDING, Thread, Version, VersionStatus
from safety import NOTHING, SafeText, Stage


async def open_thread(run: JobRun, brief: SafeText) -> Place:
    """Return where the drafts go; post the head, once. Raises Refusal, NotThere, Away."""
    store = run.context.store
    await _move(run)
    thread = run.thread
    header = await _header(run.context, thread)
    channel, root_ts, n = thread.channel, thread.root_ts, run.job.n
    if root_ts is None:
        try:
            root_ts = await header.post(Place(channel), brief, n, again=run.again)
        except NotThere:
            # Asked before every post, whether the bot is in the channel would be a wait: Slack
            # answers that to fifty a minute.
            await join_channel(run, channel)
            root_ts = await header.post(Place(channel), brief, n, again=run.again)
        await store.set_root(thread.id, root_ts, n)
    elif thread.persons_root and thread.head_ts is None:
        head_ts = await header.post(Place(channel, root_ts), brief, n, again=run.again)
        await store.set_head(thread.id, head_ts, n)
    # The head is due if it does not say already that they are being written.
    await store.ensure_versions(run.job)
    await run.refresh()
    return Place(channel, root_ts, run.job.requester, thread.team)


async def head_now(context: JobContext, thread: Thread) -> tuple[Edit, int]:
    """Return what a thread's head has to say now, and how many drafts it says are being written.

    Raises Away.
    """
    return await (await _header(context, thread)).edit()


async def _header(context: JobContext, thread: Thread) -> "ThreadHeader":
    first = await context.store.get_first_job(thread.id)
    language = first.language or await context.people.language(first.requester)
    return ThreadHeader(context, thread, language_for(language))


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

    context: JobContext
    thread: Thread
    language: Language

    async def post(self, place: Place, brief: SafeText, n: int, *, again: bool) -> str:
        """Post it for a job of `n` drafts, unless an earlier run did, and return its ts."""
        key, slack = self.thread.post_key, self.context.slack
        if again and (found := await slack.find(place, key=key)):
            return found
        asked = None if self.thread.persons_root else self._asked(brief)
        content = self._content(asked, sentences.being_written(n), n, place.channel)
        return await slack.post(place, content, key=key)

    async def edit(self) -> tuple[Edit, int]:
        """Return how the drafts stand now, and how many are being written."""
        thread = self.thread
        ts = thread.head_ts if thread.persons_root else thread.root_ts
        assert ts is not None
        asked = None if thread.persons_root else self._asked(await self._brief())
        versions = await self.context.store.list_versions(thread.id)
        writing = sum(v.status is VersionStatus.WRITING for v in versions)
        state = sentences.being_written(writing) if writing else await self._state(versions)
        if thread.muted:
            state = sentences.quiet(state, thread.muted_by)
        content = self._content(asked, state, writing, thread.channel)
        return Edit(thread.channel, ts, content), writing

    def _asked(self, brief: SafeText | None) -> Phrase:
        """Say what was asked; the brief only where the filter of now lets it be shown."""
        recipe = recipe_or_free(self.context.recipes, self.thread.recipe)
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
        standing = [v for v in versions if v.status in STANDING and not v.hidden]
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
        parts = await self.context.store.list_posts(version.id)
        slack, channel = self.context.slack, self.thread.channel
        url = await slack.permalink(channel, parts[0]) if parts else None
        return sentences.link_to_draft(version.number, url)

    async def _brief(self) -> SafeText | None:
        """Return the brief as it was released when it was asked for."""
        store, thread = self.context.store, self.thread
        first = await store.get_first_job(thread.id)
        hold = await store.find_hold_on(first.id)
        verdict = await filter_for(self.context.filter, thread).judge(
            thread.brief, Stage.INPUT, request=first.name, who=thread.requester, held=held_as(hold)
        )
        return verdict.text
