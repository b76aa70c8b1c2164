"""The second tier: what a passage means, as far as its words give it away (`weights`)."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from safety.classifier.features import Ids, features, runs
from safety.classifier.passages import windows
from safety.classifier.weights import Weights
from safety.policy.policy import Thresholds
from safety.screening.verdict import Finding
from safety.text.normalise import Normalised
from safety.training.logistic import Floats, sigmoid

ONE_OF_MANY = 1.0
"""Log-odds that a window has to have more than a passage: where many are looked at, some look odd
by chance. Chosen by ordinary drafts, as the threshold of material is (`policy.toml`)."""


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

    def find_hidden(self, text: Normalised) -> Iterator[Finding]:
        """In each language the window of a whole text that most looks like a prompt attack, where
        the policy names it. Raises WeightsError.
        """
        for language, start, end, score in self.hidden(text):
            if not score < self.thresholds.of(language, "prompt_attack"):
                yield text.finding("prompt_attack", f"prompt_attack_{language}", start, end, score)

    def hidden(self, text: Normalised) -> Iterator[tuple[str, int, int, float]]:
        """Language and place of that window, and the probability of it alone; none in a language
        of which the text has nothing.

        What stands around an attack thins out the score of a passage. Raises WeightsError.
        """
        for language, heads in self.weights().items():
            seen = runs(text.text, language)
            if not len(seen.ids):
                continue
            places = windows(text.text, language)
            scores = sigmoid(heads.log_odds_within("prompt_attack", seen, places) - ONE_OF_MANY)
            most = int(scores.argmax())
            yield language, *places[most], float(scores[most])
