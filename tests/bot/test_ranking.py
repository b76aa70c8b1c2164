"""Which of several drafts is the likely best, and what clicks teach of that."""

import random

import pytest

from bot.drafting.measures import MEASURES
from bot.drafting.ranking import LEAST_WEIGHT, MOST_WEIGHT, WEIGHT, Measured, Ranking, ranking_of
from bot.drafting.ranking_fit import Comparison, fit

ALL = frozenset(MEASURES)


def measured(*values: float | None, shown: frozenset[str] = ALL) -> Measured:
    return Measured(dict(zip(MEASURES, values, strict=True)), shown)


def test_the_best_is_ahead_in_the_sum_and_the_first_of_equals() -> None:
    low, high = measured(0.5, 0.5, 0.5, 0.5), measured(0.5, 0.5, 0.9, 0.4)
    assert Ranking().best([low, high]) == 1
    assert Ranking().best([low, low]) == 0
    assert Ranking().ahead([low, high], 1) == ["relevance"]
    assert Ranking().ahead([low, high], 0) == ["readability"]


def test_a_measure_that_one_draft_lacks_compares_none() -> None:
    lacks, has = measured(None, 0.5, 0.5, 0.6), measured(1.0, 0.5, 0.5, 0.5)
    assert Ranking().best([lacks, has]) == 0


def test_what_means_nothing_with_the_model_counts_nothing() -> None:
    few = frozenset({"readability"})
    siblings = [measured(1, 1, 1, 0.4, shown=few), measured(0, 0, 0, 0.5, shown=few)]
    assert Ranking().best(siblings) == 1
    assert Ranking().best([measured(1, 1, 1, 1, shown=frozenset())] * 2) is None
    assert Ranking().best([]) is None


def test_kept_weights_are_bounded_and_none_are_the_built_in_ones() -> None:
    kept = ranking_of({"coherence": 99.0, "creativity": -1.0}, 40)
    assert kept.weights["coherence"] == MOST_WEIGHT
    assert kept.weights["creativity"] == LEAST_WEIGHT
    assert kept.weights["relevance"] == WEIGHT
    assert ranking_of({}, 40) == ranking_of(None) == Ranking()


def test_what_is_kept_is_read_as_it_was() -> None:
    found = Measured({**dict.fromkeys(MEASURES), "coherence": 0.25}, ALL, 120)
    assert Measured.from_dict(found.to_dict()) == found
    assert found.told == {"coherence": 0.25}
    assert Measured.from_dict({}) is None
    assert Measured.from_dict(None) is None


def clicks(
    n: int, *, by: str | None, first: float = 0.0, marked: float = 0.0, noise: float = 0.1
) -> list[Comparison]:
    """Return comparisons in threads of two, whose better draft leads in the measure `by`."""
    chance = random.Random(7)
    found = []
    for i in range(n):
        lead = [chance.uniform(-3, 3) for _ in MEASURES]
        if by is not None and chance.random() > noise:
            at = MEASURES.index(by)
            lead[at] = abs(lead[at])
        found.append(Comparison(i // 2, tuple(lead), first, marked))
    return found


def test_a_measure_that_people_follow_counts_more_and_unseen_clicks_are_told_by_it() -> None:
    fitted = fit(clicks(200, by="readability"))
    assert fitted is not None
    assert max(fitted.weights, key=lambda name: fitted.weights[name]) == "readability"
    assert fitted.is_better
    assert fitted.accuracy > 0.8
    assert fitted.comparisons == 200


def test_weights_stay_within_their_bounds() -> None:
    against = [
        Comparison(c.thread_id, tuple(-abs(lead) for lead in c.lead), 0.0, 0.0)
        for c in clicks(300, by=None)
    ]
    fitted = fit(against)
    assert fitted is not None
    assert set(fitted.weights.values()) == {LEAST_WEIGHT}


@pytest.mark.parametrize("why", ["first", "marked"])
def test_who_always_takes_the_first_or_the_marked_draft_teaches_nothing_of_the_measures(
    why: str,
) -> None:
    follows = fit(clicks(200, by=None, **{why: 1.0}))
    assert follows is not None
    # By chance alone, half of these leads are positive.
    assert 0.35 < follows.accuracy < 0.65
    plain = fit(clicks(200, by=None))
    assert plain is not None
    explained = sum(follows.weights.values()) - sum(plain.weights.values())
    assert explained > 0, "what disturbs takes the part of the clicks that is its own"


@pytest.mark.parametrize(("n", "threads"), [(35, 18), (60, 11)])
def test_a_few_clicks_teach_nothing(n: int, threads: int) -> None:
    few = [Comparison(i % threads, (1.0, 1.0, 1.0, 1.0), 0.0, 0.0) for i in range(n)]
    assert fit(few) is None
