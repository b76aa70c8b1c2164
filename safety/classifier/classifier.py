"""What a passage means, as far as its words give it away (`weights`)."""

import re
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from safety.classifier.features import FloatArray, features, runs
from safety.classifier.weights import ClassifierWeights
from safety.policy.policy import Thresholds
from safety.text.normalise import NormalisedText
from safety.verdict import Finding

ONE_OF_MANY = 1.0
"""Log-odds that a window must have more than a passage: of many windows, some look odd by chance.

Chosen by ordinary drafts, as the threshold of material is (`policy.toml`).
"""
SIZES = {"en": (60, 100), "zh": (20, 40)}
PIECES = 4
"""Characters of a piece, and the most pieces of a window.

Chosen among sizes with equally few false alarms: these found most attacks in ordinary drafts.
"""
PIECE = {
    language: re.compile(
        rf"(?s:.{{{least},{most}}}?)(?:[.!?][\"'”’)\]*_]{{0,4}}\s+|[。！？；]|\n\s*|\Z)"
        rf"|(?s:.{{1,{most}}})(?:\s|\Z)|(?s:.{{1,{most}}})"
    )
    for language, (least, most) in SIZES.items()
}


class MeaningClassifier:
    """Finds the pieces of a passage up to whose end it scores what the thresholds name."""

    def __init__(self, weights: Callable[[], ClassifierWeights]) -> None:
        self.weights = weights

    def find(
        self, passage: NormalisedText, ends: Sequence[int], thresholds: Thresholds
    ) -> Iterator[Finding]:
        """Yield a finding for each piece; `ends` count in the original. Raises WeightsError."""
        for (language, category), scores in self.scores(passage, ends).items():
            limit = thresholds.of(language, category)
            for start, end, score in zip((0, *ends), ends, scores.tolist(), strict=False):
                # NaN is not below any limit: the screening refuses it.
                if not score < limit:
                    yield Finding(category, f"{category}_{language}", start, end, score)

    def scores(
        self, passage: NormalisedText, ends: Sequence[int]
    ) -> dict[tuple[str, str], FloatArray]:
        """Return by language and category the probability at each end. Raises WeightsError."""
        places = np.array([passage.place(end) for end in ends])
        return {
            (language, category): scores
            for language, heads in self.weights().items()
            for category, scores in zip(
                heads.categories,
                sigmoid(heads.log_odds(features(passage.text, language), places)),
                strict=True,
            )
        }

    def highest(self, text: NormalisedText) -> dict[tuple[str, str], float]:
        """Return by language and category the highest score of any piece. Raises WeightsError."""
        best: dict[tuple[str, str], float] = {}
        for passage in text.passages:
            part = text.part(*passage.span)
            for name, scores in self.scores(part, passage.lengths).items():
                best[name] = max(best.get(name, 0.0), float(scores.max()))
        return best

    def find_in_windows(self, text: NormalisedText, thresholds: Thresholds) -> Iterator[Finding]:
        """Yield each language's likeliest prompt attack, if it is named. Raises WeightsError."""
        for language, start, end, score in self.likeliest_attacks(text):
            if not score < thresholds.of(language, "prompt_attack"):
                yield text.finding("prompt_attack", f"prompt_attack_{language}", start, end, score)

    def likeliest_attacks(self, text: NormalisedText) -> Iterator[tuple[str, int, int, float]]:
        """Yield for each language of a text the window that looks most like a prompt attack.

        As the language, the place in the normalised text, and the probability of that window alone:
        text around an attack lowers the score of its passage. Raises WeightsError.
        """
        for language, heads in self.weights().items():
            seen = runs(text.text, language)
            if not len(seen.ids):
                continue
            places = windows(text.text, language)
            scores = sigmoid(heads.log_odds_within("prompt_attack", seen, places) - ONE_OF_MANY)
            most = int(scores.argmax())
            yield language, *places[most], float(scores[most])


def windows(text: str, language: str) -> list[tuple[int, int]]:
    """Return each piece of a text, about as long as a sentence, and each two to four in a row."""
    places = [0, *(match.end() for match in PIECE[language].finditer(text))]
    return [
        (start, end)
        for first, start in enumerate(places)
        for end in places[first + 1 : first + 1 + PIECES]
    ]


def sigmoid(odds: FloatArray) -> FloatArray:
    """Return the probabilities of log-odds."""
    return np.asarray(1 / (1 + np.exp(-np.clip(odds, -500, 500))), np.float64)
