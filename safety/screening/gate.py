"""The release gate: holds a stream of model text back until the filter has judged it.

A piece goes from one border of the text to the next (`segmentation`), which is the end of a
sentence or a line. It is judged as soon as the next character has come, so that the first sentence
is shown at once. Each piece is judged with the text before it. Chunks of other sizes give the same
pieces.
"""

from bisect import bisect_right
from collections.abc import Sequence
from typing import NoReturn

from safety.audit.audit_log import AuditTrail
from safety.screening.screening import EMPTY, Screening, moved
from safety.text.normalise import normalise
from safety.text.safe_text import NOTHING, joined
from safety.text.segmentation import PASSAGE, Passage, Segmenter, passages
from safety.verdict import JUDGE_RULE, Action, Blocked, Finding, Removes, SafeText, Verdict

CONTEXT = 400
"""Characters before a piece that the rules see at least. No rule looks further back."""


class Gate:
    """Judges one draft, for one task at a time. After Blocked, every call raises it again."""

    def __init__(self, screening: Screening, trail: AuditTrail) -> None:
        self._screening = screening
        self._trail = trail
        self._text = EMPTY
        self._segmenter = Segmenter()
        self._borders = [0]  # what is before the last one has been judged and shown
        self._in_fence = [False]  # for each border
        self._shown: list[SafeText] = []  # the piece from each border to the next
        self._waiting: list[SafeText] = []  # pieces that only the judge has not seen yet
        self._judged = 0  # up to here it has
        judge = screening.judge_tier
        self._budget = judge.budget(trail.request) if judge else None
        self._handled: dict[Finding, None] = {}
        self._verdict: Verdict | None = None
        self._is_opened = False

    async def feed(self, chunk: str) -> SafeText:
        """Take the next text of the model; return what may be shown now. Raises Blocked."""
        self._check_open()
        self._text += normalise(chunk)
        if len(self._text.original) > self._screening.policy.max_chars:
            await self._block(self._screening.refuse("too_long"))
        released = []
        while (border := self._segmenter.next(self._text)) is not None:
            await self._take(border)
            if self._is_due(border):
                await self._open()
                released.append(await self._release(border))
        return joined(*released)

    async def finish(self) -> SafeText:
        """Return the rest, after the check of the whole text, which may block but not rewrite."""
        self._check_open()
        rest, end = NOTHING, len(self._text.original)
        if self._borders[-1] < end:
            await self._take(end)
        if self._waiting:
            rest = await self._release(end)
        whole = await self._screening.in_time(self._judge_whole)
        if not whole.allowed:
            await self._block(whole)
        await self._close(whole)
        self._check_blocked()
        return rest

    async def stop(self) -> None:
        """End a draft that was given up, so that the audit knows what of it was shown.

        After finish, Blocked or stop, do nothing.
        """
        if self._verdict is None:
            released = self._screening.settle(
                tuple(self._handled), self._trail.stage, joined(*self._shown)
            )
            await self._close(released, complete=False)

    @property
    def verdict(self) -> Verdict:
        """The verdict on the whole draft; only after finish, stop or Blocked."""
        assert self._verdict is not None, "the draft has not ended"
        return self._verdict

    async def _open(self) -> None:
        """Note in the audit that text will be shown. Raises Blocked if that cannot be written."""
        if self._is_opened:
            return
        try:
            await self._trail.open(self._screening.digest)
        except OSError:
            await self._block(self._screening.refuse("audit_error"))
        self._is_opened = True

    async def _take(self, border: int) -> None:
        """Judge the piece up to this border, which then waits to be released."""
        piece = await self._screening.in_time(lambda: self._judge_piece(border))
        if piece.text is None:
            await self._block(piece)
        self._handled |= dict.fromkeys(piece.findings)
        self._shown.append(piece.text)
        self._waiting.append(piece.text)
        self._borders.append(border)
        self._in_fence.append(self._segmenter.line.in_fence)

    def _is_due(self, border: int) -> bool:
        """Say whether waiting pieces are released here: always, if there is no judge.

        A judge is asked after so many characters, and at the end of each passage, so that it sees
        every passage whole.
        """
        judge = self._screening.judge_tier
        if judge is None:
            return True
        enough = border - self._judged >= judge.policy.every_chars
        return enough or border - self._passage().start >= PASSAGE

    async def _release(self, border: int) -> SafeText:
        """Return the waiting pieces, after the judge has read their passage up to this border."""
        if self._budget is not None:
            text, stage = self._text.part(0, border), self._trail.stage
            span = self._passage().start, border
            handled = self._screening.settle(tuple(self._handled), stage, joined(*self._shown))
            verdict = await self._screening.judged(handled, text, [span], stage, self._budget)
            if verdict.text is None:
                await self._block(verdict)
            self._handled |= dict.fromkeys(verdict.findings)
            self._judged = border
        waiting, self._waiting = self._waiting, []
        return joined(*waiting)

    def _passage(self, *more: int) -> Passage:
        """Return the last passage so far, with `more` borders behind those that are taken."""
        *_, last = passages([*self._borders[1:], *more])
        return last

    def _judge_piece(self, border: int) -> Verdict:
        """Return the verdict on the text up to this border; all before the last one is shown."""
        start, stage = self._borders[-1], self._trail.stage
        first = max(0, bisect_right(self._borders, start - CONTEXT) - 1)
        lead = normalise(self._lead(first))
        context = lead + self._text.part(self._borders[first], start)
        text = self._text.part(start, border)
        seen = self._screening.examine_behind(context, text)
        crossing = [finding for finding in seen if finding.start < 0]
        if self._missed(moved(crossing, start)):
            return self._screening.refuse("detector_error")
        findings = [finding for finding in seen if finding.start >= 0]
        meant = self._screening.weigh(self._text, self._passage(border), stage)
        findings += moved([each for each in meant if each.end == border], -start)
        released = joined(*self._shown[first:])
        is_changed = released != self._text.original[self._borders[first] : start]
        before = lead + normalise(released) if is_changed else context
        shown = self._screening.shown(text, findings, stage, before)
        if shown is not None and is_changed:
            # What was redacted before may have brought words nearer to what they announce.
            text = normalise(shown)
            brought = self._screening.examine_behind(before, text)
            shown = self._screening.shown(text, brought, stage, before)
            if shown is None:
                return self._screening.settle(brought, stage, None)
        return self._screening.settle(moved(findings, start), stage, shown)

    def _judge_whole(self) -> Verdict:
        """Return the verdict on all the text. Findings that no piece has handled can only block."""
        shown, stage = joined(*self._shown), self._trail.stage
        by_judge = [each for each in self._handled if each.rule.startswith(JUDGE_RULE)]
        findings = [*self._screening.read(self._text, stage), *by_judge]
        left = () if shown == self._text.original else self._screening.examine(normalise(shown))
        causes = self._missed(findings) or [each for each in left if self._acts_on(each)]
        return self._screening.settle(causes or findings, stage, None if causes else shown)

    def _missed(self, findings: Sequence[Finding]) -> list[Finding]:
        """Return findings in shown text that the policy acts on, and that no piece has handled."""
        return [each for each in findings if each not in self._handled and self._acts_on(each)]

    def _acts_on(self, finding: Finding) -> bool:
        return self._screening.action(finding, self._trail.stage) is not Action.ALLOW

    def _lead(self, index: int) -> str:
        """Return what to put before the text from a border on, so that it reads as in its place.

        It opens a code block if the border is in one, and indents a text that begins within a line,
        because such a text opens and closes no code block.
        """
        border = self._borders[index]
        line = self._text.original[max(0, border - 4) : border].rpartition("\n")[2]
        indent = line if line.isspace() else " " * len(line)
        return ("```\n" if self._in_fence[index] else "") + indent

    async def _block(self, verdict: Verdict) -> NoReturn:
        await self._close(verdict)
        raise Blocked(self.verdict, self._kept())

    async def _close(self, verdict: Verdict, *, complete: bool = True) -> None:
        self._verdict = await self._trail.close(verdict, self._text.original, complete=complete)

    def _check_open(self) -> None:
        self._check_blocked()
        assert self._verdict is None, "the draft has ended"

    def _check_blocked(self) -> None:
        if self._verdict is not None and not self._verdict.allowed:
            raise Blocked(self._verdict, self._kept())

    def _kept(self) -> SafeText | None:
        """Return what was released of a blocked draft, if all that stopped it lies behind."""
        pieces = len(self._shown) - len(self._waiting)
        if self._screening.policy.block_removes is Removes.DRAFT or pieces == 0:
            return None
        is_behind = all(each.start >= self._borders[pieces] for each in self.verdict.causes)
        return joined(*self._shown[:pieces]) if is_behind else None
