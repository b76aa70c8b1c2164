"""Text on its way to Slack."""

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.messages import escape
from bot.slack.render.markup import PART_LIMIT, as_markdown, markdown, mrkdwn, plain, split
from safety import SafeText

Format = Callable[[SafeText], str]

LIVE = re.compile(r"<[@#!]|<https?:|<mailto:")

WORDS = (
    "rain|on |the |roof. |\n|\n\n|```\n|```py\n|`|](|<!channel>"
    "|&|# |**|e\u0301|👩\u200d👧|한|雨。|- |[x]|\r\n"
)
words = st.sampled_from(WORDS.split("|"))
prose = words.filter(lambda word: "`" not in word)
fenced = st.lists(prose | st.sampled_from(["\n```\n", "\n```py\n"]), max_size=120).map(
    lambda parts: SafeText("".join(parts))
)
texts = st.lists(words, max_size=120).map(lambda parts: SafeText("".join(parts)))


@pytest.mark.parametrize("form", [markdown, mrkdwn])
@given(text=texts)
def test_no_control_markup_of_slack_lives_in_released_text(form: Format, text: SafeText) -> None:
    assert "<" not in form(text)
    assert not LIVE.search(form(text))


@pytest.mark.parametrize(
    "attack",
    ["<!channel>", "<!here|x>", "<@U123>", "<#C1>", "<!subteam^S1>", "<https://x|y>", "&lt;!here>"],
)
@pytest.mark.parametrize("form", [escape, markdown, mrkdwn])
def test_mentions_and_links_arrive_as_the_characters_they_are(form: Format, attack: str) -> None:
    shown = form(SafeText(attack))
    assert shown.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") == attack


def test_a_label_never_hides_its_address() -> None:
    shown = markdown(SafeText("see [our site](https://evil.example/?q=secret)"))
    assert "](" not in shown
    assert "https://evil.example/?q=secret" in shown


def test_code_keeps_its_brackets() -> None:
    code = SafeText("```\nrow[0](1)\n```")
    assert markdown(code) == code


@given(text=texts, more=texts)
def test_more_text_only_adds_to_what_a_stream_has_shown(text: SafeText, more: SafeText) -> None:
    assert markdown(SafeText(text + more)).startswith(markdown(text))


@given(text=texts, more=texts)
def test_more_text_leaves_the_parts_that_stand_as_they_are(text: SafeText, more: SafeText) -> None:
    before, after = split(text, 120), split(SafeText(text + more), 120)
    assert after[: len(before) - 1] == before[:-1]
    assert after[len(before) - 1].startswith(before[-1]) or _closed_early(before, after)


def _closed_early(before: list[SafeText], after: list[SafeText]) -> bool:
    """The last part may end where it stands: nothing of it is taken back."""
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


def test_markdown_becomes_the_older_markup_of_slack() -> None:
    text = SafeText("# Title **bold**\n* one *item*\n- two **bold** `**code**`\n~~gone~~ a*b*c")
    assert mrkdwn(text) == ("*Title bold*\n• one _item_\n• two *bold* `**code**`\n~gone~ a*b*c")


def test_a_table_becomes_code_where_slack_has_no_tables() -> None:
    assert mrkdwn(SafeText("| a | b |\n|---|---|\n| 1 | 2 |")).startswith("```\n| a | b |")


def test_a_phrase_looks_the_same_as_markdown() -> None:
    assert as_markdown("*Draft 2* · from <@U*1*> _x_ ~y~") == "**Draft 2** · from <@U*1*> _x_ ~~y~~"


def test_a_message_is_recognised_whatever_marks_slack_kept() -> None:
    assert plain("**Draft 1** &lt;") == plain("*Draft 1* <") == "Draft 1 <"
