"""What each detector makes of a text, and what the policy does about it; never what has failed."""

from collections.abc import Iterator
from dataclasses import dataclass

from safety.filter import Filter
from safety.judge import JudgeError, JudgeLate
from safety.normalise import normalise
from safety.passages import ends, passages
from safety.policy import JUDGE_LATE
from safety.screen import DetectorError, Screen
from safety.verdict import JUDGE_RULE, Action, Finding, Stage
from safety.weights import WeightsError


@dataclass(frozen=True, slots=True)
class Told:
    """One thing that a tier says of the text: the threshold it is held against, what follows."""

    tier: str
    rule: str
    score: float
    threshold: float
    action: Action

    def __post_init__(self) -> None:
        assert self.action is Action.ALLOW or self.score >= self.threshold

    def __str__(self) -> str:
        compared = ">=" if self.score >= self.threshold else "<"
        return (
            f"{self.tier:<7} {self.rule:<26} {self.score:.3f} {compared:>2} "
            f"{self.threshold:.3f}  {self.action}"
        )


async def explain(by: Filter, text: str, stage: Stage) -> list[str]:
    """A line for each rule that was broken and each meaning that was scored, then the verdict."""
    told = [str(each) for each in _told(by.screen, text, stage)]
    told += [str(each) async for each in _judged(by.screen, text, stage)]
    verdict = await by.judge(text, stage, request="explain")
    rules = f" ({', '.join(verdict.rules)})" if verdict.rules else ""
    return [*told, f"{stage}: {verdict.action}{rules}, policy {verdict.policy}"]
