"""The report of a measurement: figures of judged rows, for JSON and as tables."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np

from safety.training.dataset import NAMED, LabelledSpan, LabelledText, counts_at, has
from safety.training.metrics import Counts, Rate, counts, curve
from safety.verdict import Finding

TIERS = ("rules", "linear")  # as reports name them: "linear" is the classifier
RULED = {
    "pii": ("card", "identity", "account", "email", "phone", "handle", "ip_address"),
    "secret": ("secret",),
}
"""Labelled categories that rules find, and what they call them."""
RATES = (0.01, 0.02, 0.05, 0.1, 0.2)
"""False-alarm rates at which the JSON report gives the recall."""
KINDS = {
    "EMAIL_ADDRESS": "email",
    "EMAIL": "email",
    "PHONE_NUMBER": "phone",
    "PHONE": "phone",
    "CREDIT_CARD": "card",
    "BANK_CARD": "card",
    "IBAN_CODE": "account",
    "CRYPTO": "account",
    "US_SSN": "identity",
    "IP_ADDRESS": "ip_address",
}
"""Kinds of labelled spans that the filter looks for, besides all spans in rows labelled `secret`.

Spans of other kinds are left out.
"""


@dataclass(frozen=True, slots=True)
class Judged:
    """A row, and what the filter finds in it.

    scores, margins: by category the highest score of any piece, and by how much its log-odds are
    over those of the threshold.
    """

    row: LabelledText
    file: str
    quarter: int | None
    findings: tuple[Finding, ...]
    scores: dict[str, float]
    margins: dict[str, float]
    rules_ms: float
    classifier_ms: float

    def score(self, category: str, labelled: Collection[str] = ()) -> float:
        """Return what rows are ranked by: a score; for `any`, the highest margin.

        Only `labelled` categories count, because a row without labels of harmful answers does not
        tell whether it is one. `unsafe`, if it is one of them, replaces its parts.
        """
        if category in RULED:
            return float(self.is_flagged(category))
        if category != "any":
            return self.scores.get(category, 0.0)
        names = set(labelled) - (NAMED if "unsafe" in labelled else set())
        counted = (name for name in names & set(self.margins) if counts_at(name, self.row.stage))
        return max((self.margins[name] for name in counted), default=-inf)

    def is_flagged(self, category: str) -> bool:
        named = {finding.category for finding in self.findings}
        if category == "any":
            return any(name in self.scores and counts_at(name, self.row.stage) for name in named)
        return bool(named & set(RULED.get(category, (category,))))


def report(judged: Sequence[Judged]) -> dict[str, Any]:
    """Return everything that is printed, ready for JSON."""
    groups: dict[str, Callable[[Judged], str]] = {
        "file": lambda each: each.file,
        "source": lambda each: each.row.source,
        "lang": lambda each: each.row.lang,
    }
    if judged[0].quarter is not None:
        groups["quarter"] = lambda each: f"{each.quarter} of {each.file}"
    return {
        "tiers": list(TIERS),
        "rows": len(judged),
        "texts": [
            {"by": by, "group": name, **measured(members, category)}
            for by, key in groups.items()
            for name in sorted({key(each) for each in judged})
            for members in [[each for each in judged if key(each) == name]]
            for category in categories(members)
        ],
        "spans": [
            span_figures(judged, category) for category in sorted({*KINDS.values(), "secret"})
        ],
        "latency_ms": {
            tier: {name: float(np.quantile(times, q)) for name, q in (("p50", 0.5), ("p99", 0.99))}
            for tier, times in {
                "rules": [each.rules_ms for each in judged],
                "linear": [each.classifier_ms for each in judged],
                "both": [each.rules_ms + each.classifier_ms for each in judged],
            }.items()
        },
    }


def categories(judged: Sequence[Judged]) -> list[str]:
    """Return `any`, the labelled categories, and `unsafe` if several meanings are labelled."""
    labelled = sorted({category for each in judged for category in each.row.categories})
    return ["any", *labelled, *(["unsafe"] if len(NAMED & set(labelled)) > 1 else [])]


def measured(judged: Sequence[Judged], category: str) -> dict[str, Any]:
    """Return figures of some rows for one category: at the thresholds, and as a ranking."""
    labels = np.array([is_labelled(each.row, category) for each in judged])
    flagged = np.array([each.is_flagged(category) for each in judged])
    at_policy = counts(labels, flagged)
    labelled = categories(judged)
    ranking = curve(labels, np.array([each.score(category, labelled) for each in judged]))
    return {
        "category": category,
        "rows": len(judged),
        "labelled": int(labels.sum()),
        **rates(at_policy),
        "auprc": ranking and ranking.auprc,
        "best_f1": ranking and ranking.best_f1,
        "recall_at_5_percent": ranking and ranking.recall_at(0.05),
        "trade_off": ranking and {str(rate): ranking.recall_at(rate) for rate in RATES},
    }


def is_labelled(row: LabelledText, category: str) -> bool:
    """Say whether a row is labelled so; `any` is any meaning, not personal data or secrets."""
    if category == "any":
        return row.unsafe and not set(row.categories) & set(RULED)
    return has(row, category)


def rates(found: Counts) -> dict[str, Any]:
    named: dict[str, Rate] = {
        "precision": found.precision,
        "recall": found.recall,
        "false_alarms": found.false_alarm_rate,
    }
    each = {name: {"value": rate.value, "interval": rate.interval} for name, rate in named.items()}
    return {**each, "f1": {"value": found.f1, "interval": found.f1_interval}}


def span_figures(judged: Sequence[Judged], category: str) -> dict[str, Any]:
    """Return figures of spans: one is found if a finding of its category overlaps it."""
    hits = misses = false_alarms = 0
    for each in judged:
        labels = each.row.spans
        wanted = [(span.start, span.end) for span in labels if kind(each.row, span) == category]
        given = [(one.start, one.end) for one in each.findings if one.category == category]
        found = sum(overlap(span, given) for span in wanted)
        hits, misses = hits + found, misses + len(wanted) - found
        # An unsafe row without spans does not say where.
        if labels or not each.row.unsafe:
            false_alarms += sum(not overlap(span, wanted) for span in given)
    return {"category": category, **rates(Counts(hits, false_alarms, misses, 0))}


def kind(row: LabelledText, label: LabelledSpan) -> str | None:
    return KINDS.get(label.kind, "secret" if "secret" in row.categories else None)


def overlap(span: tuple[int, int], others: Iterable[tuple[int, int]]) -> bool:
    return any(span[0] < end and start < span[1] for start, end in others)


def lines(found: dict[str, Any]) -> Iterator[str]:
    """Yield the report as tables for people."""
    yield f"Tiers that ran: {', '.join(found['tiers'])}. Rows: {found['rows']}."
    yield (
        f"{'group':32}{'category':16}{'rows':>6}{'unsafe':>7}  "
        + "".join(f"{name:19}" for name in ("precision", "recall", "false alarms", "F1"))
        + "AUPRC    best F1  recall at 5 %"
    )
    for text in found["texts"]:
        cells = (text[name] for name in ("precision", "recall", "false_alarms", "f1"))
        ranking = (text[name] for name in ("auprc", "best_f1", "recall_at_5_percent"))
        yield (
            f"{text['by'] + ' ' + text['group']:32.31}{text['category']:16}"
            f"{text['rows']:6}{text['labelled']:7}  "
            + "".join(f"{_cell(cell):19}" for cell in cells)
            + "".join(f"{_number(number):9}" for number in ranking).rstrip()
        )
    for spans in found["spans"]:
        cells = (f"{name} {_cell(spans[name])}" for name in ("precision", "recall", "f1"))
        yield f"spans {spans['category']:12}" + "  ".join(cells)
    for tier, times in found["latency_ms"].items():
        yield f"latency {tier:8}p50 {times['p50']:.2f} ms  p99 {times['p99']:.2f} ms"


def _cell(rate: dict[str, Any]) -> str:
    if rate["value"] is None:
        return "-"
    low, high = rate["interval"]
    return f"{rate['value']:.3f} {low:.2f}..{high:.2f}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
