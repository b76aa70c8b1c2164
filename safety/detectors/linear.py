"""The second tier: what a passage means, as far as its words give it away (`safety.weights`)."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from safety.features import Ids, features
from safety.logistic import Floats, sigmoid
from safety.normalise import Normalised
from safety.policy import Thresholds
from safety.verdict import Finding
from safety.weights import Weights


class Linear:
    """Finds pieces of a passage at whose end the passage so far scores what the policy names."""

    def __init__(self, thresholds: Thresholds, weights: Callable[[], Weights]) -> None:
        self.thresholds = thresholds
        self.weights = weights

    def find(self, passage: Normalised, ends: Sequence[int]) -> Iterator[Finding]:
        """`ends` of the pieces count in the original. Raises WeightsError."""
        for (language, category), scores in self.scores(passage, ends).items():
            limit = self.thresholds.of(language, category)
            for start, end, score in zip((0, *ends), ends, scores.tolist(), strict=False):
                # A score that is no number is not below any limit: the screen refuses it.
                if not score < limit:
                    yield Finding(category, f"{category}_{language}", start, end, score)

    def scores(self, passage: Normalised, ends: Sequence[int]) -> dict[tuple[str, str], Floats]:
        """By language and category: the probability at each end. Raises WeightsError."""
        places: Ids = np.searchsorted(passage.offsets, ends)
        return {
            (language, category): scores
            for language, heads in self.weights().items()
            for category, scores in zip(
                heads.categories,
                sigmoid(heads.log_odds(features(passage.text, language), places)),
                strict=True,
            )
        }
