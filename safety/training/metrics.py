"""Figures of a detector on labelled texts: rates with intervals, and areas under curves."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from safety.classifier.features import FloatArray

Bools = NDArray[np.bool_]
Z = 1.959964  # of the normal distribution, for 95 %


@dataclass(frozen=True, slots=True)
class Rate:
    """A share with its 95 % interval (Wilson 1927); both are None if there is nothing to count."""

    hits: int
    of: int

    def __post_init__(self) -> None:
        assert 0 <= self.hits <= self.of

    @property
    def value(self) -> float | None:
        return self.hits / self.of if self.of else None

    @property
    def interval(self) -> tuple[float, float] | None:
        if not self.of:
            return None
        share, weight = self.hits / self.of, Z * Z / self.of
        middle = (share + weight / 2) / (1 + weight)
        half = Z * np.sqrt(share * (1 - share) / self.of + weight / self.of / 4) / (1 + weight)
        return max(0.0, float(middle - half)), min(1.0, float(middle + half))


@dataclass(frozen=True, slots=True)
class Counts:
    """What was flagged and what should have been."""

    hits: int
    false_alarms: int
    misses: int
    rests: int

    @property
    def precision(self) -> Rate:
        return Rate(self.hits, self.hits + self.false_alarms)

    @property
    def recall(self) -> Rate:
        return Rate(self.hits, self.hits + self.misses)

    @property
    def false_alarm_rate(self) -> Rate:
        return Rate(self.false_alarms, self.false_alarms + self.rests)

    @property
    def f1(self) -> float | None:
        wrong = self.false_alarms + self.misses
        return 2 * self.hits / (2 * self.hits + wrong) if self.hits + wrong else None

    @property
    def f1_interval(self) -> tuple[float, float] | None:
        """The 95 % interval of F1, of as many texts drawn from these; the seed is fixed."""
        counts = np.array([self.hits, self.false_alarms, self.misses, self.rests])
        if self.f1 is None:
            return None
        draws = np.random.default_rng(0).multinomial(counts.sum(), counts / counts.sum(), 1000)
        hits, wrong = draws[:, 0], draws[:, 1] + draws[:, 2]
        drawn = 2 * hits / np.maximum(1, 2 * hits + wrong)
        return float(np.quantile(drawn, 0.025)), float(np.quantile(drawn, 0.975))


def counts(labels: Bools, flagged: Bools) -> Counts:
    return Counts(
        int((labels & flagged).sum()),
        int((~labels & flagged).sum()),
        int((labels & ~flagged).sum()),
        int((~labels & ~flagged).sum()),
    )


@dataclass(frozen=True, slots=True)
class Curve:
    """At every distinct score, from the highest: how many are flagged rightly, how many wrongly.

    hits, false_alarms: [scores], ascending. `best_f1` and `recall_at` choose their threshold on
    the rows they are reported on: they say what the ranking could give, not what a policy gives.
    """

    hits: FloatArray
    false_alarms: FloatArray

    @property
    def auprc(self) -> float:
        """Average precision: precision at each score, weighted by the recall it adds."""
        added = np.diff(self.hits, prepend=0) / self.hits[-1]
        return float(added @ (self.hits / (self.hits + self.false_alarms)))

    @property
    def best_f1(self) -> float:
        return float((2 * self.hits / (self.hits + self.false_alarms + self.hits[-1])).max())

    def recall_at(self, rate: float) -> float:
        """Return the recall of the lowest threshold with a false-alarm rate of at most `rate`."""
        allowed = self.false_alarms <= rate * self.false_alarms[-1]
        return float((self.hits[allowed] / self.hits[-1]).max(initial=0))


def curve(labels: Bools, scores: FloatArray) -> Curve | None:
    """Return the curve, or None if all labels are the same."""
    if labels.all() or not labels.any():
        return None
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    last = np.append(np.flatnonzero(ranked[1:] != ranked[:-1]), len(scores) - 1)
    hits = np.cumsum(labels[order])[last].astype(np.float64)
    return Curve(hits, last + 1 - hits)
