"""Examples: which rows each head learns from, and how much each row counts."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from safety.classifier.features import FloatArray, Ids, TextFeatures, features
from safety.text.normalise import normalise
from safety.training.dataset import NAMED, DatasetError, LabelledText, has
from safety.verdict import Stage

MANY = 1000
"""Sources with more safe rows lend an eighth of them to categories that they do not have."""
OTHER_SOURCE, ALL_SAFE = 0.05, 0.5
"""The weight of a safe row of another source, and of one from a source that is all safe."""
PROSE, NO_ATTACK = 4.0, 40.0
"""The same weights for prompt attacks: there are thousands of them, but few rows of plain prose and
fewer harmless requests that have their words."""
OF_SOURCE = {"neuralchemy": 2.0, "written English": 0.3}
"""Weights of two sources: attacks that are longer, odder and half as many as the others, and rows
that were written for the project, beside those that people met."""
OF_ITS_OWN = frozenset({"written English", "written Chinese"})
"""Sources that teach only the categories that they have: they made others worse."""
AKIN_CATEGORIES = NAMED | {"illicit"}
AKIN = 0.2
"""The weight of rows of other kinds, harmful or not, beside the few answers of models."""


@dataclass(frozen=True, slots=True)
class Example:
    """A row as the weights of a language see it."""

    row: LabelledText
    seen: TextFeatures
    places: Ids

    def __post_init__(self) -> None:
        assert len(self.places) > 0


@dataclass(frozen=True, slots=True)
class Task:
    """The rows that one head learns from: examples, labels of 0 and 1, and the weight of each."""

    examples: list[Example]
    labels: FloatArray
    importance: FloatArray

    def __post_init__(self) -> None:
        assert len(self.examples) == len(self.labels) == len(self.importance)
        assert 0 < self.labels.sum() < len(self.labels)

    @property
    def folds(self) -> Ids:
        return np.array([example.row.fold for example in self.examples])

    def part(self, chosen: "np.ndarray[tuple[int], np.dtype[np.bool_]]") -> "Task":
        kept = np.flatnonzero(chosen)
        return Task([self.examples[i] for i in kept], self.labels[kept], self.importance[kept])


def is_read(row: LabelledText, language: str) -> bool:
    """Say whether a language learns from a row: its own, and some of the others."""
    if language == "zh":
        return row.lang == "zh" or len(features(normalise(row.text).text, "zh").ids) > 0
    return row.lang != "zh" or (not row.unsafe and _is_sampled(row))


def example(row: LabelledText, language: str) -> Example:
    """Return a row as an example; of a long text, its first passage."""
    text = normalise(row.text)
    first = text.passages[0]
    passage = text.part(*first.span)
    places = np.array([passage.place(end) for end in first.ends])
    return Example(row, features(passage.text, language), places)


def task(examples: Sequence[Example], category: str) -> Task:
    """Choose the rows of a category: with it, known to be without it, and ordinary text.

    Raises DatasetError if no row has it.
    """
    sources = {each.row.source for each in examples if has(each.row, category)}
    if not sources:
        raise DatasetError(f"No row is labelled {category}: a fit needs examples of each category.")
    harmful = {each.row.source for each in examples if each.row.unsafe}
    safe = Counter(each.row.source for each in examples if not each.row.unsafe)
    often = {source for source, count in safe.items() if count > MANY}
    chosen, labels, importance = [], [], []
    for each in examples:
        row = each.row
        is_akin = category == "harm" and not AKIN_CATEGORIES.isdisjoint(row.categories)
        if row.source in sources:
            weight = OF_SOURCE.get(row.source, 1.0)
        elif row.source in OF_ITS_OWN or (row.source in often and not _is_sampled(row)):
            continue
        elif is_akin:
            weight = AKIN
        elif row.unsafe and category != "prompt_attack":
            continue
        else:
            is_all_safe = row.source not in harmful
            weight = _ordinary(row, category, is_all_safe, is_one_of_many=row.source in often)
        chosen.append(each)
        labels.append(float(is_akin or has(row, category)))
        importance.append(weight)
    return Task(chosen, np.array(labels), np.array(importance))


def _ordinary(row: LabelledText, category: str, is_all_safe: bool, is_one_of_many: bool) -> float:
    """Return the weight of a row without the category, from a source without it."""
    if category == "prompt_attack" and not is_one_of_many:
        return NO_ATTACK if is_all_safe and row.stage is not Stage.OUTPUT else PROSE
    if category == "harm" and not is_all_safe and not is_one_of_many:
        return AKIN
    return ALL_SAFE if is_all_safe else OTHER_SOURCE


def _is_sampled(row: LabelledText) -> bool:
    return row.digest[1] % 8 == 0
