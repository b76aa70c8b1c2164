"""What is done with a version and writes none: accepting it, deleting it. May be run again."""

import re
from collections.abc import Sequence

from bot.drafting.draft_action import Way
from bot.drafting.jobs.job_context import JobContext, Refusal
from bot.drafting.jobs.join_channel import enter
from bot.drafting.reviews import held_as
from bot.drafting.slack_port import FileKind, NotThere, Place
from bot.messages import Language, Phrase, sentence, sentences
from bot.store import Job, JobKind, JobStatus, Thread, Version, VersionStatus
from safety import Action, SafeText, Stage

# Where a text broke off within a sentence: a letter or a comma, and a small letter goes on; or two
# ideograms. Anything else is a paragraph of its own.
GOES_ON = re.compile(r"[^\W_A-Z][,;]?\Z")
IDEOGRAM = re.compile(r"[\u3400-\u9fff，、；]")


class Delivery:
    """One errand. `again`: an earlier try may have done a part of it."""

    def __init__(
        self, context: JobContext, job: Job, thread: Thread, language: Language, *, again: bool
    ) -> None:
        self._context = context
        self._job = job
        self._thread = thread
        self._language = language
        self._again = again

    async def run(self) -> None:
        """Raises Refusal, Away."""
        assert self._job.parent_id is not None
        version = await self._context.store.get_version(self._job.parent_id)
        if self._job.kind is JobKind.DELETE:
            return await self._delete(version)
        if not await self._context.people.may_ask(self._job.requester, self._thread.team):
            raise Refusal(sentence("not_allowed"), JobStatus.REFUSED)
        text = await self._text(version)
        await self._hand_over(version, text, Way(self._job.sampling["way"]))
        return await self._context.store.mark_accepted(version.id)

    async def _delete(self, version: Version) -> None:
        await self._context.store.end_version(version.id, VersionStatus.DELETED)
        for ts in await self._context.store.list_posts(version.id):
            await self._context.slack.delete(self._thread.channel, ts)

    async def _text(self, version: Version) -> SafeText:
        """The whole text, judged as one by the filter of now. Raises Refusal."""
        pieces = await self._context.store.list_continued(version.id)
        holds = [await self._context.store.find_hold_on(v.job_id, v.id) for v in pieces]
        # What a reviewer approved, or approved without a part, stands here as it was approved.
        approved = any(held_as(hold) is not Action.HOLD for hold in holds)
        verdict = await self._context.filter_for(self._thread).judge(
            whole(pieces),
            Stage.OUTPUT,
            request=self._job.name,
            who=self._job.requester,
            held=Action.ALLOW if approved else Action.HOLD,
        )
        if verdict.text is None:
            raise Refusal(
                sentence(
                    "not_accepted", number=version.number, rules=sentences.rules(verdict.rules)
                ),
                JobStatus.REFUSED,
            )
        return verdict.text

    async def _hand_over(self, version: Version, text: SafeText, way: Way) -> None:
        if way is Way.CHANNEL:
            channel = self._thread.post_to or self._thread.channel
            await enter(self._context, channel, self._job, self._language)
            return await self._post(Place(channel), version, text)
        if way is Way.PERSON:
            return await self._post(
                Place(await self._context.slack.open_dm(self._job.requester)), version, text
            )
        kind: FileKind = "md" if way is Way.MARKDOWN else "docx"
        return await self._upload(version, text, kind)

    async def _post(self, place: Place, version: Version, text: SafeText) -> None:
        await self._context.slack.post_text(
            place, text, self._note(version), key=self._job.name, again=self._again
        )

    async def _upload(self, version: Version, text: SafeText, kind: FileKind) -> None:
        thread = self._thread
        assert thread.root_ts is not None
        place = Place(thread.channel, thread.root_ts)
        try:
            await self._context.slack.upload(
                place, text, kind, comment=self._note(version), again=self._again
            )
        except NotThere:
            raise Refusal(sentence("thread_gone"), JobStatus.FAILED) from None

    def _note(self, version: Version) -> Phrase:
        """The small line that says whose text it is."""
        said = sentences.accepted_by(self._job.requester, version.number)
        return said.to(self._language)


def whole(pieces: Sequence[Version]) -> str:
    """A text and its continuations; one that broke off within a sentence goes on in it."""
    text = ""
    for piece in filter(None, (version.text.strip() for version in pieces)):
        text += (_joint(text, piece) if text else "") + piece
    return text


def _joint(before: str, after: str) -> str:
    if IDEOGRAM.match(before[-1:]) and IDEOGRAM.match(after[:1]):
        return ""
    return " " if GOES_ON.search(before) and after[:1].islower() else "\n\n"
