"""The writer of one draft: text goes through the gate, to the store, and to Slack."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import structlog

from bot.drafting.jobs.draft_footer import draft_footer, draft_heads
from bot.drafting.jobs.hidden_message import HiddenMessage
from bot.drafting.jobs.job_run import JobRun
from bot.drafting.reviews import held_as
from bot.drafting.slack_port import (
    GrowingMessage,
    NotThere,
    Place,
    Shown,
    SlackRefused,
)
from bot.drafting.tidying import Opening, kept_length
from bot.drafting.voice.replacer import Replacer
from bot.messages import sentence, sentences
from bot.messages.names import SentenceName
from bot.metrics import FIRST_TEXT
from bot.store import Version, VersionStatus
from bot.store.probe import age
from safety import NOTHING, Action, Blocked, Gate, SafeText, Stage, Verdict, joined, part

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class DraftWriter:
    """A version being written; `version` is as it was last read from the store.

    `text` is what was released of what the model has `written`, with what the `replacer` puts in
    the place of some words; once the filter has `held` it, nothing more is. `stopped`: the store
    says that it has ended meanwhile.
    """

    run: JobRun
    place: Place
    version: Version
    gate: Gate
    message: GrowingMessage
    replacer: Replacer
    text: str = ""
    written: str = ""
    opening: Opening = field(default_factory=Opening)
    held: Verdict | None = None
    stopped: bool = False
    finish_reason: str | None = None
    began: float = field(default_factory=time.monotonic)

    @property
    def over(self) -> bool:
        """Whether nothing more is written."""
        return self.version.status is not VersionStatus.WRITING

    async def take(self, piece: str) -> None:
        """Take more of the model's text; after it is held, it is only kept."""
        await self._pass_on(self.replacer.feed(self.opening.feed(piece)))

    async def finish(self, model: str | None, tokens: int | None) -> None:
        """End the draft: the model is done."""
        facts = {
            "finish_reason": self.finish_reason,
            "model": model,
            "tokens": tokens,
            "seconds": time.monotonic() - self.began,
        }
        rest = self.replacer.feed(self.opening.finish()) + self.replacer.finish()
        self.written += rest
        self.written = self.written[: self._kept_length(self.written)]
        if self.held is None and await self._release(lambda: self._last_text(rest)):
            rules = list(self.gate.verdict.rules)
            if self.stopped:
                return await self.end(VersionStatus.STOPPED)
            await self.end(VersionStatus.FINISHED, text=self.text, rules=rules, **facts)
        if self.held is not None and not self.over:
            await self._hold(self.held, facts)
        return None

    async def end(self, status: VersionStatus, **facts: Any) -> None:
        """Commit the end, then show it; what was released stays unless `facts` say otherwise."""
        await self.commit_end(status, **facts)
        await self.show_end()

    async def commit_end(self, status: VersionStatus, **facts: Any) -> None:
        """Commit that nothing more is written."""
        await self.gate.stop()
        self.version = await self.run.context.store.end_version(self.version.id, status, **facts)

    async def show_end(self) -> None:
        """Show how it ended, as the store knows it: perhaps once more, after a crash."""
        try:
            await self._show_end()
        except NotThere as gone:
            if not gone.deleted:
                raise
            store = self.run.context.store
            self.version = await store.end_version(self.version.id, VersionStatus.DELETED)
        except SlackRefused as refused:
            log.error("ending not shown", version=self.version.id, error=str(refused))

    async def abandon(self) -> None:
        """Write nothing more here; another run goes on from what stands."""
        await self.gate.stop()
        await self.message.abandon()

    @property
    def _cut_off(self) -> bool:
        """Whether the model had more to say than it may."""
        return self.finish_reason == "length"

    def _kept_length(self, text: str) -> int:
        return kept_length(text, cut_off=self._cut_off, kind=self.run.recipe.name)

    async def _last_text(self, opening: str) -> SafeText:
        """Return what is left to be shown of the draft, without what is no part of it.

        Such an end is taken back where it is shown already.
        """
        rest = joined(await self.gate.feed(opening), await self.gate.finish())
        kept = self._kept_length(self.text + rest)
        if kept < len(self.text):
            self.text = self.text[:kept]
            self.message.cut(kept)
        return part(rest, 0, kept - len(self.text))

    async def _pass_on(self, piece: str) -> None:
        self.written += piece
        if piece and self.held is None and not self.over:
            await self._release(lambda: self.gate.feed(piece))

    async def _release(self, step: Callable[[], Awaitable[SafeText]]) -> bool:
        """Show what a step of the gate lets go; False where the draft ended or is held instead."""
        try:
            return await self._show_unless_blocked(step)
        except NotThere as gone:
            if not gone.deleted:
                raise
            await self.end(VersionStatus.DELETED)
            return False

    async def _show_unless_blocked(self, step: Callable[[], Awaitable[SafeText]]) -> bool:
        try:
            await self._show(await step())
        except Blocked as blocked:
            if blocked.verdict.action is Action.HOLD and self.run.context.reviews:
                self.held = blocked.verdict
            else:
                await self._take_away(blocked.verdict, blocked.kept)
            return False
        return True

    async def _take_away(self, verdict: Verdict, kept: SafeText | None = None) -> None:
        """End what the filter blocked: nothing stays, or what the policy lets stand."""
        text = kept or NOTHING
        await self._show(part(text, len(self.text)))
        await self.end(VersionStatus.BLOCKED, text=text, rules=list(verdict.rules))
        await self.tell_end()

    async def _hold(self, held: Verdict, facts: dict[str, Any]) -> None:
        """Ask a person about the whole draft, unless there is more in it than may be held."""
        reviews = self.run.context.reviews
        assert reviews is not None
        verdict = await self.run.judge(self.written, Stage.OUTPUT, Action.ALLOW)
        if verdict.text is None:
            return await self._take_away(verdict)
        await reviews.hold(self.run.job, self.written, held, self.version, **facts)
        self.version = await self.run.context.store.get_version(self.version.id)
        await self.show_end()
        return await self.tell_end()

    async def tell_end(self) -> None:
        """Tell the requester of an end that needs a word."""
        number, rules = self.version.number, self.version.rules
        match self.version.status:
            case VersionStatus.BLOCKED if any(rule.startswith("review_") for rule in rules):
                said = sentence("not_released", number=number)
            case VersionStatus.BLOCKED:
                name: SentenceName = "ended" if self.version.text else "blocked"
                said = sentence(name, number=number, rules=sentences.rules(rules))
            case VersionStatus.HELD:
                said = sentence("held_draft", number=number)
            case VersionStatus.FAILED:
                said = sentence("failed")
            case _:
                return
        await self.run.tell(said, place=self.place)

    async def _show(self, piece: SafeText) -> None:
        if not piece:
            return
        self.text += piece
        # After a crash the same text comes again: until it is longer, the store knows better.
        if len(self.text) > len(self.version.text):
            saved = await self.run.context.store.save_text(self.version.id, self.text)
            self.stopped = self.stopped or not saved
        if not self.stopped:
            self.message.show(piece)

    async def _show_end(self) -> None:
        status, language = self.version.status, self.run.language
        if status is VersionStatus.HELD:
            return await self.message.retract(sentence("waits_for_review").to(language))
        if status is VersionStatus.DELETED:
            return await self.message.abandon()
        job = self.run.job
        others = await self.run.context.store.count_hidden(job.id) if job.hides else 0
        footer = await draft_footer(self.run, self.version, others)
        if status is VersionStatus.BLOCKED and not self.version.text:
            said = sentence("taken_away").to(language)
            return await self.message.retract(said, buttons=footer.buttons)
        await self._catch_up()
        if status is not VersionStatus.FINISHED:
            assert footer.note is not None
            return await self.message.stop(footer.note, buttons=footer.buttons)
        return await self.message.finish(footer.note, buttons=footer.buttons, thumbs=footer.thumbs)

    async def _catch_up(self) -> None:
        """Show what an earlier run showed beyond what this one came to: that stays."""
        stored = self.version.text
        if stored != self.text and stored.startswith(self.text):
            hold = await self.run.context.store.find_hold_on(self.run.job.id, self.version.id)
            missing = stored[len(self.text) :]
            verdict = await self.run.judge(missing, Stage.OUTPUT, held_as(hold))
            if verdict.text:
                self.message.show(verdict.text)


async def draft_writer(run: JobRun, place: Place, version: Version, *, again: bool) -> DraftWriter:
    """Return the writer of a version; `again`: its message may stand already. Raises Away."""
    store, slack = run.context.store, run.context.slack
    gate = run.filter.gate(request=run.job.name, who=run.job.requester)
    replacer = Replacer(run.voice.voice.avoided)
    if version.hidden:
        return DraftWriter(run, place, version, gate, HiddenMessage(), replacer)
    heads, key = await draft_heads(run, version), version.post_key

    async def posted(part: int, ts: str) -> None:
        await store.record_post(version.id, part, place.channel, ts)

    async def deleted(part: int) -> None:
        await store.drop_post(version.id, part)

    def begun() -> None:
        if not again:
            FIRST_TEXT.observe(age(run.job.created_at))

    parts = await store.list_posts(version.id)
    # A message that was posted just before a crash is not on record.
    if again and not parts:
        asked = run.job.created_at
        if ts := await slack.find(place, key=f"{key}/1", head=heads(1), since=asked):
            await posted(1, ts)
            parts = [ts]
    shown = Shown(tuple(parts), len(version.text)) if parts else None
    message = slack.draft(
        place,
        heads,
        key=key,
        shown=shown,
        on_posted=posted,
        on_deleted=deleted,
        on_text=begun,
    )
    return DraftWriter(run, place, version, gate, message, replacer)
