"""Which of several drafts is the likely best: a weighted sum of the measures that mean something.

Knows no store and no Slack. What a workspace's clicks teach of the weights is `ranking_fit`'s.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from bot.drafting.measures import MEASURES, Measures

# What a tenth of a measure adds to the odds (as a logarithm) that a draft is the better one of two.
WEIGHT = 1.0
LEAST_WEIGHT, MOST_WEIGHT = 0.0, 3.0


@dataclass(frozen=True, slots=True)
class Measured:
    """What was found of one draft beside its siblings, as it is kept with its version.

    `values`: each 0 (bad) to 1 (good), None where it could not be measured; `shown`: the measures
    that mean something with this model and language; `tokens`: how many were read for it.
    """

    values: Mapping[str, float | None]
    shown: frozenset[str] = frozenset()
    tokens: int = 0

    def __post_init__(self) -> None:
        assert set(self.values) == set(MEASURES)
        assert all(value is None or 0 <= value <= 1 for value in self.values.values())
        assert self.shown <= set(MEASURES)

    @classmethod
    def of(cls, found: Measures, shown: frozenset[str]) -> Self:
        """Return what was just found."""
        return cls({name: getattr(found, name) for name in MEASURES}, shown, found.tokens)

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any] | None) -> Self | None:
        """Return what is kept; None: nothing was measured."""
        if not kept:
            return None
        values = {name: kept.get(name) for name in MEASURES}
        return cls(values, frozenset(kept["shown"]) & set(MEASURES), int(kept["tokens"]))

    def to_dict(self) -> dict[str, Any]:
        """Return it as it is kept, with as many digits as mean anything."""
        values = {n: None if v is None else round(v, 4) for n, v in self.values.items()}
        return {**values, "shown": sorted(self.shown), "tokens": self.tokens}

    @property
    def told(self) -> Mapping[str, float]:
        """The values that are shown to readers, in their order."""
        kept = {name: self.values[name] for name in MEASURES if name in self.shown}
        return {name: value for name, value in kept.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Ranking:
    """How much each measure counts; `comparisons`: how many clicks taught it, 0 if none did."""

    weights: Mapping[str, float] = field(default_factory=lambda: dict.fromkeys(MEASURES, WEIGHT))
    comparisons: int = 0

    def __post_init__(self) -> None:
        assert set(self.weights) == set(MEASURES)
        assert all(LEAST_WEIGHT <= w <= MOST_WEIGHT for w in self.weights.values())

    def best(self, siblings: Sequence[Measured]) -> int | None:
        """Return the place of the likely best, the first of equals; None: no measure tells it."""
        names = told_of_all(siblings)
        if not names:
            return None
        scores = [sum(self.weights[n] * each.told[n] for n in names) for each in siblings]
        return scores.index(max(scores))

    def ahead(self, siblings: Sequence[Measured], place: int) -> list[str]:
        """Return in what a draft is ahead of the mean of all, what counts most for it first."""
        leads = {
            name: self.weights[name]
            * (siblings[place].told[name] - sum(s.told[name] for s in siblings) / len(siblings))
            for name in told_of_all(siblings)
        }
        return sorted((n for n, lead in leads.items() if lead > 0), key=lambda n: -leads[n])


def told_of_all(siblings: Sequence[Measured]) -> list[str]:
    """Return the measures that are shown of each sibling: with others they cannot be compared."""
    return [name for name in MEASURES if siblings and all(name in each.told for each in siblings)]


def ranking_of(weights: Mapping[str, float] | None, comparisons: int = 0) -> Ranking:
    """Return the ranking by weights that were kept, within bounds; the built-in one without."""
    if not weights:
        return Ranking()
    kept = {name: float(weights.get(name, WEIGHT)) for name in MEASURES}
    bounded = {n: min(max(w, LEAST_WEIGHT), MOST_WEIGHT) for n, w in kept.items()}
    return Ranking(bounded, comparisons)
