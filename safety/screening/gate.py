"""The release gate: holds a stream of model text back until the filter has judged it.

A piece goes from one border of the text to the next (`segmentation`): the end of a sentence or
a line, as soon as the character after it has come, so that the first sentence shows at once. Each
piece is judged with the text before it. How the stream was chunked changes nothing.
"""

from collections.abc import Sequence
from typing import NoReturn

from safety.audit.audit_log import Case
from safety.classifier.passages import PASSAGE, passages
from safety.judge.judge import Budget
from safety.screening.screen import Screen, moved
from safety.screening.verdict import (
    JUDGE_RULE,
    Action,
    Blocked,
    Finding,
    Removes,
    SafeText,
    Verdict,
)
from safety.text.safe_text import NOTHING, joined
from safety.text.segmentation import Borders

CONTEXT = 400
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
        self._waiting: list[SafeText] = []  # pieces that only the judge has not seen yet
        self._judged = 0  # up to here it has
        self._budget = screen.judge_tier.budget() if screen.judge_tier else None
        self._handled: dict[Finding, None] = {}
        self._verdict: Verdict | None = None
        self._is_opened = False

    async def feed(self, chunk: str) -> SafeText:
        """Takes the next text of the model; gives what may be shown now. Raises Blocked."""
        self._check_open()
        self._text += chunk
        if len(self._text) > self._screen.policy.max_chars:
            await self._block(self._screen.refuse("too_long"))
        released = []
        while (border := self._scan.next(self._text)) is not None:
            await self._take(border)
            if self._is_due(border):
                await self._open()
                released.append(await self._release(border))
        return joined(*released)

    async def finish(self) -> SafeText:
        """The rest, after the check of the whole text, which may block but not rewrite."""
        self._check_open()
        rest, end = NOTHING, len(self._text)
        if self._borders[-1] < end:
            await self._take(end)
        if self._waiting:
            rest = await self._release(end)
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

    async def _open(self) -> None:
        """Before the first text is shown: what cannot be written down is not shown."""
        if self._is_opened:
            return
        try:
            await self._case.open(policy=self._screen.digest)
        except OSError:
            await self._block(self._screen.refuse("audit_error"))
        self._is_opened = True

    async def _take(self, border: int) -> None:
        """Judges the piece up to this border, which then waits to be released."""
        piece = await self._screen.in_time(lambda: self._judge_piece(border))
        if piece.text is None:
            await self._block(piece)
        self._handled |= dict.fromkeys(piece.findings)
        self._shown.append(piece.text)
        self._waiting.append(piece.text)
        self._borders.append(border)
        self._in_fence.append(self._scan.line.in_fence)

    def _is_due(self, border: int) -> bool:
        """Whether what waits is to be released here: at once, where no judge has to be asked.

        A judge is asked after so many characters, and at the end of each passage, so that it sees
        every passage whole.
        """
        judge = self._screen.judge_tier
        if judge is None:
            return True
        start, _ = self._passage()
        enough = border - self._judged >= judge.policy.every_chars
        return enough or border - start >= PASSAGE

    async def _release(self, border: int) -> SafeText:
        """What waits, once the judge has read its passage up to this border."""
        if self._budget is not None:
            await self._ask(border, self._budget)
        waiting, self._waiting = self._waiting, []
        return joined(*waiting)

    async def _ask(self, border: int, budget: Budget) -> None:
        text, stage = self._text[:border], self._case.stage
        start, _ = self._passage()
        handled = self._screen.settle(tuple(self._handled), stage, self._joined())
        verdict = await self._screen.judged(handled, text, [(start, border)], stage, budget)
        if verdict.text is None:
            await self._block(verdict)
        self._handled |= dict.fromkeys(verdict.findings)
        self._judged = border

    def _passage(self) -> tuple[int, list[int]]:
        """The last passage so far: its start, and the ends of its pieces."""
        *_, last = passages(self._borders[1:])
        return last

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
        found = self._screen.weigh(self._text, start, pieces, self._case.stage)
        return [finding for finding in found if finding.end == border]

    def _judge_whole(self) -> Verdict:
        """The verdict on all the text. What no piece has handled can only block."""
        shown, stage = self._joined(), self._case.stage
        by_judge = [each for each in self._handled if each.rule.startswith(JUDGE_RULE)]
        findings = [*self._screen.read(self._text, stage), *by_judge]
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
        while first > 0 and self._borders[first] > self._borders[-1] - CONTEXT:
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
        raise Blocked(self.verdict, self._kept())

    async def _close(self, verdict: Verdict, *, complete: bool = True) -> None:
        self._verdict = await self._case.close(verdict, self._text, complete=complete)

    def _check_open(self) -> None:
        self._check_blocked()
        assert self._verdict is None, "the draft has ended"

    def _check_blocked(self) -> None:
        if self._verdict is not None and not self._verdict.allowed:
            raise Blocked(self._verdict, self._kept())

    def _kept(self) -> SafeText | None:
        """What was released of a blocked draft, where all that stopped it lies behind."""
        pieces = len(self._shown) - len(self._waiting)
        if self._screen.policy.block_removes is Removes.DRAFT or pieces == 0:
            return None
        is_behind = all(each.start >= self._borders[pieces] for each in self.verdict.causes)
        return joined(*self._shown[:pieces]) if is_behind else None
