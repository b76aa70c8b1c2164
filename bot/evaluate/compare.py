"""Two runs side by side: the difference of each check over the same briefs."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from statistics import fmean

from bot.errors import OperatorError
from bot.evaluate.checks import CHECKS
from bot.evaluate.results import Run, Text
from bot.intervals import Interval, exact_test, mean_difference

ALL = "all checks"


def comparison(old: Run, new: Run) -> str:
    """Return the table, in Markdown: how much more often the second passes. Raises OperatorError.

    A pair is a brief that both have; its texts, and those of its refinements, are averaged.
    """
    lines = [f"## {new.title} against {old.title}"]
    for half in (None, "open", "held-back"):
        table = list(_table(old, new, half))
        if table:
            lines += ["", f"### {half or 'all'} briefs", "", *HEAD, *table]
    if len(lines) == 1:
        raise OperatorError("These two runs have no brief in common.")
    return "\n".join([*lines, ""])


HEAD = (
    "| check | pairs | first | second | difference (points) | better, worse | p |",
    "|---|---|---|---|---|---|---|",
)


def _table(old: Run, new: Run, half: str | None) -> Iterator[str]:
    for name in (*CHECKS, ALL):
        befores, afters = _passes(old, name, half), _passes(new, name, half)
        both = sorted(befores.keys() & afters.keys())
        if both:
            yield _row(name, [(befores[case], afters[case]) for case in both])


def _row(name: str, pairs: list[tuple[float, float]]) -> str:
    differences = [after - before for before, after in pairs]
    first, second = (fmean(each) for each in zip(*pairs, strict=True))
    better, worse = (sum(d > 0 for d in differences), sum(d < 0 for d in differences))
    points = _points(mean_difference(differences))
    shares = f"{100 * first:.0f} % | {100 * second:.0f} %"
    p = exact_test(differences)
    return f"| {name} | {len(pairs)} | {shares} | {points} | {better}, {worse} | {p:.3f} |"


def _points(interval: Interval) -> str:
    value, low, high = (100 * part for part in (interval.value, interval.low, interval.high))
    return f"{value:+.0f} [{low:+.0f}, {high:+.0f}]"


def _passes(run: Run, name: str, half: str | None) -> Mapping[str, float]:
    """Return the share of texts that pass, by brief: a draft and its refinement are alike."""
    found: dict[str, list[bool]] = defaultdict(list)
    for text in run.texts:
        passed = _passed(text, name)
        if passed is not None and half in (None, text.half):
            found[text.case].append(passed)
    return {case: fmean(passed) for case, passed in found.items()}


def _passed(text: Text, name: str) -> bool | None:
    return text.is_sound if name == ALL else text.checks.get(name)
