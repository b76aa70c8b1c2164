"""What clicks teach of the weights of the measures, and how well that predicts unseen clicks.

Two drafts of one request are compared where people treated them differently. That the first one is
the better is modelled by a logistic regression on the differences of their measures, the model of
Bradley and Terry 1952 with features, kept near the built-in weights by a Gaussian prior and within
bounds. What people see first, and what is marked as the best, they click more: both stand in the
regression, so that the measures need not explain it, and count nothing in the ranking.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import combinations, groupby

import numpy as np
from numpy.typing import NDArray

from bot.drafting.explanation import WORD
from bot.drafting.measures import MEASURES
from bot.drafting.ranking import LEAST_WEIGHT, MOST_WEIGHT, WEIGHT, Measured, told_of_all
from bot.store.rankings import Judged

Floats = NDArray[np.float64]

# What a click says of a draft, beside its siblings.
ACCEPTED, THUMB, BUILT_ON, AGAIN = 3.0, 1.0, 1.0, -1.0
# Comparisons, and threads that they come from, below which nothing is learnt.
LEAST_COMPARISONS, LEAST_THREADS = 36, 12
# How sure the prior is: one over its variance, for the measures and for what only disturbs.
SURE, SURE_OF_NONE = 4.0, 1.0
STEPS = 500
FOLDS = 20
# The two that disturb: which draft stands first, and which is marked.
NUISANCES = 2


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two drafts of one request: by how much the one that people preferred is ahead.

    `lead`: of each measure that is shown of both, in tenths, 0 of the others; `first` and `marked`:
    1, 0 or -1, whether it is the one that stood first, or that was marked.
    """

    thread_id: int
    lead: tuple[float, ...]
    first: float
    marked: float

    def __post_init__(self) -> None:
        assert len(self.lead) == len(MEASURES)


@dataclass(frozen=True, slots=True)
class Fit:
    """Weights that clicks taught, and the share of unseen comparisons that they tell right.

    `built_in`: the share that the built-in weights tell right; `threads`: how many threads the
    comparisons come from. Those of one thread are no evidence of their own.
    """

    weights: dict[str, float]
    comparisons: int
    threads: int
    accuracy: float
    built_in: float

    @property
    def is_better(self) -> bool:
        """Whether clicks taught anything: unseen ones are predicted better than without them."""
        return self.accuracy > self.built_in


def value_of(judged: Judged) -> float:
    """Return how much people liked a draft, as far as their clicks say.

    What they changed before they accepted it, they liked as far as they left it.
    """
    kept = max((_kept(judged.version.text, edit) for edit in judged.edits), default=1.0)
    accepted = ACCEPTED * kept if judged.accepted else 0.0
    thumbs = THUMB * sum(1 if good else -1 for good in judged.thumbs)
    return accepted + thumbs + BUILT_ON * min(judged.built_on, 1) + AGAIN * min(judged.again, 1)


def _kept(text: str, edited: str) -> float:
    """Return the share of the words that an edit left, 0 to 1."""
    words = SequenceMatcher(None, WORD.findall(text), WORD.findall(edited), autojunk=False)
    return words.ratio()


def siblings(judged: Sequence[Judged]) -> Iterator[list[Judged]]:
    """Yield the drafts of each request."""
    for _, drafts in groupby(judged, lambda each: each.version.job_id):
        yield list(drafts)


def preferences(groups: Iterable[Sequence[Judged]]) -> Iterator[tuple[Judged, Judged]]:
    """Yield each pair of a group that people treated differently, the preferred one first."""
    for group in groups:
        valued = [(value_of(each), each) for each in group]
        for (a, one), (b, other) in combinations(valued, 2):
            if a != b:
                yield (one, other) if a > b else (other, one)


def comparisons(judged: Sequence[Judged]) -> list[Comparison]:
    """Return the pairs of siblings of which a measure is shown.

    A draft and one that it was regenerated from are no such pair: each was measured beside others.
    """
    found = []
    for better, worse in preferences(siblings(judged)):
        lead = _lead(better, worse)
        if lead is not None:
            first = float(np.sign(worse.version.sample - better.version.sample))
            marked = float(better.version.is_best) - float(worse.version.is_best)
            found.append(Comparison(better.thread_id, lead, first, marked))
    return found


def _lead(better: Judged, worse: Judged) -> tuple[float, ...] | None:
    """Return by how much a draft is ahead in what counts in the ranking; None: nothing does."""
    one = Measured.from_dict(better.version.measures)
    other = Measured.from_dict(worse.version.measures)
    told = told_of_all([one, other]) if one and other else []
    if one is None or other is None or not told:
        return None
    return tuple(10 * (one.told[n] - other.told[n]) if n in told else 0.0 for n in MEASURES)


def fit(found: Sequence[Comparison]) -> Fit | None:
    """Return what the comparisons teach; None while they are too few."""
    threads = {each.thread_id for each in found}
    if len(found) < LEAST_COMPARISONS or len(threads) < LEAST_THREADS:
        return None
    weights = _weights(found)
    kept = {name: round(float(w), 4) for name, w in zip(MEASURES, weights, strict=True)}
    built_in = right(found, np.full(len(MEASURES), WEIGHT)) / len(found)
    return Fit(kept, len(found), len(threads), _unseen(found), built_in)


def _unseen(found: Sequence[Comparison]) -> float:
    """Return the share of comparisons told right by weights fitted without their threads."""
    folds = list(_folds(found))
    told = 0.0
    for fold in folds:
        threads = {each.thread_id for each in fold}
        told += right(fold, _weights([each for each in found if each.thread_id not in threads]))
    return told / len(found)


def _folds(found: Sequence[Comparison]) -> Iterator[list[Comparison]]:
    """Yield the comparisons in parts; a thread is in one part alone."""
    threads = sorted({each.thread_id for each in found})
    n = min(FOLDS, len(threads))
    for i in range(n):
        mine = set(threads[i::n])
        yield [each for each in found if each.thread_id in mine]


def right(found: Sequence[Comparison], weights: Floats) -> float:
    """Count the comparisons that weights tell right; one that they do not tell counts a half."""
    leads = np.array([each.lead for each in found]) @ weights
    return float(np.sum(leads > 0) + 0.5 * np.sum(leads == 0))


def _weights(found: Sequence[Comparison]) -> Floats:
    """Return the likeliest weights within bounds, by projected gradient steps from the prior."""
    rows = np.array([(*each.lead, each.first, each.marked) for each in found])
    prior = np.array([WEIGHT] * len(MEASURES) + [0.0] * NUISANCES)
    sure = np.array([SURE] * len(MEASURES) + [SURE_OF_NONE] * NUISANCES)
    low = np.array([LEAST_WEIGHT] * len(MEASURES) + [-math.inf] * NUISANCES)
    high = np.array([MOST_WEIGHT] * len(MEASURES) + [math.inf] * NUISANCES)
    # One over the largest curvature: no step goes too far.
    step = 1.0 / (0.25 * float(np.linalg.norm(rows, 2)) ** 2 + float(sure.max()))
    weights = prior.copy()
    for _ in range(STEPS):
        missing = 0.5 * (1 - np.tanh(rows @ weights / 2))
        slope = rows.T @ missing - sure * (weights - prior)
        weights = np.clip(weights + step * slope, low, high)
    return np.asarray(weights[: len(MEASURES)])
