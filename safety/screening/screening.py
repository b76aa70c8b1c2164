"""What detectors, classifier and judge find in a text, and what the policy does about it."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial

import structlog

from safety.classifier.classifier import MeaningClassifier
from safety.classifier.weights import packaged
from safety.detectors import Detector, rules
from safety.judge.judge import Judge, JudgeBudget, JudgeError, JudgeLate
from safety.policy.policy import JUDGE_LATE, Policy
from safety.screening.judging_threads import JudgingThreads
from safety.screening.redact import redact
from safety.text.normalise import NormalisedText, normalise
from safety.text.segmentation import Passage
from safety.verdict import JUDGE_RULE, Action, Finding, SafeText, Stage, Verdict, refusal

log = structlog.get_logger(__name__)

# Each redaction may bring together what the text held apart; more rounds than this is an attack.
ROUNDS = 4
EMPTY = normalise("")


class DetectorError(Exception):
    """A detector failed. The message names the detector and the kind of failure, never text."""


class Screening:
    """All tiers under one policy, without memory: the same text gets the same verdict."""

    def __init__(
        self,
        policy: Policy,
        judge: Judge | None = None,
        *,
        digest: str | None = None,
        threads: JudgingThreads | None = None,
    ) -> None:
        """Take the digest that names the policy in verdicts; by default it is the policy's own.

        `threads` are those of another screening of the same filter.
        """
        self.policy = policy
        self.threads = threads or JudgingThreads()
        self.digest = digest or policy.digest
        self.judge_tier = judge
        self.detectors: tuple[Detector, ...] = rules(policy)
        self.classifier = MeaningClassifier(packaged)
        self._thresholds = {stage: policy.thresholds.at(stage) for stage in Stage}

    async def in_time(self, work: Callable[[], Verdict]) -> Verdict:
        """Run work off the event loop, within the policy's time. Any failure is a block."""
        try:
            return await self.threads.run(work, self.policy.timeout_seconds)
        except DetectorError as error:
            return self._failed(str(error))
        except Exception as error:
            return self._failed(type(error).__name__)

    async def judged(
        self,
        verdict: Verdict,
        text: NormalisedText,
        spans: Sequence[tuple[int, int]],
        stage: Stage,
        budget: JudgeBudget | None,
    ) -> Verdict:
        """Return the verdict once the judge has read these passages too: never a milder one.

        Lines that an input quotes are read as material, too. The judge is not asked about a text
        that is stopped already. `budget` is None if there is no judge.
        """
        judge = self.judge_tier
        if judge is None or budget is None or verdict.text is None:
            return verdict
        try:
            found = await judge.find(text.original, spans, stage, budget)
            if stage is Stage.INPUT and (quoted := text.quoted):
                passages = [passage.span for passage in quoted.passages]
                named = await judge.find(quoted.original, passages, Stage.MATERIAL, budget)
                found += map(text.quotation.located, named)
        except JudgeLate:
            found = [Finding(JUDGE_LATE, JUDGE_LATE, 0, len(text.original))]
        except JudgeError as error:
            return self._failed(f"Judge: {error}")
        if not all(_is_sound(each, len(text.original)) for each in found):
            return self._failed("Judge: unsound finding")
        return self.settle(self._once((*verdict.findings, *found), stage), stage, verdict.text)

    def _failed(self, cause: str) -> Verdict:
        log.error("detector_error", cause=cause)
        return self.refuse("detector_error")

    def judge(self, text: NormalisedText, stage: Stage) -> Verdict:
        """Return the verdict of rules and classifier on a whole text. Raises DetectorError."""
        findings = self.read(text, stage)
        return self.settle(findings, stage, self.shown(text, findings, stage))

    def read(self, text: NormalisedText, stage: Stage) -> tuple[Finding, ...]:
        """Return what rules and classifier find in a whole text, in its order.

        Lines that an input quotes are read as material, too. Raises DetectorError.
        """
        found = [*self.examine(text), *self.read_meaning(text, stage)]
        if stage is Stage.INPUT:
            found += _in_quoted(text, partial(self.read, stage=Stage.MATERIAL))
        return self._once(found, stage)

    def _once(self, found: Iterable[Finding], stage: Stage) -> tuple[Finding, ...]:
        """Sort findings; of those that two stages find in one place, keep the stricter."""
        strictest = sorted(found, key=lambda each: self.action(each, stage).strictness)
        places = {(each.category, each.rule, each.start, each.end): each for each in strictest}
        return _in_order(places.values())

    def read_meaning(self, text: NormalisedText, stage: Stage | None = None) -> list[Finding]:
        """Return what the classifier finds in a whole text. Raises DetectorError.

        Material is read in windows, too: an attack may hide in harmless text.
        """
        found = [each for passage in text.passages for each in self.weigh(text, passage, stage)]
        if stage is Stage.MATERIAL:
            find = partial(self.classifier.find_in_windows, text, self._thresholds[stage])
            found += _guarded(self.classifier, len(text.original), find)
        return found

    def weigh(
        self, text: NormalisedText, passage: Passage, stage: Stage | None = None
    ) -> list[Finding]:
        """Return what the classifier finds in one passage of a text. Raises DetectorError.

        By the thresholds of the stage, or by those that hold for every stage. It reads the text as
        it was written, never as it was redacted, which only takes words away.
        """
        thresholds = self._thresholds[stage] if stage else self.policy.thresholds
        part, ends = text.part(*passage.span), passage.lengths
        find = partial(self.classifier.find, part, ends, thresholds)
        found = _guarded(self.classifier, len(part.original), find)
        if not {each.end for each in found} <= set(ends):
            raise DetectorError("MeaningClassifier: a finding that ends nowhere")
        return moved(found, passage.start)

    def examine(self, text: NormalisedText) -> tuple[Finding, ...]:
        """Return what all rules find, in the order of the text. Raises DetectorError."""
        found: list[Finding] = []
        for detector in self.detectors:
            found += _guarded(detector, len(text.original), partial(detector.find, text))
        return _in_order(found)

    def examine_behind(self, before: NormalisedText, text: NormalisedText) -> list[Finding]:
        """Return what all rules find in a text that follows another one. Raises DetectorError.

        Spans count from the start of `text`. A finding that begins before it is returned only if it
        reaches into it.
        """
        found = self.examine(before + text)
        return [each for each in moved(found, -len(before.original)) if each.end > 0]

    def shown(
        self,
        text: NormalisedText,
        findings: Sequence[Finding],
        stage: Stage,
        before: NormalisedText = EMPTY,
    ) -> SafeText | None:
        """Return the text without what the policy redacts; None if it may not be shown.

        The result has nothing more to redact where it follows `before`, which is shown already.
        Raises DetectorError.
        """
        for _ in range(ROUNDS):
            if any(self.action(finding, stage).stops for finding in findings):
                return None
            spans = [each for each in findings if self.action(each, stage) is Action.REDACT]
            if not spans:
                return SafeText(text.original)
            if min(each.start for each in spans) < 0:
                return None
            text = normalise(redact(text, spans, self.policy.links.allow))
            findings = self.examine_behind(before, text)
            if stage is Stage.INPUT:
                findings += _in_quoted(text, self.examine)
        return None

    def settle(self, findings: Sequence[Finding], stage: Stage, shown: SafeText | None) -> Verdict:
        """Return the verdict that follows from findings and from what may be shown."""
        actions = [self.action(finding, stage) for finding in findings]
        action = max(actions, key=lambda each: each.strictness, default=Action.ALLOW)
        pairs = zip(findings, actions, strict=True)
        causes = tuple(each for each, its in pairs if its is action is not Action.ALLOW)
        if shown is None and not action.stops:
            action = Action.BLOCK
        if action.stops:
            shown = None
        return Verdict(action, tuple(findings), shown, self.digest, causes)

    def action(self, finding: Finding, stage: Stage) -> Action:
        """Return what the policy does about a finding."""
        stage = finding.stage or stage
        if finding.rule.startswith(JUDGE_RULE):
            return self.policy.judge_action(stage, finding.category)
        return self.policy.action(stage, finding.category)

    def refuse(self, rule: str) -> Verdict:
        return refusal(rule, self.digest)


def _in_quoted(
    text: NormalisedText, find: Callable[[NormalisedText], Iterable[Finding]]
) -> Iterable[Finding]:
    return map(text.quotation.located, find(text.quoted) if text.quoted else ())


def _guarded(detector: object, length: int, find: Callable[[], Iterable[Finding]]) -> list[Finding]:
    """Return what a detector finds in a text of this length. Raises DetectorError."""
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
    """Return findings with their spans moved by so many characters."""
    return [replace(each, start=each.start + by, end=each.end + by) for each in findings]


def _is_sound(finding: Finding, length: int) -> bool:
    return 0 <= finding.start < finding.end <= length and 0.0 <= finding.score <= 1.0
