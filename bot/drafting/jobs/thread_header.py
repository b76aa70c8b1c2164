"""The message at the head of a thread: what was asked for, and where its drafts stand."""

from collections.abc import Sequence

import structlog

from bot.drafting.jobs.job_context import STOP_THREAD, JobContext
from bot.drafting.reviews import held_as
from bot.drafting.slack_port import Button, Content, Place, SlackError
from bot.messages import Language, Phrase, Sentence, sentence, sentences
from bot.store import Thread, Version, VersionStatus
from safety import NOTHING, SafeText, Stage

log = structlog.get_logger(__name__)

# What counts as a draft: what was taken away, or failed, is none.
STANDING = (VersionStatus.FINISHED, VersionStatus.STOPPED)


class ThreadHeader:
    """The root message of one thread, in the language of whoever began it.

    Below a message of a person's, which is no message of ours, the first reply is in its place.
    """

    def __init__(self, context: JobContext, thread: Thread, language: Language) -> None:
        self._context = context
        self._thread = thread
        self._language = language

    async def post(self, place: Place, brief: SafeText, n: int, *, again: bool) -> str:
        """Its ts; where an earlier try may have posted it, it is looked for first."""
        key, screen = f"thread-{self._thread.id}", self._context.slack
        if again and (found := await screen.find(place, key=key)):
            return found
        content = self._content(self._asked(brief), sentences.being_written(n), n)
        return await screen.post(place, content, key=key)

    async def post_head(self, place: Place, n: int, *, again: bool) -> str:
        """The ts of the reply that stands for it below a person's message."""
        key, screen = f"thread-{self._thread.id}", self._context.slack
        if again and (found := await screen.find(place, key=key)):
            return found
        return await screen.post(place, self._content(None, sentences.being_written(n), n), key=key)

    async def refresh(self, *, waits: bool = True) -> None:
        """Show how the drafts stand now. Best effort: the drafts themselves stand below it.

        `waits`: for Slack's budget; else it is left for later where that is short.
        """
        thread = self._thread
        ts = thread.head_ts if thread.persons_root else thread.root_ts
        if ts is None:
            return
        try:
            asked = None if thread.persons_root else self._asked(await self._brief())
            versions = await self._context.store.list_versions(thread.id)
            writing = sum(v.status is VersionStatus.WRITING for v in versions)
            state = sentences.being_written(writing) if writing else await self._state(versions)
            content = self._content(asked, state, writing)
            await self._context.slack.edit(thread.channel, ts, content, waits=waits)
        except SlackError as closed:
            log.warning("root not changed", thread=thread.id, error=str(closed))

    def _asked(self, brief: SafeText | None) -> Phrase:
        """What was asked; the brief only where the filter of now lets it be shown."""
        title = self._context.recipe(self._thread.recipe).wording(self._language).title
        return sentences.root(self._thread.requester, title, brief or NOTHING).to(self._language)

    def _content(self, asked: Phrase | None, state: Sentence, writing: int) -> Content:
        label = sentence("stop_button").to(self._language)
        buttons = [Button(label, STOP_THREAD, str(self._thread.id))] if writing else []
        return Content(asked, state.to(self._language), buttons)

    async def _state(self, versions: Sequence[Version]) -> Sentence:
        standing = [v for v in versions if v.status in STANDING]
        accepted = [v for v in standing if v.accepted_at]
        if not standing:
            return sentence("no_draft_stands")
        newest = await self._link(max(standing, key=lambda v: v.number))
        latest = max(accepted, key=lambda v: str(v.accepted_at), default=None)
        chosen = await self._link(latest) if latest else None
        return sentences.drafts_stand(len(standing), newest, chosen)

    async def _link(self, version: Version) -> Sentence:
        parts = await self._context.store.list_posts(version.id)
        url = await self._context.slack.permalink(self._thread.channel, parts[0]) if parts else None
        return sentences.link_to_draft(version.number, url)

    async def _brief(self) -> SafeText | None:
        """The brief as it was released when it was asked for."""
        store, thread = self._context.store, self._thread
        first = await store.get_first_job(thread.id)
        hold = await store.find_hold_on(first.id)
        verdict = await self._context.filter_for(thread).judge(
            thread.brief, Stage.INPUT, request=first.name, who=thread.requester, held=held_as(hold)
        )
        return verdict.text
