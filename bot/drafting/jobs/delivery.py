"""Jobs that write no draft: accepting a version, deleting it. Each may be run again."""

import re
from collections.abc import Sequence

from bot.drafting.draft_action import Way
from bot.drafting.jobs.job_context import Refusal
from bot.drafting.jobs.job_run import JobRun
from bot.drafting.jobs.join_channel import join_channel
from bot.drafting.reviews import held_as
from bot.drafting.slack_port import FileKind, NotThere, Place
from bot.messages import Phrase, sentence, sentences
from bot.store import JobKind, JobStatus, Version, VersionStatus
from safety import Action, SafeText, Stage

# Where a text broke off within a sentence: a letter or a comma, and a small letter goes on; or two
# ideograms. Anything else is a paragraph of its own.
GOES_ON = re.compile(r"[^\W_A-Z][,;]?\Z")
IDEOGRAM = re.compile(r"[\u3400-\u9fff，、；]")


class Delivery:
    """One run of a job that writes no draft."""

    def __init__(self, run: JobRun) -> None:
        self._run = run

    async def run(self) -> None:
        """Delete the version, or judge it once more and hand it over. Raises Refusal, Away."""
        run, store = self._run, self._run.context.store
        assert run.job.parent_id is not None
        version = await store.get_version(run.job.parent_id)
        if run.job.kind is JobKind.DELETE:
            return await self._delete(version)
        if not await run.context.people.may_ask(run.job.requester, run.thread.team):
            raise Refusal(sentence("not_allowed"), JobStatus.REFUSED)
        text = await self._text(version)
        note = sentences.accepted_by(run.job.requester, version.number).to(run.language)
        await self._hand_over(text, note, Way(run.job.sampling["way"]))
        return await store.mark_accepted(version.id)

    async def _delete(self, version: Version) -> None:
        store, slack = self._run.context.store, self._run.context.slack
        await store.end_version(version.id, VersionStatus.DELETED)
        for ts in await store.list_posts(version.id):
            await slack.delete(self._run.thread.channel, ts)

    async def _text(self, version: Version) -> SafeText:
        """Return the whole text, judged as one by the filter of now. Raises Refusal."""
        store = self._run.context.store
        pieces = await store.list_continued(version.id)
        holds = [await store.find_hold_on(v.job_id, v.id) for v in pieces]
        # What a reviewer approved, or approved without a part, stands here as it was approved.
        approved = any(held_as(hold) is not Action.HOLD for hold in holds)
        verdict = await self._run.judge(
            whole(pieces), Stage.OUTPUT, Action.ALLOW if approved else Action.HOLD
        )
        if verdict.text is None:
            rules = sentences.rules(verdict.rules)
            said = sentence("not_accepted", number=version.number, rules=rules)
            raise Refusal(said, JobStatus.REFUSED)
        return verdict.text

    async def _hand_over(self, text: SafeText, note: Phrase, way: Way) -> None:
        """Send the text where it is to go; the note says in a small line whose it is."""
        run, thread, slack = self._run, self._run.thread, self._run.context.slack
        if way is Way.CHANNEL:
            channel = thread.post_to or thread.channel
            await join_channel(run, channel)
            return await slack.post_text(
                Place(channel), text, note, key=run.job.name, again=run.again
            )
        if way is Way.PERSON:
            place = Place(await slack.open_dm(run.job.requester))
            return await slack.post_text(place, text, note, key=run.job.name, again=run.again)
        assert thread.root_ts is not None
        place = Place(thread.channel, thread.root_ts)
        kind: FileKind = "md" if way is Way.MARKDOWN else "docx"
        try:
            return await slack.upload(place, text, kind, comment=note, again=run.again)
        except NotThere:
            raise Refusal(sentence("thread_gone"), JobStatus.FAILED) from None


def whole(pieces: Sequence[Version]) -> str:
    """Join a text and its continuations; one that broke off within a sentence goes on in it."""
    text = ""
    for piece in filter(None, (version.text.strip() for version in pieces)):
        text += (_joint(text, piece) if text else "") + piece
    return text


def _joint(before: str, after: str) -> str:
    if IDEOGRAM.match(before[-1:]) and IDEOGRAM.match(after[:1]):
        return ""
    return " " if GOES_ON.search(before) and after[:1].islower() else "\n\n"
