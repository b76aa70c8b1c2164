"""Guesses from what a text repeats of itself."""

from array import array
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from inference.engine.prompt_lookup import MATCH, PromptLookup
from inference.engine.sequence import tokens_of

TEXTS = st.lists(st.integers(1, 3), max_size=60).map(tokens_of)


def guess(text: list[int], count: int) -> list[int]:
    lookup = PromptLookup()
    lookup.follow(tokens_of(text))
    return lookup.guess(tokens_of(text), count)


def test_what_followed_the_same_three_tokens_is_guessed_to_follow_again() -> None:
    assert guess([1, 2, 3, 4, 5, 6, 1, 2, 3], 2) == [4, 5]


def test_the_last_of_several_places_is_taken() -> None:
    assert guess([1, 2, 3, 4, 1, 2, 3, 5, 1, 2, 3], 1) == [5]


def test_two_tokens_that_were_there_before_are_not_enough_for_a_guess() -> None:
    assert guess([8, 1, 2, 4, 9, 1, 2], 3) == []


def test_a_guess_ends_where_the_text_ends() -> None:
    assert guess([7, 7, 7, 7], 5) == [7]


def test_the_rate_rises_while_a_text_repeats_itself_and_falls_when_it_stops() -> None:
    lookup, text, rates = PromptLookup(), tokens_of(range(10)), []
    for token in [*range(10), *range(10), *range(100, 105)]:
        lookup.follow(text)
        rates.append(lookup.rate)
        text.append(token)
    lookup.follow(text)
    # The first three tokens of the repetition are needed to notice it.
    assert rates[: MATCH + 1] == [0.0] * (MATCH + 1)
    rising = rates[MATCH + 1 : 21]
    assert all(a < b for a, b in pairwise(rising))
    assert rising[-1] > 0.9 > lookup.rate > 0.7


def test_a_text_without_repetition_keeps_the_rate_at_nothing() -> None:
    lookup = PromptLookup()
    lookup.follow(tokens_of(range(500)))
    assert (lookup.rate, lookup.match) == (0.0, None)


@given(TEXTS)
def test_the_match_is_after_the_nearest_earlier_place_with_the_same_end(text: "array[int]") -> None:
    lookup = PromptLookup()
    lookup.follow(text)
    end = text[-MATCH:]
    places = [at for at in range(MATCH, len(text)) if text[at - MATCH : at] == end]
    assert lookup.match == max(places, default=None)


@given(TEXTS, st.lists(st.integers(0, 60)))
def test_a_text_that_comes_in_pieces_is_known_like_one_that_comes_at_once(
    text: "array[int]", cuts: list[int]
) -> None:
    whole, pieces = PromptLookup(), PromptLookup()
    whole.follow(text)
    for cut in [*sorted(cuts), len(text)]:
        pieces.follow(text[:cut])
    assert pieces == whole
