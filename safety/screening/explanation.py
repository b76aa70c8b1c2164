"""What each tier makes of a text, and what the policy does about it, as lines for people."""

from collections import Counter
from collections.abc import Iterator

from safety.classifier.weights import WeightsError
from safety.judge.judge import JudgeError, JudgeLate, highest
from safety.screening.filter import Filter
from safety.screening.screening import DetectorError, Screening
from safety.text.normalise import NormalisedText, normalise
from safety.verdict import JUDGE_RULE, Action, Finding, Stage


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
    rules, meanings = _of_rules(screening, text, stage), _of_classifier(screening, text, stage)
    return [*rules, *meanings, *await _of_judge(screening, text, stage)]


def _of_rules(screening: Screening, text: NormalisedText, stage: Stage) -> Iterator[str]:
    found = screening.examine(text)
    times = Counter(finding.rule for finding in found)
    for rule, finding in {finding.rule: finding for finding in found}.items():
        often = f" {times[rule]} times" if times[rule] > 1 else ""
        yield _line("rule", rule, "found", screening.action(finding, stage)) + often


def _of_classifier(screening: Screening, text: NormalisedText, stage: Stage) -> Iterator[str]:
    best = screening.classifier.highest(text)
    if stage is Stage.MATERIAL:
        for language, _, _, score in screening.classifier.likeliest_attacks(text):
            name = language, "prompt_attack"
            best[name] = max(best[name], score)
    thresholds = screening.policy.thresholds.at(stage)
    for (language, category), score in best.items():
        finding = Finding(category, f"{category}_{language}", 0, 1, score)
        action = screening.action(finding, stage)
        yield _scored("linear", finding, thresholds.of(language, category), action)


async def _of_judge(screening: Screening, text: NormalisedText, stage: Stage) -> list[str]:
    judge = screening.judge_tier
    if judge is None:
        return []
    texts = [text.original[slice(*passage.span)] for passage in text.passages]
    scores = highest(await judge.scores(texts, stage, judge.budget()))
    found = [Finding(name, JUDGE_RULE + name, 0, 1, score) for name, score in scores.items()]
    return [
        _scored("judge", each, judge.policy.threshold(each.category), screening.action(each, stage))
        for each in found
    ]


def _scored(tier: str, finding: Finding, threshold: float, action: Action) -> str:
    is_named = finding.score >= threshold
    score = f"{finding.score:.3f} {'>=' if is_named else '< '} {threshold:.3f}"
    return _line(tier, finding.rule, score, str(action) if is_named else "-")


def _line(tier: str, rule: str, score: str, action: str) -> str:
    return f"{tier:<7} {rule:<28} {score:<14}  {action}"
