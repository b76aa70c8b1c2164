"""The filter: every text that comes in or goes out is judged here, or is not shown.

It fails closed. A detector that raises, takes too long or answers nonsense blocks the text.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from safety.audit.audit_log import AuditLog, Case
from safety.audit.hash_chain import ChainError
from safety.classifier.passages import whole_passages
from safety.classifier.weights import WeightsError
from safety.judge.judge import Judge, JudgeError, JudgeLate, JudgeServer, JudgeUnset
from safety.policy.policy import Policy
from safety.screening.gate import Gate
from safety.screening.screen import Screen
from safety.screening.self_test import FORMS, MEANINGS
from safety.screening.verdict import Action, Stage, Verdict
from safety.text.normalise import normalise


class FilterError(RuntimeError):
    """The filter does not find what it must find, and cannot be used."""


@dataclass(frozen=True, slots=True)
class Health:
    """What of the filter does not work; while anything does not, texts are blocked."""

    troubles: tuple[str, ...] = ()

    @property
    def degraded(self) -> bool:
        return bool(self.troubles)


class Filter:
    """Judges texts by a policy. Safe to share between tasks."""

    def __init__(
        self,
        policy: Policy,
        *,
        audit: AuditLog | None = None,
        worker: JudgeServer | None = None,
        base: "Filter | None" = None,
    ) -> None:
        """`worker` is the judge where the policy names no other. Raises FilterError.

        `base` is the filter whose policy this one's is laid over: they ask one judge, and detectors
        that found their samples there find them here.
        """
        self.policy = policy
        self.audit = audit
        judge = base.screen.judge_tier if base else _judge(policy, worker)
        self.screen: Screen = Screen(policy, judge)
        self._decided = {
            decision: Screen(policy.holding_as(decision), judge, digest=self.screen.digest)
            for decision in (Action.ALLOW, Action.REDACT)
        }
        self._places: dict[str, Filter] = {}
        if base is None:
            self.self_test()

    def within(self, workspace: str, channel: str) -> "Filter":
        """The filter by the policy of a channel of a workspace; often this one."""
        policy = self.policy.within(workspace, channel)
        if policy is self.policy:
            return self
        if policy.digest not in self._places:
            self._places[policy.digest] = Filter(policy, audit=self.audit, base=self)
        return self._places[policy.digest]

    async def judge(
        self,
        text: str,
        stage: Stage,
        *,
        request: str,
        who: str = "",
        held: Action = Action.HOLD,
    ) -> Verdict:
        """The verdict on a whole text. Whatever the text holds, it raises nothing.

        What is quoted in an input is judged as material, too. `held` is what a person has decided
        about all that the policy holds: ALLOW or REDACT.
        """
        case = Case(self.audit, stage, request, who)
        screen = self._decided.get(held, self.screen)
        return await case.close(await _verdict(screen, text, stage), text)

    async def decided(
        self, decision: str, categories: Sequence[str], stage: Stage, *, request: str, who: str
    ) -> None:
        """Writes down what a person decided about a held text. Raises OSError."""
        await Case(self.audit, stage, request, who).note(
            decision, categories, policy=self.screen.digest
        )

    def gate(self, *, request: str, who: str = "") -> Gate:
        """A gate for one draft, whose text comes in chunks."""
        return Gate(self.screen, Case(self.audit, Stage.OUTPUT, request, who))

    async def health(self) -> Health:
        """Tries each tier once more, and the audit log."""
        troubles = []
        try:
            async with asyncio.timeout(self.policy.timeout_seconds):
                await asyncio.to_thread(self.self_test)
        except FilterError as error:
            troubles.append(str(error))
        except Exception as error:
            troubles.append(f"A detector fails: {type(error).__name__}.")
        troubles += await _trouble_of_judge(self.screen.judge_tier)
        troubles += await _trouble_of_audit(self.audit)
        return Health(tuple(troubles))

    def self_test(self) -> None:
        """Raises FilterError, one sentence, where a category does not find its known positive."""
        for category, sample in FORMS.items():
            if category not in {finding.category for finding in self.screen.examine(sample)}:
                raise _lost(category)
        try:
            for (language, category), (sample, least) in MEANINGS.items():
                scores = self.screen.linear.scores(normalise(sample), [len(sample)])
                if not scores[language, category][-1] >= least:
                    raise _lost(f"{category} ({language})")
        except WeightsError as error:
            raise FilterError(str(error)) from None


async def _trouble_of_judge(judge: Judge | None) -> list[str]:
    """By a plain sentence: what a good judge makes of it is not asked, only that it answers."""
    if judge is None:
        return []
    try:
        await judge.scores(["The office opens on Monday."], Stage.INPUT, judge.budget())
    except JudgeLate:
        return ["The judge does not answer in time: see [judge] in the policy."]
    except JudgeError as error:
        return [f"The judge gives no answer that can be read ({error}): see [judge] in the policy."]
    return []


async def _trouble_of_audit(audit: AuditLog | None) -> list[str]:
    if audit is None:
        return []
    try:
        await audit.check()
    except (OSError, ChainError) as error:
        cause = getattr(error, "strerror", None) or type(error).__name__
        return [f"The audit log cannot be written ({cause}): check its disk and its folder."]
    return []


async def _verdict(screen: Screen, text: str, stage: Stage) -> Verdict:
    """By all tiers."""
    verdict = await screen.in_time(lambda: screen.judge(text, stage))
    if screen.judge_tier is None or not verdict.allowed:
        return verdict
    spans = await asyncio.to_thread(whole_passages, text)
    return await screen.judged(verdict, text, spans, stage, screen.judge_tier.budget())


def _judge(policy: Policy, worker: JudgeServer | None) -> Judge | None:
    try:
        return Judge(policy.judge, worker) if policy.judge else None
    except JudgeUnset as error:
        raise FilterError(str(error)) from None


def _lost(category: str) -> FilterError:
    return FilterError(
        f"The filter does not find its known sample of {category}: "
        "check the policy file, or install this version again."
    )
