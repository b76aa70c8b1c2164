"""One version while it is written: text goes through the gate, to the store, and to the screen."""

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog

from bot.drafting.footer import draft_facts
from bot.drafting.slack_port import Button, GrowingMessage, NotThere, SlackRefused
from bot.messages import Language, Sentence, sentence
from bot.store import Store, Version, VersionStatus
from safety import NOTHING, Gate, SafeText, Verdict, part

log = structlog.get_logger(__name__)

ENDINGS = {
    VersionStatus.STOPPED: sentence("stopped"),
    VersionStatus.FAILED: sentence("interrupted"),
    VersionStatus.BLOCKED: sentence("cut_off"),
}


@dataclass(slots=True)
class Draft:
    """A version being written; `version` is as it was last read from the store.

    `text` is what was released of what the model has `written`; once the filter has `held` it,
    nothing more is.
    """

    version: Version
    gate: Gate
    shown: GrowingMessage
    store: Store
    judge: Callable[[str], Awaitable[Verdict]]
    seed: int
    n: int
    language: Language
    measure: Callable[[str], Sentence | None]
    buttons: Callable[[Version], Sequence[Button]]
    text: str = ""
    written: str = ""
    held: Verdict | None = None
    finish_reason: str | None = None
    began: float = field(default_factory=time.monotonic)

    @property
    def over(self) -> bool:
        """Whether nothing more is written."""
        return self.version.status is not VersionStatus.WRITING

    async def take(self, piece: str) -> None:
        """More of the model's text. Raises Blocked; after it is held, it is only kept."""
        self.written += piece
        if self.held is None:
            await self._release(await self.gate.feed(piece))

    async def finish(self, *, model: str | None, tokens: int | None) -> None:
        """The model is done. Raises Blocked."""
        await self._release(await self.gate.finish())
        await self.end(
            VersionStatus.FINISHED,
            text=self.text,
            rules=list(self.gate.verdict.rules),
            **self.facts(model, tokens),
        )

    def facts(self, model: str | None, tokens: int | None) -> dict[str, Any]:
        """What is known of the version now that the model is done."""
        return {
            "finish_reason": self.finish_reason,
            "model": model,
            "tokens": tokens,
            "seconds": time.monotonic() - self.began,
        }

    async def take_away(self, verdict: Verdict, kept: SafeText | None = None) -> None:
        """The filter blocked it: nothing stays, or what the policy lets stand."""
        text = kept or NOTHING
        await self._release(part(text, len(self.text)))
        await self.end(VersionStatus.BLOCKED, text=text, rules=list(verdict.rules))

    async def end(self, status: VersionStatus, **known: Any) -> None:
        """Committed, then shown; what was released stays unless `known` says otherwise."""
        await self.commit_end(status, **known)
        await self.show_end()

    async def commit_end(self, status: VersionStatus, **known: Any) -> None:
        """From here on nothing more is written."""
        await self.gate.stop()
        self.version = await self.store.end_version(self.version.id, status, **known)

    async def abandon(self) -> None:
        """Nothing more is written here; another try goes on from what stands."""
        await self.gate.stop()
        await self.shown.abandon()

    async def show_end(self) -> None:
        """How it ended, as the store knows it: to be shown once more after a crash."""
        try:
            await self._show_end()
        except NotThere as gone:
            if not gone.deleted:
                raise
            self.version = await self.store.end_version(self.version.id, VersionStatus.DELETED)
        except SlackRefused as refused:
            log.error("ending not shown", version=self.version.id, error=str(refused))

    async def _show_end(self) -> None:
        status, buttons = self.version.status, self.buttons(self.version)
        if status is VersionStatus.BLOCKED and not self.version.text:
            taken_away = sentence("taken_away").to(self.language)
            return await self.shown.retract(taken_away, buttons=buttons)
        if status is VersionStatus.HELD:
            return await self.shown.retract(sentence("waits_for_review").to(self.language))
        if status is VersionStatus.DELETED:
            return await self.shown.abandon()
        await self._catch_up()
        if status is VersionStatus.FINISHED:
            length = self.measure(self.version.text.strip())
            facts = draft_facts(self.version, self.seed, self.n, length)
            return await self.shown.finish(facts.to(self.language), buttons=buttons)
        note = ENDINGS[status]
        return await self.shown.stop(note.to(self.language), buttons=buttons)

    async def _catch_up(self) -> None:
        # An earlier try may have shown more than this one came to: that stays.
        stored = self.version.text
        if stored != self.text and stored.startswith(self.text):
            verdict = await self.judge(stored[len(self.text) :])
            if verdict.text:
                self.shown.show(verdict.text)

    async def _release(self, piece: SafeText) -> None:
        if not piece:
            return
        self.text += piece
        # After a crash the same text comes again: until it is longer, the store knows better.
        if len(self.text) > len(self.version.text):
            await self.store.save_text(self.version.id, self.text)
        self.shown.show(piece)
