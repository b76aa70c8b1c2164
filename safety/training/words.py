"""What is known of single words before a fit: how harsh they are, and what they mean.

A few hundred rows have most words once or never. `words.npz` lends a fit two things that others
learned from far more text: the weights of alt-profanity-check 1.9.1 (MIT), and the word embeddings
of all-MiniLM-L6-v2 (Apache-2.0). Both are linear in the words of a text, so a fit adds what it
makes of them to its own weights of words, and the running filter needs neither.

`python -m safety.training.words PROFANITY_CHECK ALL_MINILM_L6_V2` makes the file from the
folders of the two models. It needs scikit-learn and safetensors, and opens pickles: name only
folders that you trust.
"""

import re
import sys
from functools import cache
from importlib import import_module
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from safety.classifier.features import WORDS, word_ids

WordKnowledge = NDArray[np.float64]
"""[WORDS, 1 + MEANINGS], by the place of a word: how harsh it is, and what it means."""

MEANINGS = 64
"""Dimensions that are kept of a word's meaning: the principal ones."""
SPREAD = 3.0
"""The size of a meaning, as against 1 for each n-gram."""


@cache
def known() -> WordKnowledge:
    """Return the table that comes with this version."""
    with as_file(files("safety").joinpath("data/words.npz")) as path, np.load(path) as arrays:
        return np.asarray(arrays["known"] * arrays["scales"], np.float64)


def harshness(folder: Path) -> dict[str, float]:
    """Return the weight of each word in the linear model of alt-profanity-check."""
    # Only whoever makes the file needs joblib and safetensors.
    load = import_module("joblib").load
    terms = load(folder / "vectorizer.joblib")
    parts = load(folder / "model.joblib").calibrated_classifiers_
    weights = terms.idf_ * np.mean([part.estimator.coef_[0] for part in parts], axis=0)
    return {word: float(weights[column]) for word, column in terms.vocabulary_.items()}


def meanings(folder: Path) -> dict[str, NDArray[np.float64]]:
    """Return the embedding of each whole word, on its principal axes; frequent words are small."""
    words = (folder / "vocab.txt").read_text("utf-8").splitlines()
    whole = np.array([i for i, word in enumerate(words) if re.fullmatch("[a-z]{2,}", word)])
    tensors = import_module("safetensors.numpy").load_file(folder / "model.safetensors")
    vectors = tensors["embeddings.word_embeddings.weight"][whole].astype(np.float64)
    vectors -= vectors.mean(axis=0)
    vectors = vectors @ np.linalg.eigh(vectors.T @ vectors)[1][:, : -MEANINGS - 1 : -1]
    vectors *= SPREAD / np.sqrt((vectors**2).sum(axis=1).mean())
    # The vocabulary is in the order of frequency.
    vectors *= np.sqrt((whole - whole[0] + 50) / 1000).clip(max=1)[:, None]
    return dict(zip((words[i] for i in whole), vectors, strict=True))


def main() -> int:
    """Write `words.npz` into the data of the filter, each column as bytes and a scale."""
    harsh, meant = harshness(Path(sys.argv[1])), meanings(Path(sys.argv[2]))
    table = np.zeros((WORDS, 1 + MEANINGS))
    for column, given in ((slice(0, 1), harsh), (slice(1, None), meant)):
        values = np.array(list(given.values())).reshape(len(given), -1)
        table[word_ids(list(given)), column] = values
    scales = np.abs(table).max(axis=0) / 127
    path = Path(__file__).parents[1] / "data" / "words.npz"
    np.savez_compressed(path, known=np.rint(table / scales).astype(np.int8), scales=scales)
    return 0


if __name__ == "__main__":
    sys.exit(main())
