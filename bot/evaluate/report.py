"""The tables of one run: each check, each kind, and how often replies are followed."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from statistics import fmean

from bot.evaluate.checks import CHECKS, WISH
from bot.evaluate.results import Run, Text
from bot.intervals import Interval, wilson

LANGUAGE_NAMES = {"en": "English", "zh": "Chinese"}
ALL = "**all checks**"


def tables(run: Run) -> str:
    """Return all tables of a run, in Markdown."""
    texts = run.texts
    briefs = len({text.case for text in texts})
    lines = [f"## {run.title}", "", f"{briefs} briefs, {len(texts)} texts, seed {run.seed}."]
    for language in sorted({text.language for text in texts}):
        spoken = [text for text in texts if text.language == language]
        lines += ["", f"### {LANGUAGE_NAMES[language]}", "", *_by_check(spoken)]
        lines += ["", *_by_kind(spoken)]
    return "\n".join([*lines, "", *_wishes(texts), ""])


def share(texts: Iterable[Text], passed: Callable[[Text], bool]) -> Interval | None:
    """Return the share of the texts; the interval counts briefs, whose texts are alike."""
    found = list(texts)
    if not found:
        return None
    return wilson(fmean(map(passed, found)), len({text.case for text in found}))


def share_of(texts: Iterable[Text], name: str) -> Interval | None:
    """Return the share of the texts that pass a check, among those that it applies to."""
    return share((t for t in texts if name in t.checks), lambda t: t.checks[name])


def shown(interval: Interval | None) -> str:
    """Return a share in percent with its interval."""
    if interval is None:
        return "-"
    value, low, high = (100 * part for part in (interval.value, interval.low, interval.high))
    return f"{value:.0f} % [{low:.0f}, {high:.0f}]"


def _by_check(texts: Sequence[Text]) -> Iterator[str]:
    yield "| check | texts | passed | open half | held-back half |"
    yield "|---|---|---|---|---|"
    halves = {half: [t for t in texts if t.half == half] for half in ("open", "held-back")}
    for name in CHECKS:
        count = sum(name in text.checks for text in texts)
        if count:
            parts = [shown(share_of(part, name)) for part in (texts, *halves.values())]
            yield f"| {name} | {count} | {' | '.join(parts)} |"
    parts = [shown(share(part, _is_sound)) for part in (texts, *halves.values())]
    yield f"| {ALL} | {len(texts)} | {' | '.join(parts)} |"


def _by_kind(texts: Sequence[Text]) -> Iterator[str]:
    by_kind: dict[str, list[Text]] = defaultdict(list)
    for text in texts:
        by_kind[text.kind].append(text)
    kinds = sorted(by_kind)
    yield f"| check | {' | '.join(kinds)} |"
    yield f"|---|{'---|' * len(kinds)}"
    for name in CHECKS:
        shares = [share_of(by_kind[kind], name) for kind in kinds]
        if any(shares):
            yield f"| {name} | {' | '.join(map(_percent, shares))} |"
    yield f"| {ALL} | {' | '.join(shown(share(by_kind[kind], _is_sound)) for kind in kinds)} |"


def _percent(interval: Interval | None) -> str:
    return "-" if interval is None else f"{100 * interval.value:.0f} %"


def _is_sound(text: Text) -> bool:
    return text.is_sound


def _wishes(texts: Sequence[Text]) -> Iterator[str]:
    """Yield how often refinements did what was asked: the goal is 90 %."""
    for half in (None, "held-back"):
        part = [text for text in texts if half in (None, text.half)]
        followed = share_of(part, WISH)
        if followed is not None:
            yield f"Refinements that follow, {half or 'all briefs'}: {shown(followed)}."
