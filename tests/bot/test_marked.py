"""Whether a judge prefers the draft that the measures mark."""

import asyncio
import math
from collections.abc import Mapping, Sequence

import pytest

from bot.drafting.measures import Judge, Measures
from bot.evaluate.marked import Marker, Siblings, marked, table
from bot.evaluate.results import Text
from bot.messages import Language
from inference.client import ChatMessage

DULL = "We are glad to be glad. We are glad to be glad. We are glad to be glad."
CLEAR = "The roof has a library. Trams stop at the door."


def text(words: str, sample: int, *, case: str = "b1", language: Language = "en") -> Text:
    return Text(case, "blog", language, "held-back", 0, sample, 0, "our roof", None, words, "stop")


async def prefers_libraries(messages: Sequence[ChatMessage]) -> Mapping[str, float]:
    """A judge that wants a library, and without one says A."""
    first, second = messages[-1].content.split("Text B:")
    chosen = "B" if "library" in second and "library" not in first else "A"
    return {chosen: math.log(0.9), "AB".replace(chosen, ""): math.log(0.1)}


async def score(context: str, words: str) -> list[float]:
    return [-1.0] * len(words.split())


async def test_the_marked_draft_is_put_before_the_judge_with_each_sibling_in_both_orders() -> None:
    drafts = [text(DULL, 0), text(CLEAR, 1), text(DULL, 2)]
    marker = Marker(score, Judge(prefers_libraries), {"en": {"creativity"}}, asyncio.Semaphore(1))
    group = await marker.siblings(drafts)
    assert group.marked == 1
    assert group.preferred == pytest.approx({(0, 1): 0.1, (0, 2): 0.5, (1, 2): 0.9})
    assert group.wins(1) == 1.0
    assert group.wins(0) == 0.25  # A judge that always says A prefers neither.
    assert group.longest == 0
    said = table([group])
    assert "| English | 1 | 0 | 100 % [21, 100] | 25 % [1, 88] | 0 % |" in said


def test_only_measures_that_are_shown_mark_a_draft() -> None:
    found = [Measures(0.1, 0.9, None, 0.2), Measures(0.8, 0.1, None, 0.2)]
    assert marked(found, {"coherence"}) == 1
    assert marked(found, {"creativity"}) == 0
    assert marked(found, {"readability"}) == 0
    assert marked(found, {"relevance"}) is None


def test_a_brief_in_which_nothing_is_marked_is_counted_as_such() -> None:
    drafts = [text(DULL, 0), text(CLEAR, 1)]
    one, none = Siblings(drafts, 1, {(0, 1): 0.1}), Siblings(drafts, None, {(0, 1): 0.1})
    said = table([one, none, none])
    assert "| all | 3 | 2 | 100 % [21, 100] | 0 % [0, 56] | 0 % |" in said
    assert "| all | 1 | 1 | - | 0 % [0, 79] | - |" in table([none])


def test_a_pair_of_which_the_judge_says_nothing_counts_for_nobody() -> None:
    drafts = [text(DULL, 0), text(CLEAR, 1)]
    silent = Siblings(drafts, 0, {})
    assert silent.wins(0) is None
    assert "| all | 1 | 0 | - | - |" in table([silent])
    assert "| all | 2 | 0 | 0 % [0, 79] |" in table([silent, Siblings(drafts, 0, {(0, 1): 0.2})])
