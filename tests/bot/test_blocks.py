"""Messages and the form, checked against Slack's limits."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.drafting.brief.brief import BadBrief, Understood, parse
from bot.drafting.brief.names import KNOWN
from bot.drafting.brief.options import Options
from bot.drafting.brief.recipe import load_recipes
from bot.drafting.slack_port import Button, Content
from bot.messages import LANGUAGES, Language, Phrase
from bot.slack.render import blocks
from bot.slack.render.draft_form import (
    BRIEF,
    DRAFT,
    DRAFTS,
    FOLDED,
    MORE,
    Choices,
    Filling,
    draft_view,
    unfolded_view,
)
from bot.slack.render.parts import split
from bot.workspace.blocks import accept_view
from safety import SafeText

HEAD = Phrase("*Draft 12*, made from draft 3")
RECIPES = load_recipes()
DEFAULTS = Options(
    n=1, temperature=0.7, top_k=50, top_p=0.95, repetition_penalty=1.1, max_tokens=512, seed=7
)

labels = st.text(min_size=1, max_size=75).map(Phrase)
buttons = st.lists(
    st.builds(
        Button,
        labels,
        st.text(min_size=1, max_size=255),
        st.text(max_size=2_000),
        st.sampled_from(["", "primary", "danger"]),
    ),
    max_size=5,
)
nasty = st.text(st.sampled_from("ab&<>]([*`#|-\n 👩한"), max_size=3_000).map(
    lambda text: SafeText(text * 5)
)


@given(text=nasty, row=buttons)
def test_every_part_of_a_draft_fits_into_one_message(text: SafeText, row: list[Button]) -> None:
    for part in split(text):
        content = blocks.draft(HEAD, part, *blocks.closing(Phrase("1.2 s"), row))
        assert len(content.blocks) <= 50
        assert 0 < len(content.text) <= 4_000
        assert sum(len(b["text"]) for b in content.blocks if b["type"] == "markdown") <= 12_000
        assert len(json.dumps(content.blocks[0], ensure_ascii=False)) <= 13_200


@given(text=nasty)
def test_a_text_that_is_cut_for_notifications_ends_in_no_half_entity(text: SafeText) -> None:
    for part in split(text):
        shown = blocks.draft(HEAD, part).text
        assert not re.search(r"&(?!amp;|lt;|gt;)", shown)


@given(lines=st.lists(st.text(st.sampled_from("ab&c "), min_size=1, max_size=4_000), min_size=1))
def test_a_page_of_many_lines_loses_none_of_them(lines: list[str]) -> None:
    content = blocks.page([Phrase("Lines:\n" + "\n".join(lines))])
    texts = [b["text"]["text"] for b in content.blocks]
    assert all(0 < len(text) <= 3_000 for text in texts)
    if len(texts) < 50:
        shown = "\n".join(texts).split("\n")[1:]
        assert [line[:2_900] for line in shown] == [line[:2_900] for line in lines]


@given(row=buttons)
def test_buttons_keep_what_they_were_given(row: list[Button]) -> None:
    content = blocks.message(Content(Phrase("Choose."), buttons=row))
    shown = [e for b in content.blocks if b["type"] == "actions" for e in b["elements"]]
    assert [e["action_id"] for e in shown] == [b.action_id for b in row]
    assert [e.get("value", "") for e in shown] == [b.value for b in row]


@pytest.mark.parametrize(
    "wrong",
    [
        {"label": Phrase("x" * 76)},
        {"label": Phrase("")},
        {"action_id": "x" * 256},
        {"value": "x" * 2001},
    ],
)
def test_a_button_over_slacks_limits_cannot_be_made(wrong: dict[str, Any]) -> None:
    with pytest.raises(AssertionError):
        Button(**{"label": Phrase("Again"), "action_id": "again", "value": "", **wrong})


def test_a_stream_and_a_message_say_the_same() -> None:
    body = SafeText("**Rain** in Lisbon")
    (block,) = blocks.draft(HEAD, body).blocks
    assert block["text"] == blocks.draft_markdown(HEAD, body)
    assert block["text"].startswith(blocks.head_markdown(HEAD))


CHOICES = Choices(
    [("blog", "a blog post"), ("text", "a text")],
    ["en", "zh"],
    [("x", "x"), ("linkedin", "领英")],
    {"temperature": 0.5, "max_tokens": 512},
)


def test_the_form_asks_for_all_that_a_brief_can_say() -> None:
    view = draft_view("{}", "en", CHOICES)
    assert view["callback_id"] == DRAFT
    asked = [block["block_id"] for block in view["blocks"]]
    assert asked == [
        *("kind", "network", "brief", "source", "files", "audience", "tone", "words", "lang"),
        *("drafts", "private", "best", MORE),
    ]
    needed = [b["block_id"] for b in view["blocks"] if not b.get("optional")]
    assert needed == [BRIEF, DRAFTS, MORE]
    unfolded = unfolded_view(view, "en", CHOICES.usual)
    assert unfolded is not None
    further = [block["block_id"] for block in unfolded["blocks"]]
    assert further == [*asked[:-1], *FOLDED]
    assert {*KNOWN, DRAFTS} - {"n"} <= {*further, DRAFTS}
    assert unfolded_view(unfolded, "en", CHOICES.usual) is None


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("anywhere", [True, False])
@pytest.mark.parametrize("source", [None, HEAD])
def test_slack_takes_every_form(language: Language, anywhere: bool, source: Phrase | None) -> None:
    view = draft_view("{}", language, CHOICES, source=source, anywhere=anywhere)
    unfolded = unfolded_view(accept_view(view), language, CHOICES.usual)
    assert unfolded is not None
    accept_view(unfolded)


@given(
    options=st.fixed_dictionaries({name: st.text(max_size=9) for name in KNOWN}),
    text=st.text(max_size=3000),
    language=st.sampled_from(LANGUAGES),
)
def test_slack_takes_a_form_that_is_filled_with_what_was_understood(
    options: dict[str, str], text: str, language: Language
) -> None:
    typed = " ".join(f"{name}={value}" for name, value in options.items())
    try:
        parse(f"{typed} {text}", RECIPES, DEFAULTS, limit=9000, languages=["en", "zh"])
    except BadBrief as slip:
        understood = Understood(slip.understood.options, slip.understood.text[:3000])
        filling = Filling([slip.sentence], understood)
        accept_view(draft_view("{}", language, CHOICES, filling=filling))
