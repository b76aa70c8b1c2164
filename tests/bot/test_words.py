"""What a person typed, and the words of messages, read from what Slack sends."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.slack.incoming import typed
from bot.slack.words import people_in, words_of
from bot.workspace import markup


@given(st.text())
def test_what_a_person_typed_comes_back_as_it_was(text: str) -> None:
    assert typed(markup.escape(text)) == text.strip()


@pytest.mark.parametrize(
    "text",
    [
        "if a<b and c>d",
        "List<String>",
        "Map<String, List<Integer>>",
        "std::vector<int> and <T>",
        "<html><body onload=x>",
        "x <- y | z -> w",
        "<@nobody> <#here> <!now>",
        "1 < 2 > 0",
        "&amp;lt;",
    ],
)
def test_what_only_looks_like_markup_stays(text: str) -> None:
    assert typed(text.replace("&amp;", "&amp;amp;")) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<@U07ANA> and <@W07BEN|ben>", "@U07ANA and @ben"),
        ("<#C07GENERAL|general>, <#C07GENERAL>", "#general, #C07GENERAL"),
        ("<!here> <!channel|channel> <!everyone>", "@here @channel @everyone"),
        ("<!subteam^S07TEAM|@editors> <!subteam^S07TEAM>", "@editors @S07TEAM"),
        ("on <!date^1392734382^{date} at {time}|Feb 18>", "on Feb 18"),
        ("on <!date^1392734382^{date}^https://example.com/|Feb 18>", "on Feb 18"),
        ("<https://example.com/?a=1&amp;b=2>", "https://example.com/?a=1&b=2"),
        ("<https://example.com|example.com>", "https://example.com"),
        ("<https://example.com/1|the report>", "the report (https://example.com/1)"),
        ("<mailto:jo@example.com|jo@example.com>", "jo@example.com"),
        ("<tel:+351211|+351 211>", "+351 211 (+351211)"),
        ("<@U0BOT> blog: rain", "blog: rain"),
        ("a &lt;b&gt; &amp;amp; c", "a <b> &amp; c"),
    ],
)
def test_slacks_own_forms_are_read_as_they_are_shown(text: str, shown: str) -> None:
    assert typed(text, bot="U0BOT") == shown


def section(text: str, **more: Any) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}, **more}


def rich(*elements: dict[str, Any]) -> dict[str, Any]:
    return {"type": "rich_text", "elements": list(elements)}


def rich_section(*elements: dict[str, Any]) -> dict[str, Any]:
    return {"type": "rich_text_section", "elements": list(elements)}


GITHUB = {
    "bot_id": "B07GITHUB",
    "text": "",
    "attachments": [
        {
            "fallback": "[acme/site] Pull request opened by ana",
            "pretext": "Pull request opened by <https://github.com/ana|ana>",
            "title": "#12 Faster trams",
            "title_link": "https://github.com/acme/site/pull/12",
            "text": "The tram now takes *7* minutes.",
            "fields": [
                {"title": "Reviewers", "value": "ben", "short": True},
                {"title": "Labels", "value": "ok", "short": True},
            ],
            "footer": "acme/site",
            "mrkdwn_in": ["text"],
        }
    ],
}
PAGER = {
    "bot_id": "B07PAGER",
    "text": "Triggered #4: CPU is high on web-1",
    "blocks": [
        {"type": "header", "text": {"type": "plain_text", "text": "Triggered #4"}},
        section("CPU is high on web-1", fields=[{"type": "mrkdwn", "text": "*Urgency*\nhigh"}]),
        {"type": "context", "elements": [{"type": "mrkdwn", "text": "Service: web"}]},
        {"type": "actions", "elements": [{"type": "button", "text": {"text": "Acknowledge"}}]},
    ],
    "attachments": [{"fallback": "[no preview available]", "blocks": [section("Runbook 7")]}],
}
WORKFLOW = {
    "bot_id": "B07FLOW",
    "subtype": "bot_message",
    "text": "",
    "blocks": [
        rich(
            rich_section(
                {"type": "user", "user_id": "U07ANA"},
                {"type": "text", "text": " asks for leave: a &lt; b ", "style": {"bold": True}},
                {"type": "emoji", "name": "tram"},
            ),
            {
                "type": "rich_text_list",
                "style": "ordered",
                "elements": [
                    rich_section({"type": "text", "text": "from Monday"}),
                    rich_section({"type": "link", "url": "https://a.example", "text": "the plan"}),
                ],
            },
            {"type": "rich_text_quote", "elements": [{"type": "text", "text": "until Friday"}]},
        )
    ],
}


def test_a_post_of_an_app_with_attachments_is_read_whole() -> None:
    assert words_of(GITHUB).splitlines() == [
        "Pull request opened by ana (https://github.com/ana)",
        "#12 Faster trams (https://github.com/acme/site/pull/12)",
        "The tram now takes *7* minutes.",
        "Reviewers: ben",
        "Labels: ok",
    ]


def test_a_text_that_repeats_the_blocks_is_said_once() -> None:
    assert words_of(PAGER).splitlines() == [
        "Triggered #4",
        "CPU is high on web-1",
        "*Urgency*",
        "high",
        "Service: web",
        "Runbook 7",
    ]


def test_a_post_without_text_is_read_from_its_blocks_with_names() -> None:
    assert people_in(WORKFLOW) == {"U07ANA"}
    assert words_of(WORKFLOW, names={"U07ANA": "Ana"}).splitlines() == [
        "@Ana asks for leave: a < b :tram:",
        "1. from Monday",
        "2. the plan (https://a.example)",
        "until Friday",
    ]


def test_tables_cards_and_pictures_have_words_too() -> None:
    cell = {"type": "raw_text", "text": "28"}
    blocks = [
        {"type": "table", "rows": [[{"type": "raw_text", "text": "line"}, cell]]},
        {"type": "markdown", "text": "# Trams\nare *yellow*"},
        {"type": "image", "alt_text": "a tram"},
        {"type": "card", "title": {"type": "mrkdwn", "text": "A card"}, "actions": []},
    ]
    message = {"bot_id": "B1", "text": "", "blocks": blocks}
    assert words_of(message) == "line | 28\n# Trams\nare *yellow*\na tram\nA card"


def test_what_a_person_wrote_is_read_from_the_text_alone() -> None:
    block = rich(rich_section({"type": "channel", "channel_id": "C07A"}))
    message = {"user": "U1", "text": "see <#C07A|trams>", "blocks": [block]}
    assert words_of(message) == "see #trams"


def test_a_message_that_was_shared_is_read_where_it_stands() -> None:
    inner = {"message": {"blocks": [rich(rich_section({"type": "text", "text": "It is late"}))]}}
    shared = {"author_name": "Ben", "text": "It is late", "message_blocks": [inner]}
    assert words_of({"user": "U1", "text": "", "attachments": [shared]}) == "Ben\nIt is late"


@pytest.mark.parametrize("broken", [{}, {"text": None, "blocks": None}, {"blocks": ["x", {}]}])
def test_a_message_of_an_odd_shape_has_no_words(broken: dict[str, Any]) -> None:
    assert words_of(broken) == ""
