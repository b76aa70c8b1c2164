"""What each tier makes of a text, and what the policy does about it."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from safety.classifier.passages import ends, passages
from safety.classifier.weights import WeightsError
from safety.judge.judge import JudgeError, JudgeLate
from safety.screening.filter import Filter
from safety.screening.screen import DetectorError, Screen
from safety.screening.verdict import JUDGE_RULE, Action, Finding, Stage
from safety.text.normalise import normalise
from safety.text.quotes import quoted_in


@dataclass(frozen=True, slots=True)
class Told:
    """What a rule or a scorer says: its highest score, what that is held against, what follows.

    A rule has no threshold: it is 0.
    """

    tier: str
    rule: str
    score: float
    threshold: float
    action: Action
    times: int = 1

    def __str__(self) -> str:
        sign = ">=" if self.named else "< "
        action = self.action if self.named else "-"
        times = f" {self.times} times" if self.times > 1 else ""
        held = f"{self.score:.3f} {sign} {self.threshold:.3f}" if self.threshold else "found"
        return f"{self.tier:<7} {self.rule:<28} {held:<14}  {action}{times}"

    @property
    def named(self) -> bool:
        """Whether it is a finding."""
        return self.score >= self.threshold


async def explain(by: Filter, text: str, stage: Stage) -> list[str]:
    """A line for all that was found or scored, then the verdict. Of a failure, only its kind."""
    screen = by.screen
    try:
        said = await _told(screen, text, stage)
        if stage is Stage.INPUT and (quotation := quoted_in(text)).text:
            quoted = await _told(screen, quotation.text, Stage.MATERIAL)
            said += ["what is quoted in it, as material:", *quoted]
    except (DetectorError, JudgeError, WeightsError) as error:
        said = [f"failed: {type(error).__name__}: {error}"]
    except JudgeLate:
        said = ["judge: no answer in time"]
    verdict = await by.judge(text, stage, request="explain")
    rules = f" by {', '.join(verdict.rules)}" if verdict.rules else ""
    return [*said, f"{stage}: {verdict.action}{rules}; policy {verdict.policy}"]


async def _told(screen: Screen, text: str, stage: Stage) -> list[str]:
    """Raises DetectorError, WeightsError, JudgeError, JudgeLate."""
    told = [*_ruled(screen, text, stage), *_meant(screen, text, stage)]
    told += await _judged(screen, text, stage)
    return [str(each) for each in told]


def _ruled(screen: Screen, text: str, stage: Stage) -> Iterator[Told]:
    found = screen.examine(text)
    times = Counter(finding.rule for finding in found)
    for rule, finding in {finding.rule: finding for finding in found}.items():
        yield Told("rule", rule, finding.score, 0.0, screen.action(finding, stage), times[rule])


def _meant(screen: Screen, text: str, stage: Stage) -> Iterator[Told]:
    highest: dict[tuple[str, str], float] = defaultdict(float)
    for start, end, pieces in _passages(text):
        places = [place - start for place in pieces]
        for name, scores in screen.linear.scores(normalise(text[start:end]), places).items():
            highest[name] = max(highest[name], float(scores.max()))
    if stage is Stage.MATERIAL:
        for language, _, _, hidden in screen.linear.hidden(normalise(text)):
            name = language, "prompt_attack"
            highest[name] = max(highest[name], hidden)
    thresholds = screen.policy.thresholds.at(stage)
    for (language, category), score in highest.items():
        finding = Finding(category, f"{category}_{language}", 0, 1, score)
        limit = thresholds.of(language, category)
        yield Told("linear", finding.rule, score, limit, screen.action(finding, stage))


async def _judged(screen: Screen, text: str, stage: Stage) -> list[Told]:
    """Raises JudgeError, JudgeLate."""
    judge, told = screen.judge_tier, []
    if judge is None:
        return []
    texts = [text[start:end] for start, end, _ in _passages(text)]
    highest: dict[str, float] = defaultdict(float)
    for scores in await judge.scores(texts, stage, judge.budget()):
        for category, score in scores.items():
            highest[category] = max(highest[category], score)
    for category, score in highest.items():
        finding = Finding(category, JUDGE_RULE + category, 0, 1, score)
        action = screen.action(finding, stage)
        told.append(Told("judge", finding.rule, score, judge.policy.threshold(category), action))
    return told


def _passages(text: str) -> Iterator[tuple[int, int, Sequence[int]]]:
    for start, pieces in passages(ends(text)):
        yield start, pieces[-1], pieces
