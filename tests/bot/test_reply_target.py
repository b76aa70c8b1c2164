"""Which draft a reply means."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.drafting.reply_target import holds, pointed


@pytest.mark.parametrize(
    ("reply", "number", "rest"),
    [
        ("2: shorter", 2, "shorter"),
        ("#2 shorter", 2, "shorter"),
        ("draft 2 shorter please", 2, "shorter please"),
        ("Draft 12 shorter", 12, "shorter"),
        ("2 shorter", 2, "shorter"),
        ("2 less formal", 2, "less formal"),
        ("2：短一点", 2, "短一点"),
        ("第2稿 短一点", 2, "短一点"),
        ("草稿 2：短一点", 2, "短一点"),
        ("2. and mention\nthe tram", 2, "and mention\nthe tram"),
    ],
)
def test_a_number_at_the_beginning_names_a_draft(reply: str, number: int, rest: str) -> None:
    pointer = pointed(reply)
    assert (pointer.number, pointer.rest) == (number, rest)


@pytest.mark.parametrize(
    "reply",
    [
        *("shorter", "3 paragraphs, please", "2 bullet points", "5 reasons why", "两段", "3 段"),
        *("2024", "2:", "2:30 pm, not 3 pm", "3.5 million, not 3 million", "2 more jokes please"),
        *("28, not 29, is the line", "1. Make it shorter\n2. Mention the tram", "1) a\n2) b"),
    ],
)
def test_other_numbers_belong_to_the_instruction(reply: str) -> None:
    pointer = pointed(reply)
    assert (pointer.number, pointer.rest) == (None, reply)


def test_a_quotation_stays_in_the_instruction_for_it_says_what_is_meant() -> None:
    reply = "> The tram climbs\n> the hill.\nless dry"
    pointer = pointed(reply)
    assert (pointer.quote, pointer.rest) == ("The tram climbs the hill.", reply)
    assert pointed("> only a quotation").quote is None


def test_quoted_words_are_found_whatever_their_markup() -> None:
    assert holds("**The tram** climbs\n\nthe hill.", "The tram climbs the hill.")
    assert not holds("The tram climbs.", "the bus")
    assert not holds("anything", "...")


def test_a_link_to_a_message_names_its_ts() -> None:
    link = "https://acme.slack.com/archives/C0LAUNCH/p1700000000000100?thread_ts=1.2&cid=C0LAUNCH"
    pointer = pointed(f"{link} shorter")
    assert (pointer.ts, pointer.rest) == ("1700000000.000100", "shorter")


@given(st.text())
def test_any_reply_points_somewhere_or_nowhere(reply: str) -> None:
    pointer = pointed(reply)
    assert pointer.rest in reply
