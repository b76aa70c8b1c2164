"""The release gate: holds a stream of model text back until the filter has judged it.

A piece goes from one border of the text to the next (`safety.borders`): the end of a sentence or
a line, as soon as the character after it has come, so that the first sentence shows at once. Each
piece is judged with the text before it. How the stream was chunked changes nothing.
"""

from collections.abc import Sequence
from typing import NoReturn

from safety.audit import Case
from safety.borders import Borders, is_in_fence
from safety.released import NOTHING, joined
from safety.screen import Screen
from safety.verdict import Action, Blocked, Finding, SafeText, Verdict

_CONTEXT = 400
"""Characters before a piece that the rules see at least. None looks further back."""


class Gate:
    """Judges one draft, for one task at a time. After Blocked, every call raises it again."""

    def __init__(self, screen: Screen, case: Case) -> None:
        self._screen = screen
        self._case = case
        self._text = ""
        self._scan = Borders()
        self._borders = [0]  # what is before the last one has been judged and shown
        self._shown: list[SafeText] = []
        self._handled: list[Finding] = []
        self._verdict: Verdict | None = None

    async def feed(self, chunk: str) -> SafeText:
        """Takes the next text of the model; gives what may be shown now. Raises Blocked."""
        self._check_open()
        self._text += chunk
        if len(self._text) > self._screen.policy.max_chars:
            await self._block(self._screen.refuse("too_long"))
        released = []
        while (border := self._scan.next(self._text)) is not None:
            released.append(await self._release(border))
        return joined(*released)

    async def finish(self) -> SafeText:
        """The rest, after the check of the whole text, which may block but not rewrite."""
        self._check_open()
        rest = NOTHING
        if self._borders[-1] < len(self._text):
            rest = await self._release(len(self._text))
        whole = await self._screen.in_time(self._judge_whole)
        if not whole.allowed:
            await self._block(whole)
        await self._close(whole)
        self._check_blocked()
        return rest

    async def stop(self) -> None:
        """Ends a draft that was given up, so that the audit knows what of it was shown.

        After finish, Blocked or stop it does nothing.
        """
        if self._verdict is None:
            released = self._screen.settle(self._handled, self._case.stage, self._joined())
            await self._close(released, complete=False)

    @property
    def verdict(self) -> Verdict:
        """The verdict on the whole draft; only after finish, stop or Blocked."""
        assert self._verdict is not None, "the draft has not ended"
        return self._verdict

    async def _release(self, border: int) -> SafeText:
        piece = await self._screen.in_time(lambda: self._judge_piece(border))
        if piece.text is None:
            await self._block(piece)
        self._handled += piece.findings
        self._shown.append(piece.text)
        self._borders.append(border)
        return piece.text

    def _judge_piece(self, border: int) -> Verdict:
        """The verdict on the text up to this border, of which all before the last is shown."""
        start = self._borders[-1]
        context = self._context_of(start)
        seen = _moved(self._screen.examine(self._text[context:border]), context)
        if self._missed([finding for finding in seen if finding.start < start < finding.end]):
            return self._screen.refuse("detector_error")
        findings = [finding for finding in seen if finding.start >= start]
        stage = self._case.stage
        shown = self._screen.shown(self._text[start:border], _moved(findings, -start), stage)
        return self._screen.settle(findings, stage, shown)

    def _judge_whole(self) -> Verdict:
        """The verdict on all the text. What no piece has handled can only block."""
        findings = self._screen.examine(self._text)
        missed = self._missed(findings)
        shown = None if missed else self._joined()
        return self._screen.settle(missed or findings, self._case.stage, shown)

    def _missed(self, findings: Sequence[Finding]) -> list[Finding]:
        """Findings in shown text about which something should have been done, and was not."""
        stage, handled = self._case.stage, set(self._handled)
        return [
            finding
            for finding in findings
            if finding not in handled and self._screen.action(finding, stage) is not Action.ALLOW
        ]

    def _context_of(self, start: int) -> int:
        usable = (border for border in reversed(self._borders) if border <= start - _CONTEXT)
        return next((border for border in usable if not is_in_fence(self._text, border)), 0)

    def _joined(self) -> SafeText:
        return joined(*self._shown)

    async def _block(self, verdict: Verdict) -> NoReturn:
        await self._close(verdict)
        raise Blocked(self.verdict)

    async def _close(self, verdict: Verdict, *, complete: bool = True) -> None:
        self._verdict = await self._case.close(verdict, self._text, complete=complete)

    def _check_open(self) -> None:
        self._check_blocked()
        assert self._verdict is None, "the draft has ended"

    def _check_blocked(self) -> None:
        if self._verdict is not None and not self._verdict.allowed:
            raise Blocked(self._verdict)


def _moved(findings: Sequence[Finding], by: int) -> list[Finding]:
    return [
        Finding(each.category, each.rule, each.start + by, each.end + by, each.score)
        for each in findings
    ]
