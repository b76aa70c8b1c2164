"""How sure a share and a difference are: intervals of 95 %, and an exact test of pairs."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb, sqrt

import numpy as np

Z = 1.959964  # of the normal distribution, for 95 %
RESAMPLES = 4000


@dataclass(frozen=True, slots=True)
class Interval:
    """A value, and the ends of its interval of 95 %."""

    value: float
    low: float
    high: float

    def __post_init__(self) -> None:
        assert self.low <= self.high


def wilson(share: float, of: int) -> Interval:
    """Return a share with its interval by Wilson (1927), "Probable inference"."""
    assert 0 <= share <= 1
    assert of > 0
    weight = Z * Z / of
    middle = (share + weight / 2) / (1 + weight)
    half = Z * sqrt(share * (1 - share) / of + weight / of / 4) / (1 + weight)
    return Interval(share, max(0.0, middle - half), min(1.0, middle + half))


def mean_difference(differences: Sequence[float]) -> Interval:
    """Return the mean with its interval by resampling (Efron 1979, percentiles); always the same.

    One difference for each brief: the texts of one brief are no further evidence.
    """
    values = np.array(differences, dtype=np.float64)
    rng = np.random.default_rng(0)
    picks = rng.integers(0, len(values), size=(RESAMPLES, len(values)))
    low, high = np.percentile(values[picks].mean(axis=1), [2.5, 97.5])
    return Interval(float(values.mean()), float(low), float(high))


def exact_test(differences: Sequence[float]) -> float:
    """Return the p-value of McNemar's test, exact (two-sided), over pairs that differ.

    With one text a brief the differences are -1, 0 and 1; with several, the sign of their mean
    counts, which is the sign test.
    """
    better = sum(difference > 0 for difference in differences)
    worse = sum(difference < 0 for difference in differences)
    of = better + worse
    tail = sum(comb(of, i) for i in range(min(better, worse) + 1))
    return min(1.0, 2 * tail / float(2**of))
