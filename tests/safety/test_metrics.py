"""Figures, against numbers worked out by hand or published."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from safety.training.metrics import Counts, Rate, counts, curve

LABELS = np.array([True, False, True, True, False])
SCORES = np.array([0.9, 0.8, 0.7, 0.7, 0.1])


def test_counts_and_rates_are_those_of_the_table() -> None:
    found = counts(LABELS, SCORES > 0.75)
    assert found == Counts(hits=1, false_alarms=1, misses=2, rests=1)
    assert (found.precision.value, found.false_alarm_rate.value) == (0.5, 0.5)
    assert found.recall.value == pytest.approx(1 / 3)
    assert found.f1 == pytest.approx(2 / 5)


def test_nothing_flagged_of_nothing_is_not_known() -> None:
    nothing = Counts(0, 0, 0, 7)
    assert (nothing.precision.value, nothing.precision.interval) == (None, None)
    assert (nothing.f1, nothing.f1_interval) == (None, None)


def test_the_interval_of_a_rate_is_wilsons() -> None:
    # Newcombe 1998, table I: 81 of 263, 15 of 148 and 0 of 20, method 3.
    for hits, of, low, high in [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
    ]:
        assert Rate(hits, of).interval == pytest.approx((low, high), abs=1e-4)


def test_the_area_is_average_precision_and_ties_are_one_step() -> None:
    found = curve(LABELS, SCORES)
    assert found is not None
    # One of one, then, past a false alarm, the two that share a score: three of four.
    assert found.auprc == pytest.approx(1 / 3 * 1 + 2 / 3 * 3 / 4)
    assert found.best_f1 == pytest.approx(6 / 7)
    assert found.recall_at(0.0) == pytest.approx(1 / 3)
    assert found.recall_at(0.5) == 1.0


def test_scores_that_are_all_the_same_rank_nothing() -> None:
    found = curve(LABELS, np.zeros(5))
    assert found is not None
    assert found.auprc == pytest.approx(3 / 5)
    assert found.recall_at(0.05) == 0.0


@pytest.mark.parametrize("label", [True, False])
def test_rows_with_one_label_have_no_curve(label: bool) -> None:
    assert curve(np.full(3, label), np.arange(3.0)) is None


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 4)), min_size=2, max_size=40))
def test_no_threshold_beats_the_best_f1_and_none_is_above_it(rows: list[tuple[bool, int]]) -> None:
    labels = np.array([label for label, _ in rows])
    scores = np.array([float(score) for _, score in rows])
    found = curve(labels, scores)
    if found is None:
        return
    each = [counts(labels, scores >= limit).f1 or 0.0 for limit in set(scores.tolist())]
    assert found.best_f1 == pytest.approx(max(each))


@given(*[st.integers(0, 60)] * 4)
def test_f1_lies_in_its_interval(hits: int, false_alarms: int, misses: int, rests: int) -> None:
    found = Counts(hits, false_alarms, misses, rests)
    if found.f1 is None or found.f1_interval is None:
        return
    low, high = found.f1_interval
    assert low <= found.f1 <= high
