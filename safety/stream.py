"""The release gate: holds a stream of model text back until the filter has judged it.

A piece goes from one border of the text to the next (`safety.borders`): the end of a sentence or
a line, as soon as the character after it has come, so that the first sentence shows at once. Each
piece is judged with the text before it. How the stream was chunked changes nothing.
"""

from collections.abc import Sequence
from typing import NoReturn

from safety.audit import Case
from safety.borders import Borders
from safety.passages import passages
from safety.released import NOTHING, joined
from safety.screen import Screen, moved
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
        self._in_fence = [False]  # for each border
        self._shown: list[SafeText] = []  # the piece from each border to the next
        self._handled: dict[Finding, None] = {}
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
            released = self._screen.settle(tuple(self._handled), self._case.stage, self._joined())
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
        self._handled |= dict.fromkeys(piece.findings)
        self._shown.append(piece.text)
        self._borders.append(border)
        self._in_fence.append(self._scan.line.in_fence)
        return piece.text

    def _judge_piece(self, border: int) -> Verdict:
        """The verdict on the text up to this border, of which all before the last is shown."""
        first, start = self._first_of_context(), self._borders[-1]
        lead, context = self._lead(first), self._text[self._borders[first] : start]
        text, stage = self._text[start:border], self._case.stage
        seen = self._screen.examine_behind(lead + context, text)
        crossing = [finding for finding in seen if finding.start < 0]
        if self._missed(moved(crossing, start)):
            return self._screen.refuse("detector_error")
        findings = [finding for finding in seen if finding.start >= 0]
        findings += moved(self._meant(border), -start)
        before = lead + joined(*self._shown[first:])
        shown = self._screen.shown(text, findings, stage, before)
        if shown is not None and before != lead + context:
            # What was redacted before may have brought words nearer to what they announce.
            brought = self._screen.examine_behind(before, shown)
            shown = self._screen.shown(shown, brought, stage, before)
            if shown is None:
                return self._screen.settle(brought, stage, None)
        return self._screen.settle(moved(findings, start), stage, shown)

    def _meant(self, border: int) -> list[Finding]:
        """What the linear tier says of the piece up to this border, by its passage so far."""
        *_, (start, pieces) = passages([*self._borders[1:], border])
        found = self._screen.weigh(self._text, start, pieces)
        return [finding for finding in found if finding.end == border]

    def _judge_whole(self) -> Verdict:
        """The verdict on all the text. What no piece has handled can only block."""
        findings = self._screen.read(self._text)
        shown, stage = self._joined(), self._case.stage
        left = () if shown == self._text else self._screen.examine(shown)
        causes = self._missed(findings) or [each for each in left if self._acts_on(each)]
        return self._screen.settle(causes or findings, stage, None if causes else shown)

    def _missed(self, findings: Sequence[Finding]) -> list[Finding]:
        """Findings in shown text about which something should have been done, and was not."""
        return [each for each in findings if each not in self._handled and self._acts_on(each)]

    def _acts_on(self, finding: Finding) -> bool:
        return self._screen.action(finding, self._case.stage) is not Action.ALLOW

    def _first_of_context(self) -> int:
        """Which border the context of the next piece begins at."""
        first = len(self._borders) - 1
        while first > 0 and self._borders[first] > self._borders[-1] - _CONTEXT:
            first -= 1
        return first

    def _lead(self, index: int) -> str:
        """What lets the text from a border on read as it does where it stands.

        It is in a code block or not, and what begins within a line opens and closes none.
        """
        border = self._borders[index]
        line = self._text[max(0, border - 4) : border].rpartition("\n")[2]
        indent = line if line.isspace() else " " * len(line)
        return ("```\n" if self._in_fence[index] else "") + indent

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
