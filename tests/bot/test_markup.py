"""Text on its way to Slack."""

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.messages import escape
from bot.slack.render.markup import as_markdown, markdown, mrkdwn, plain, unformatted
from safety import SafeText

Format = Callable[[SafeText], str]

LIVE = re.compile(r"<[@#!]|<https?:|<mailto:")

WORDS = (
    "rain|on |the |roof. |\n|\n\n|```\n|```py\n|`|](|<!channel>"
    "|&|# |**|e\u0301|👩\u200d👧|한|雨。|- |[x]|\r\n"
)
words = st.sampled_from(WORDS.split("|"))
prose = words.filter(lambda word: "`" not in word)
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


def test_markdown_becomes_the_older_markup_of_slack() -> None:
    text = SafeText("# Title **bold**\n* one *item*\n- two **bold** `**code**`\n~~gone~~ a*b*c")
    assert mrkdwn(text) == ("*Title bold*\n• one _item_\n• two *bold* `**code**`\n~gone~ a*b*c")


def test_a_table_becomes_code_where_slack_has_no_tables() -> None:
    assert mrkdwn(SafeText("| a | b |\n|---|---|\n| 1 | 2 |")).startswith("```\n| a | b |")


def test_a_phrase_looks_the_same_as_markdown() -> None:
    assert as_markdown("*Draft 2* · from <@U*1*> _x_ ~y~") == "**Draft 2** · from <@U*1*> _x_ ~~y~~"


def test_a_message_is_recognised_whatever_marks_slack_kept() -> None:
    assert plain("**Draft 1** &lt;") == plain("*Draft 1* <") == "Draft 1 <"


@pytest.mark.parametrize(
    ("phrase", "shown"),
    [
        ("`max_tokens` takes `top_k`, *not* _9_ ~or~ x", "max_tokens takes top_k, not 9 or x"),
        ("Try `/draft blog: a *b*`.", "Try /draft blog: a *b*."),
        ("max_tokens and top_k, 2*3*4", "max_tokens and top_k, 2*3*4"),
        ("<https://a.b/c|Draft 1> &amp; &lt;more&gt;", "Draft 1 & <more>"),
        ("采用 *这一份*，还是 `n=2`？", "采用 这一份，还是 n=2？"),
    ],
)
def test_a_phrase_stands_in_a_form_without_its_marks(phrase: str, shown: str) -> None:
    assert unformatted(phrase) == shown
