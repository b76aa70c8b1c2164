"""What a fit is lent of words."""

import numpy as np

from safety.classifier.features import WORDS, word_ids
from safety.training.words import MEANINGS, known


def nearness(one: str, other: str) -> float:
    """Return the cosine between two meanings."""
    first, second = known()[word_ids([one, other]), 1:]
    return float(first @ second / np.linalg.norm(first) / np.linalg.norm(second))


def test_every_place_has_a_harshness_and_a_meaning() -> None:
    assert known().shape == (WORDS, 1 + MEANINGS)
    assert np.isfinite(known()).all()


def test_an_insult_is_harsher_than_a_thing() -> None:
    insult, thing = known()[word_ids(["idiot", "table"]), 0]
    assert insult > max(0.0, thing)


def test_words_that_mean_the_like_lie_near_each_other() -> None:
    assert nearness("knife", "sword") > nearness("knife", "poem")
    assert nearness("steal", "theft") > nearness("steal", "autumn")
