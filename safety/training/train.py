"""`python -m safety.training.train FOLDER`: fits the classifier to labelled rows.

Writes the weights and prints thresholds for a policy. The rows are those of `FOLDER/*.jsonl`, and
the project's own ordinary texts.
"""

import argparse
import sys
from collections.abc import Sequence
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np

from safety.classifier.classifier import sigmoid
from safety.classifier.features import GRAMS, WIDTH, WORDS, FloatArray, lexicon
from safety.classifier.weights import DAMPING, Heads, save
from safety.errors import OperatorError
from safety.policy.policy import LANGUAGES
from safety.training.dataset import NAMED, DatasetError, LabelledText, counts_at, read
from safety.training.examples import Example, Task, example, is_read, task
from safety.training.logistic import Sparse, fit
from safety.training.words import WordKnowledge, known

CATEGORIES = {language: tuple(model.model_fields) for language, model in LANGUAGES.items()}
LISTED = NAMED | {"unsafe"}
"""Categories that read the lexicon, and how harsh words are; it made harm and illicit worse."""
MEANT = frozenset({"illicit"})
"""Categories that are also lent what words mean: requests are short, and few."""
STRENGTH = {"hate_zh": 1.0}
"""How much the rows weigh against small weights, if not 8; by cross-validation."""
FALSE_ALARMS = {
    "unsafe": 0.02,
    "harm": 0.04,
    "illicit": 0.015,
    "prompt_attack": 0.05,
    "hate_zh": 0.03,
    "sexual_zh": 0.005,
    "illicit_zh": 0.02,
    "prompt_attack_zh": 0.02,
}
"""The share of the safe rows of any one collection, at the thresholds that are printed."""
FALSE_ALARMS_OF_A_NAMED_CATEGORY = {"en": 0.005, "zh": 0.01}
"""There are six of them, and their false alarms add up."""
FEW = 50
"""Collections with fewer safe rows set no threshold."""


Fit = tuple[Heads, dict[str, float]]
"""Scorers of a language, and the score from which on each category is named."""


def main() -> int:
    """Return the exit code: 0, or 2 if rows cannot be learned from (a sentence says why)."""
    parser = argparse.ArgumentParser(prog="python -m safety.training.train", description=__doc__)
    parser.add_argument("folder", type=Path, help="labelled rows, *.jsonl")
    parser.add_argument("--out", type=Path, default=Path("safety/data/weights.npz"))
    parser.add_argument("--leave-out", action="store_true", help="fit without fold 0")
    options = parser.parse_args()
    try:
        if not options.folder.is_dir():
            raise DatasetError(f"{options.folder} is no folder: name the one that holds *.jsonl.")
        rows = with_own(list(read(sorted(options.folder.glob("*.jsonl")))))
        fitted = train([row for row in rows if row.fold != 0 or not options.leave_out])
        save({language: heads for language, (heads, _) in fitted.items()}, options.out)
    except (OperatorError, OSError) as error:
        print(f"train: {error}", file=sys.stderr)
        return 2
    for language, (_, limits) in fitted.items():
        print(f"[thresholds.{language}]")
        print(*(f"{category} = {limit:.3f}" for category, limit in limits.items()), sep="\n")
    return 0


def with_own(rows: Sequence[LabelledText]) -> list[LabelledText]:
    """Return the rows, and those of the project's own that are not among them."""
    given = {row.text for row in rows}
    with as_file(files("safety") / "data") as folder:
        own = read([folder / "ordinary.jsonl", folder / "written.jsonl"])
        return [*rows, *(row for row in own if row.text not in given)]


def train(rows: Sequence[LabelledText]) -> dict[str, Fit]:
    """Return a fit for each language. Raises DatasetError if a category has no rows."""
    return {language: scorers(language, rows) for language in GRAMS}


def scorers(language: str, rows: Sequence[LabelledText]) -> Fit:
    """Return calibrated scorers and thresholds, set on unseen rows. Raises DatasetError."""
    names = CATEGORIES[language]
    examples = [example(row, language) for row in rows if row.text and is_read(row, language)]
    tasks = [task(examples, name) for name in names]
    heads, limits = zip(
        *(head(each, name, language) for each, name in zip(tasks, names, strict=True)), strict=True
    )
    return (
        Heads(names, *map(np.stack, zip(*heads, strict=True))),
        dict(zip(names, limits, strict=True)),
    )


def head(
    task: Task, category: str, language: str
) -> tuple[tuple[FloatArray, FloatArray, FloatArray], float]:
    """Fit and calibrate one head: table, weights of the lexicon, bias; return its threshold too."""
    unseen = np.zeros(len(task.labels))
    for fold in sorted(set(task.folds.tolist())):
        heads = fitted(task.part(task.folds != fold), category, language)
        for index in np.flatnonzero(task.folds == fold):
            each = task.examples[index]
            unseen[index] = heads.log_odds(each.seen, each.places).max()
    slope, shift = calibration(unseen, task)
    scores = sigmoid(slope * unseen + shift)
    named = FALSE_ALARMS_OF_A_NAMED_CATEGORY[language]
    rate = FALSE_ALARMS.get(_name(category, language), named)
    limit = threshold(scores, task, category, rate)
    raw = fitted(task, category, language)
    return (raw.tables[0] * slope, raw.words[0] * slope, raw.biases[0] * slope + shift), limit


def fitted(task: Task, category: str, language: str) -> Heads:
    is_listed = category in LISTED and language == "en"
    lent = known() if category in MEANT else known()[:, :is_listed]
    strength = STRENGTH.get(_name(category, language), 8.0)
    weights, bias = fit(
        matrix(task.examples, is_listed, lent), task.labels, task.importance, strength
    )
    table, words, borrowed = np.split(weights, [WIDTH, WIDTH + 2 * len(lexicon())])
    table[:WORDS] += lent @ borrowed
    return Heads(("raw",), table[None].astype(np.float16), words[None], np.array([bias]))


def matrix(examples: Sequence[Example], is_listed: bool, lent: WordKnowledge) -> Sparse:
    """Return what `Heads.log_odds` multiplies, for each whole text, and the sum of what is `lent`.

    Shape: [examples, WIDTH + 2 * groups + columns lent]. If the lexicon is not read, its columns
    are zero, and so are their weights.
    """
    counts = np.array([len(each.seen.ids) for each in examples])
    shares = 1 / np.sqrt(DAMPING + counts)
    dense = [
        np.concatenate((is_listed * each.seen.densities(each.places[-1:])[:, 0], share * sums))
        for each, share in zip(examples, shares, strict=True)
        for sums in [lent[each.seen.ids[each.seen.ids < WORDS]].sum(axis=0)]
    ]
    numbers, columns = np.arange(len(examples)), len(dense[0])
    return Sparse(
        np.concatenate((np.repeat(numbers, counts), np.repeat(numbers, columns))),
        np.concatenate(
            [each.seen.ids for each in examples]
            + [np.tile(np.arange(columns) + WIDTH, len(examples))]
        ),
        np.concatenate((np.repeat(shares, counts), *dense)),
        len(examples),
        WIDTH + columns,
    )


def calibration(odds: FloatArray, task: Task) -> tuple[float, float]:
    """Return the slope and shift that make probabilities of log-odds (Platt 1999)."""
    numbers = np.arange(len(odds))
    column = Sparse(numbers, np.zeros_like(numbers), odds, len(odds), 1)
    weights, shift = fit(column, task.labels, task.importance, strength=1.0)
    return float(weights[0]), shift


def _name(category: str, language: str) -> str:
    return category if language == "en" else f"{category}_{language}"


def threshold(scores: FloatArray, task: Task, category: str, rate: float) -> float:
    """Return the lowest score with at most `rate` false alarms in every collection of rows.

    A collection is all rows whose sources begin with the same word; all collections without
    anything harmful count as one. Only rows of a stage at which the category counts are used. If
    there are few, return 1, which is in effect never.
    """
    rows = [each.row for each in task.examples]
    harmful = {_collection(row) for row in rows if row.unsafe}
    names = np.array([_collection(row) if _collection(row) in harmful else "" for row in rows])
    safe = np.array([not row.unsafe and counts_at(category, row.stage) for row in rows])
    limits = [
        np.quantile(scores[chosen], 1 - rate)
        for name in sorted(set(names.tolist()))
        if (chosen := safe & (names == name)).sum() >= FEW
    ]
    return float(np.ceil(1000 * max(limits, default=1.0)) / 1000)


def _collection(row: LabelledText) -> str:
    return row.source.split(maxsplit=1)[0]


if __name__ == "__main__":
    sys.exit(main())
