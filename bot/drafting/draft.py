"""One version while it is written: text goes through the gate, to the store, and to the screen."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from bot import phrases
from bot.drafting.ports import REGENERATE, Button, NotThere, ShownDraft
from bot.phrases import Phrase
from bot.store import Store, Version, VersionStatus
from safety import Gate, SafeText, Verdict


@dataclass(slots=True)
class Draft:
    """A version being written; `version` is as it stood when this try began."""

    version: Version
    gate: Gate
    shown: ShownDraft
    store: Store
    judge: Callable[[str], Awaitable[Verdict]]
    seed: int
    text: str = ""
    finish_reason: str | None = None
    over: bool = False
    began: float = field(default_factory=time.monotonic)

    async def take(self, piece: str) -> None:
        """More of the model's text. Raises Blocked."""
        await self._release(await self.gate.feed(piece))

    async def finish(self, *, model: str | None, tokens: int | None) -> None:
        """The model is done. Raises Blocked."""
        await self._release(await self.gate.finish())
        known: dict[str, Any] = {
            "model": model,
            "tokens": tokens,
            "seconds": time.monotonic() - self.began,
        }
        facts = phrases.draft_facts(seed=self.seed, cut=self.finish_reason == "length", **known)
        await self._end(
            self.shown.finish(facts, buttons=self._buttons),
            VersionStatus.FINISHED,
            text=self.text,
            rules=list(self.gate.verdict.rules),
            **known,
        )

    async def stop(self) -> None:
        """A person stopped it: what was released stays."""
        await self._close(phrases.stopped(), VersionStatus.STOPPED)

    async def take_away(self, verdict: Verdict) -> None:
        """The filter blocked it: nothing of it stays."""
        await self._end(
            self.shown.retract(phrases.taken_away()),
            VersionStatus.BLOCKED,
            text="",
            rules=list(verdict.rules),
        )

    async def fail(self) -> None:
        """It cannot be finished; what was released stays."""
        await self._close(phrases.interrupted(), VersionStatus.FAILED)

    async def lose(self) -> None:
        """Somebody deleted its message."""
        await self._ended(VersionStatus.DELETED)

    @property
    def _buttons(self) -> list[Button]:
        return [Button(phrases.regenerate_button(), REGENERATE, str(self.version.id))]

    async def _release(self, piece: SafeText) -> None:
        if not piece:
            return
        self.text += piece
        # After a crash the same text comes again: until it is longer, the store knows better.
        if len(self.text) > len(self.version.text):
            await self.store.released(self.version.id, self.text)
        self.shown.show(piece)

    async def _close(self, note: Phrase, status: VersionStatus) -> None:
        await self._end(self._stop_showing(note), status)

    async def _stop_showing(self, note: Phrase) -> None:
        # Before a crash more may have been shown than this try has come to: that stays.
        if self.version.text.startswith(self.text):
            verdict = await self.judge(self.version.text[len(self.text) :])
            if verdict.text:
                self.shown.show(verdict.text)
        await self.shown.stop(note, buttons=self._buttons)

    async def _end(self, showing: Awaitable[None], status: VersionStatus, **known: Any) -> None:
        """Shown first, then committed: after a crash between the two it is shown once more."""
        try:
            await showing
        except NotThere:
            status = VersionStatus.DELETED
        await self._ended(status, **known)

    async def _ended(self, status: VersionStatus, **known: Any) -> None:
        self.over = True
        await self.store.ended(self.version.id, status, **known)
