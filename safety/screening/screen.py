"""What the detectors find in a text, and what the policy does about it."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain

import structlog

from safety.classifier.classifier import Linear
from safety.classifier.passages import ends, passages, whole_passages
from safety.classifier.weights import packaged
from safety.detectors import Detector, rules
from safety.judge.judge import Budget, Judge, JudgeError, JudgeLate
from safety.policy.policy import JUDGE_LATE, Policy
from safety.screening.redact import redact
from safety.screening.verdict import JUDGE_RULE, Action, Finding, SafeText, Stage, Verdict, refusal
from safety.text.normalise import normalise
from safety.text.quotes import quoted_in

log = structlog.get_logger(__name__)

# Each redaction may bring together what the text held apart; more rounds than this is an attack.
ROUNDS = 4


class DetectorError(Exception):
    """A detector failed. The message names the detector and the kind of failure, never text."""


class Screen:
    """Detectors and a policy, without memory: the same text gets the same verdict."""

    def __init__(
        self, policy: Policy, judge: Judge | None = None, *, digest: str | None = None
    ) -> None:
        """`digest` names the policy in verdicts; by default its own."""
        self.policy = policy
        self.digest = digest or policy.digest
        self.judge_tier = judge
        self.detectors: tuple[Detector, ...] = rules(policy)
        self.linear = Linear(policy.thresholds, packaged)

    async def in_time(self, work: Callable[[], Verdict]) -> Verdict:
        """Runs work off the event loop, within the policy's time. Any failure is a block."""
        try:
            async with asyncio.timeout(self.policy.timeout_seconds):
                return await asyncio.to_thread(work)
        except DetectorError as error:
            return self._failed(str(error))
        except Exception as error:
            return self._failed(type(error).__name__)

    async def judged(
        self,
        verdict: Verdict,
        text: str,
        spans: Sequence[tuple[int, int]],
        stage: Stage,
        budget: Budget | None,
    ) -> Verdict:
        """The verdict once the judge has read these passages too: never a milder one.

        What is stopped already is not asked about. `budget` is None where there is no judge.
        """
        if self.judge_tier is None or budget is None or verdict.text is None:
            return verdict
        try:
            found = await _asked(self.judge_tier, text, spans, stage, budget)
        except JudgeLate:
            found = [Finding(JUDGE_LATE, JUDGE_LATE, 0, len(text))]
        except JudgeError as error:
            return self._failed(f"Judge: {error}")
        if not all(_is_sound(each, len(text)) for each in found):
            return self._failed("Judge: unsound finding")
        return self.settle(self._once((*verdict.findings, *found), stage), stage, verdict.text)

    def _failed(self, cause: str) -> Verdict:
        log.error("detector_error", cause=cause)
        return self.refuse("detector_error")

    def judge(self, text: str, stage: Stage) -> Verdict:
        """The verdict on a whole text. Raises DetectorError."""
        if len(text) > self.policy.max_chars:
            return self.refuse("too_long")
        findings = self.read(text, stage)
        return self.settle(findings, stage, self.shown(text, findings, stage))

    def read(self, text: str, stage: Stage) -> tuple[Finding, ...]:
        """What rules and linear tier find in a whole text, in its order. Raises DetectorError.

        What is quoted in an input is read as material, too.
        """
        found = [*self.examine(text), *self.read_meaning(text, stage)]
        if stage is Stage.INPUT:
            found += self._of_quoted(text, lambda quoted: self.read(quoted, Stage.MATERIAL))
        return self._once(found, stage)

    def _of_quoted(self, text: str, find: Callable[[str], Iterable[Finding]]) -> Iterator[Finding]:
        quotation = quoted_in(text)
        return map(quotation.located, find(quotation.text) if quotation.text else ())

    def _once(self, found: Iterable[Finding], stage: Stage) -> tuple[Finding, ...]:
        """In the order of the text; what two stages find in one place, by the stricter of them."""
        strictest = sorted(found, key=lambda each: self.action(each, stage).strictness)
        places = {(each.category, each.rule, each.start, each.end): each for each in strictest}
        return _in_order(places.values())

    def read_meaning(self, text: str, stage: Stage | None = None) -> list[Finding]:
        """What the linear tier finds in a whole text. Raises DetectorError.

        In material, where an attack may hide in what is harmless, in each window of it, too.
        """
        each = (self.weigh(text, start, pieces, stage) for start, pieces in passages(ends(text)))
        found = list(chain.from_iterable(each))
        if stage is Stage.MATERIAL:
            linear = Linear(self.policy.thresholds.at(stage), self.linear.weights)
            found += _guarded(linear, len(text), partial(linear.find_hidden, normalise(text)))
        return found

    def weigh(
        self, text: str, start: int, pieces: Sequence[int], stage: Stage | None = None
    ) -> list[Finding]:
        """What the linear tier finds in one passage of a text. Raises DetectorError.

        By the thresholds of the stage, or those that no stage has changed. It reads what was
        written, never what redaction leaves, which only takes words away.
        """
        passage, thresholds = normalise(text[start : pieces[-1]]), self.policy.thresholds
        linear = Linear(thresholds.at(stage), self.linear.weights) if stage else self.linear
        places = [end - start for end in pieces]
        find = partial(linear.find, passage, places)
        found = _guarded(linear, len(passage.original), find)
        if not {each.end for each in found} <= set(places):
            raise DetectorError("Linear: a finding that ends nowhere")
        return moved(found, start)

    def examine(self, text: str) -> tuple[Finding, ...]:
        """What all rules find, in the order of the text. Raises DetectorError."""
        normalised = normalise(text)
        found: list[Finding] = []
        for detector in self.detectors:
            found += _guarded(detector, len(text), partial(detector.find, normalised))
        return _in_order(found)

    def examine_behind(self, before: str, text: str) -> list[Finding]:
        """What all rules find in a text that stands behind another. Raises DetectorError.

        Spans count from the start of `text`; of what starts before it, only what reaches into it.
        """
        found = self.examine(before + text)
        return [each for each in moved(found, -len(before)) if each.end > 0]

    def shown(
        self, text: str, findings: Sequence[Finding], stage: Stage, before: str = ""
    ) -> SafeText | None:
        """The text with what the policy redacts taken out; None where it may not be shown.

        What is returned holds nothing more to redact where it stands, behind `before`, of which
        nothing can be taken back. Raises DetectorError.
        """
        for _ in range(ROUNDS):
            if any(self.action(finding, stage).stops for finding in findings):
                return None
            spans = [each for each in findings if self.action(each, stage) is Action.REDACT]
            if not spans:
                return SafeText(text)
            if min(each.start for each in spans) < 0:
                return None
            text = redact(text, spans, self.policy.links.allow)
            findings = self.examine_behind(before, text)
            if stage is Stage.INPUT:
                findings += self._of_quoted(text, self.examine)
        return None

    def settle(self, findings: Sequence[Finding], stage: Stage, shown: SafeText | None) -> Verdict:
        """The verdict that follows from findings and what of the text may be shown."""
        actions = [self.action(finding, stage) for finding in findings]
        action = max(actions, key=lambda each: each.strictness, default=Action.ALLOW)
        causes = tuple(
            finding
            for finding, each in zip(findings, actions, strict=True)
            if each is action is not Action.ALLOW
        )
        if shown is None and not action.stops:
            action = Action.BLOCK
        if action.stops:
            shown = None
        return Verdict(action, tuple(findings), shown, self.digest, causes)

    def action(self, finding: Finding, stage: Stage) -> Action:
        """What the policy does about a finding."""
        stage = finding.stage or stage
        if finding.rule.startswith(JUDGE_RULE):
            return self.policy.judge_action(stage, finding.category)
        return self.policy.action(stage, finding.category)

    def refuse(self, rule: str) -> Verdict:
        return refusal(rule, self.digest)


async def _asked(
    judge: Judge, text: str, spans: Sequence[tuple[int, int]], stage: Stage, budget: Budget
) -> list[Finding]:
    """What the judge names, of what is quoted in an input too. Raises JudgeError, JudgeLate."""
    found = await judge.find(text, spans, stage, budget)
    if stage is Stage.INPUT and (quotation := quoted_in(text)).text:
        quoted = await asyncio.to_thread(whole_passages, quotation.text)
        named = await judge.find(quotation.text, quoted, Stage.MATERIAL, budget)
        found += map(quotation.located, named)
    return found


def _guarded(detector: object, length: int, find: Callable[[], Iterable[Finding]]) -> list[Finding]:
    """What a detector finds in a text of this length. Raises DetectorError."""
    name = type(detector).__name__
    try:
        findings = list(find())
    except (Exception, asyncio.CancelledError) as error:
        # From None: the cause may quote the text.
        raise DetectorError(f"{name}: {type(error).__name__}") from None
    if not all(_is_sound(finding, length) for finding in findings):
        raise DetectorError(f"{name}: unsound finding")
    return findings


def _in_order(found: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(found, key=lambda finding: (finding.start, finding.end, finding.rule)))


def moved(findings: Sequence[Finding], by: int) -> list[Finding]:
    return [replace(each, start=each.start + by, end=each.end + by) for each in findings]


def _is_sound(finding: Finding, length: int) -> bool:
    return 0 <= finding.start < finding.end <= length and 0.0 <= finding.score <= 1.0
