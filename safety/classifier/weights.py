"""The weights of the classifier: one file of numbers, without pickle, checked when it is read."""

import hashlib
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import as_file, files
from io import BytesIO
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from safety.classifier.features import GRAMS, WIDTH, FloatArray, Ids, Runs, TextFeatures, lexicon
from safety.errors import FilterError

DAMPING = 10.0
"""As many features that say nothing are added to each text: a few words prove little."""


class WeightsError(FilterError):
    """The weights are missing or broken."""


@dataclass(frozen=True, slots=True)
class Heads:
    """The scorers of one language.

    tables: [heads, WIDTH], float16, for words and n-grams; words: [heads, 2 * groups of the
    lexicon]; biases: [heads]. All in log-odds.
    """

    categories: tuple[str, ...]
    tables: NDArray[np.float16]
    words: FloatArray
    biases: FloatArray

    def __post_init__(self) -> None:
        count = len(self.categories)
        assert len(set(self.categories)) == count > 0
        assert self.tables.shape == (count, WIDTH)
        assert self.tables.dtype == np.float16
        assert self.words.dtype == self.biases.dtype == np.float64
        assert self.words.shape == (count, 2 * len(lexicon()))
        assert self.biases.shape == (count,)
        assert all(np.isfinite(each).all() for each in (self.tables, self.words, self.biases))

    def log_odds(self, seen: TextFeatures, ends: Ids) -> FloatArray:
        """Return the log-odds of the text up to each end, in characters: [heads, ends]."""
        sums = np.zeros((len(self.categories), len(seen.ids) + 1))
        np.cumsum(self.tables[:, seen.ids], axis=1, dtype=np.float64, out=sums[:, 1:])
        counts = np.searchsorted(seen.ends, ends, side="right")
        evidence = sums[:, counts] / np.sqrt(DAMPING + counts)
        odds = evidence + self.words @ seen.densities(ends) + self.biases[:, None]
        return np.asarray(np.clip(odds, -30, 30))

    def log_odds_within(
        self, category: str, seen: Runs, windows: Sequence[tuple[int, int]]
    ) -> FloatArray:
        """Return the log-odds of each window alone. The category must not read the lexicon."""
        head = self.categories.index(category)
        assert not self.words[head].any()
        weights = self.tables[head, seen.ids].astype(np.float64)
        inside = [seen.within(start, end) for start, end in windows]
        evidence = [weights[each].sum() / np.sqrt(DAMPING + len(each)) for each in inside]
        return np.asarray(np.clip(np.array(evidence) + self.biases[head], -30, 30))


ClassifierWeights = dict[str, Heads]
"""By language."""


@lru_cache(maxsize=1)
def packaged() -> ClassifierWeights:
    """Return the weights that come with this version. Raises WeightsError."""
    with as_file(files("safety") / "data") as folder:
        return load(folder / "weights.npz")


def load(path: Path) -> ClassifierWeights:
    """Read the weights. Raises WeightsError if the file is missing or was not saved so."""
    try:
        raw = path.read_bytes()
        sealed = tomllib.loads(_seal(path).read_text("utf-8"))["sha256"]
        if hashlib.sha256(raw).hexdigest() != sealed:
            raise ValueError
        with np.load(BytesIO(raw), allow_pickle=False) as arrays:
            return {language: _heads(arrays, language) for language in GRAMS}
    except (OSError, ValueError, KeyError, EOFError, BadZipFile, AssertionError) as error:
        raise WeightsError(
            f"The weights {path.name} cannot be used ({type(error).__name__}): "
            "install this version again, or train them again."
        ) from None


def save(weights: ClassifierWeights, path: Path) -> None:
    """Write the file, and its digest beside it. Raises OSError."""
    arrays = {
        f"{language}_{name}": np.asarray(getattr(heads, name))
        for language, heads in weights.items()
        for name in ("categories", "tables", "words", "biases")
    }
    np.savez_compressed(path, allow_pickle=False, **arrays)
    seal(path)


def seal(path: Path) -> None:
    """Write the digest of a file of weights beside it, which `load` checks."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    _seal(path).write_text(f'sha256 = "{digest}"\n', "utf-8")


def _seal(path: Path) -> Path:
    return path.with_suffix(".toml")


def _heads(arrays: "np.lib.npyio.NpzFile", language: str) -> Heads:
    return Heads(
        tuple(str(name) for name in arrays[f"{language}_categories"]),
        *(arrays[f"{language}_{name}"] for name in ("tables", "words", "biases")),
    )
