"""A long text in parts, each for one message."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.slack.render.markup import markdown
from bot.slack.render.parts import PART_LIMIT, split
from safety import SafeText
from tests.bot.test_markup import prose, texts

fenced = st.lists(prose | st.sampled_from(["\n```\n", "\n```py\n"]), max_size=120).map(
    lambda parts: SafeText("".join(parts))
)


@given(text=texts, more=texts)
def test_more_text_leaves_the_parts_before_the_last_as_they_are(
    text: SafeText, more: SafeText
) -> None:
    before, after = split(text, 120), split(SafeText(text + more), 120)
    assert after[: len(before) - 1] == before[:-1]
    assert after[len(before) - 1].startswith(before[-1]) or _closed_early(before, after)


def _closed_early(before: list[SafeText], after: list[SafeText]) -> bool:
    """Say whether the last part ended earlier, which takes nothing of it back."""
    return before[-1].startswith(after[len(before) - 1])


@given(text=texts)
def test_no_part_is_longer_than_its_limit_once_escaped(text: SafeText) -> None:
    for part in split(text, 120):
        assert len(markdown(part).encode("utf-16-le")) // 2 <= 120


@given(text=fenced)
def test_nothing_is_lost_between_parts(text: SafeText) -> None:
    without_fences = re.compile(r"`{3,}(py)?\n?|\n")
    joined = "".join(split(text, 120))
    assert without_fences.sub("", joined) == without_fences.sub("", text)


@given(text=st.text(st.sampled_from("ab \n"), max_size=600))
def test_parts_of_plain_text_are_the_text(text: SafeText) -> None:
    assert "".join(split(SafeText(text), 120)) == text


def test_short_text_is_one_part() -> None:
    assert split(SafeText("")) == [""]
    assert split(SafeText("x" * 1000)) == ["x" * 1000]


def test_long_text_is_split_at_paragraphs() -> None:
    paragraph = "A sentence of some length. " * 20 + "\n\n"
    parts = split(SafeText(paragraph * 20))
    assert len(parts) > 2
    assert all(part.endswith("\n\n") for part in parts)


@pytest.mark.parametrize(
    ("unit", "ends"),
    [("a line of text\n", "\n"), ("A sentence. ", ". "), ("word ", " ")],
)
def test_without_paragraphs_a_break_is_the_best_there_is(unit: str, ends: str) -> None:
    first, *_ = split(SafeText(unit * 1000))
    assert first.endswith(ends)
    assert len(first) > PART_LIMIT * 0.7


@pytest.mark.parametrize("character", ["👩‍👩‍👧‍👦", "e\u0301\u0323", "🇵🇹", "각", "👍🏽"])
def test_a_character_is_never_cut_in_two(character: str) -> None:
    for shift in range(len(character)):
        for part in split(SafeText("x" * shift + character * 300), 200)[:-1]:
            assert part.lstrip("x").endswith(character)
            assert len(part.lstrip("x")) % len(character) == 0


def test_a_fence_that_is_cut_is_closed_and_opened_again() -> None:
    parts = split(SafeText("```python\n" + "print('rain')\n" * 500 + "```\nend"))
    assert len(parts) > 1
    assert all(part.startswith("```python\n") for part in parts)
    assert all(part.count("```") == 2 for part in parts)
