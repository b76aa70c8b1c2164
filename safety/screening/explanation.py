"""What each tier makes of a text, and what the policy does about it, as lines for people."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from safety.classifier.weights import WeightsError
from safety.judge.judge import JudgeError, JudgeLate, highest
from safety.screening.filter import Filter
from safety.screening.screening import DetectorError, Screening
from safety.text.normalise import NormalisedText, normalise
from safety.verdict import JUDGE_RULE, Action, Finding, Stage


@dataclass(frozen=True, slots=True)
class ScoreLine:
    """A rule or a category: its highest score, its threshold, the action that follows.

    A rule has no threshold: it is 0.
    """

    tier: str
    rule: str
    score: float
    threshold: float
    action: Action
    times: int = 1

    def __str__(self) -> str:
        is_named = self.score >= self.threshold
        sign, action = (">=", str(self.action)) if is_named else ("< ", "-")
        times = f" {self.times} times" if self.times > 1 else ""
        held = f"{self.score:.3f} {sign} {self.threshold:.3f}" if self.threshold else "found"
        return f"{self.tier:<7} {self.rule:<28} {held:<14}  {action}{times}"


async def explain(by: Filter, text: str, stage: Stage) -> list[str]:
    """Return a line for each finding and score, then the verdict; of a failure, only its kind."""
    try:
        read = normalise(text)
        said = await _lines(by.screening, read, stage)
        if stage is Stage.INPUT and read.quoted:
            quoted = await _lines(by.screening, read.quoted, Stage.MATERIAL)
            said += ["what is quoted in it, as material:", *quoted]
    except (DetectorError, JudgeError, WeightsError) as error:
        said = [f"failed: {type(error).__name__}: {error}"]
    except JudgeLate:
        said = ["judge: no answer in time"]
    verdict = await by.judge(text, stage, request="explain")
    rules = f" by {', '.join(verdict.rules)}" if verdict.rules else ""
    return [*said, f"{stage}: {verdict.action}{rules}; policy {verdict.policy}"]


async def _lines(screening: Screening, text: NormalisedText, stage: Stage) -> list[str]:
    """Return a line for each. Raises DetectorError, WeightsError, JudgeError, JudgeLate."""
    lines = [*_of_rules(screening, text, stage), *_of_classifier(screening, text, stage)]
    lines += await _of_judge(screening, text, stage)
    return [str(each) for each in lines]


def _of_rules(screening: Screening, text: NormalisedText, stage: Stage) -> Iterator[ScoreLine]:
    found = screening.examine(text)
    times = Counter(finding.rule for finding in found)
    for rule, finding in {finding.rule: finding for finding in found}.items():
        action = screening.action(finding, stage)
        yield ScoreLine("rule", rule, finding.score, 0.0, action, times[rule])


def _of_classifier(screening: Screening, text: NormalisedText, stage: Stage) -> Iterator[ScoreLine]:
    best: dict[tuple[str, str], float] = defaultdict(float)
    for passage in text.passages:
        part = text.part(*passage.span)
        for name, scores in screening.classifier.scores(part, passage.lengths).items():
            best[name] = max(best[name], float(scores.max()))
    if stage is Stage.MATERIAL:
        for language, _, _, score in screening.classifier.likeliest_attacks(text):
            name = language, "prompt_attack"
            best[name] = max(best[name], score)
    thresholds = screening.policy.thresholds.at(stage)
    for (language, category), score in best.items():
        finding = Finding(category, f"{category}_{language}", 0, 1, score)
        limit = thresholds.of(language, category)
        yield ScoreLine("linear", finding.rule, score, limit, screening.action(finding, stage))


async def _of_judge(screening: Screening, text: NormalisedText, stage: Stage) -> list[ScoreLine]:
    """Return a line for each category that the judge scores. Raises JudgeError, JudgeLate."""
    judge, lines = screening.judge_tier, []
    if judge is None:
        return []
    texts = [text.original[slice(*passage.span)] for passage in text.passages]
    scores = highest(await judge.scores(texts, stage, judge.budget()))
    for category, score in scores.items():
        finding = Finding(category, JUDGE_RULE + category, 0, 1, score)
        action = screening.action(finding, stage)
        lines.append(
            ScoreLine("judge", finding.rule, score, judge.policy.threshold(category), action)
        )
    return lines
