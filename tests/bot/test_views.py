"""Modals, the home tab and the messages around drafts, held against Slack's limits."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.drafting.destination import Destination
from bot.drafting.explanation import Changes, RecentThread, compared, made_by
from bot.drafting.footer import draft_row, draft_thumbs
from bot.drafting.slack_port import Content
from bot.messages import LANGUAGES, Language, Phrase, sentence, sentences
from bot.slack.render import blocks
from bot.slack.render.draft_form import Choices, draft_view
from bot.slack.render.feedback_view import feedback_view
from bot.slack.render.home_view import home_view
from bot.slack.render.own_views import own_view
from bot.slack.render.parts import split
from bot.slack.render.version_views import (
    accept_view,
    change_view,
    changes_view,
    why_view,
)
from bot.store import Preferences, Version, VersionStatus
from bot.workspace.blocks import accept_message_blocks
from bot.workspace.blocks import accept_view as slack_takes
from safety import SafeText

texts = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=3000).map(SafeText)
languages = st.sampled_from(LANGUAGES)
DESTINATIONS = [
    Destination("C0123456789", apart=False),
    Destination("C0123456789", apart=True),
    Destination("D0123456789", apart=False),
]
EVERYTHING = Preferences(
    user="U1",
    tone="friendly",
    lang="zh",
    length="short",
    drafts=3,
    private=True,
    spelling="british",
    signature="s" * 200,
    about="a" * 1_000,
    consented_at=datetime(2026, 11, 30, tzinfo=UTC),
)


def version(status: VersionStatus, text: str = "Rain.") -> Version:
    made = Version(thread_id=1, job_id=1, number=10**6, sample=0, text=text, status=status)
    made.id = 10**9
    made.ended_at = datetime.now(UTC)
    return made


@settings(max_examples=50)
@given(old=texts, new=texts, language=languages)
def test_what_changed_fits_into_a_modal_and_quotes_both_texts_in_full(
    old: SafeText, new: SafeText, language: Language
) -> None:
    pieces = list(compared(old, new))
    slack_takes(changes_view(Changes(1, pieces), language))
    assert "".join(text for mark, text in pieces if mark != "removed") == new
    kept = [text for mark, text in pieces if mark != "added"]
    assert sum(map(len, kept)) <= len(old) + sum(len(t) for m, t in pieces if m == "same")


def test_what_changed_tells_words_and_chinese_characters_apart() -> None:
    pieces = list(compared(SafeText("The old tram 爬上山"), SafeText("The tram 爬下山")))
    marked = [(mark, text.strip()) for mark, text in pieces if mark != "same"]
    assert marked == [("removed", "old"), ("removed", "上"), ("added", "下")]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_longest_texts_that_the_filter_takes_fit_into_what_changed(language: Language) -> None:
    old, new = SafeText("word " * 8000), SafeText("other " * 6500)
    slack_takes(changes_view(Changes(1, list(compared(old, new))), language))


@settings(max_examples=30)
@given(wish=texts, names=st.lists(texts, max_size=5), rules=st.lists(st.text(max_size=40)))
def test_why_this_fits_into_a_modal(
    wish: SafeText, names: list[SafeText], rules: list[str]
) -> None:
    lines = [
        sentences.why_kind("a blog post"),
        sentences.why_based(3, wish, names),
        sentences.why_options({"tone": "formal", "words": 300}),
        sentence("why_made", facts=made_by(version(VersionStatus.FINISHED), 7, 2)),
        sentences.why_filter(rules),
    ]
    for language in LANGUAGES:
        slack_takes(why_view(lines, language))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_forms_about_a_draft_are_taken(language: Language) -> None:
    for view in (
        change_view("{}", sentences.TEXT_LANGUAGES, language),
        change_view("{}", ["en"], language),
        *(accept_view("{}", language, where) for where in DESTINATIONS),
        feedback_view("{}", language),
        own_view(Preferences(user="U1"), ["en"], language),
        own_view(EVERYTHING, sentences.TEXT_LANGUAGES, language),
    ):
        slack_takes(view)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_label_of_a_form_shows_the_marks_of_a_message(language: Language) -> None:
    choices = Choices([("blog", "a `blog` post")], sentences.TEXT_LANGUAGES)
    views = [draft_view("{}", language, choices), change_view("{}", ["en", "zh"], language)]
    views += [accept_view("{}", language, where) for where in DESTINATIONS]
    shown = str([*views, feedback_view("{}", language)])
    assert "a blog post" in shown
    assert not set(shown) & set("`*")


@settings(max_examples=30)
@given(briefs=st.lists(texts, max_size=12), language=languages)
def test_home_fits_into_its_tab(briefs: list[SafeText], language: Language) -> None:
    url = "https://acme.slack.com/archives/C1/p1?thread_ts=1.2&cid=C1"
    recent = [RecentThread("a blog post", brief, url, 3) for brief in briefs]
    slack_takes(home_view(recent, EVERYTHING, [Phrase("word " * 2000)], language))


@given(brief=texts, n=st.integers(1, 5), language=languages)
def test_the_root_is_taken_with_its_state_and_its_button(
    brief: SafeText, n: int, language: Language
) -> None:
    asked = sentences.root("U1", "a blog post", brief).to(language)
    link = sentences.link_to_draft(12, "https://acme.slack.com/archives/C1/p1?a=1&b=2")
    for state in (sentences.being_written(n), sentences.drafts_stand(n, link, link)):
        content = blocks.message(Content(asked, state.to(language)))
        accept_message_blocks(list(content.blocks))


@pytest.mark.parametrize("status", list(VersionStatus))
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_draft_has_buttons_that_slack_takes(
    status: VersionStatus, language: Language
) -> None:
    row = draft_row(version(status), language, changed=True)
    thumbs = draft_thumbs(version(status), language)
    content = blocks.draft(
        Phrase("*Draft 1*"), SafeText("Rain."), *blocks.closing(Phrase("1 s"), row, thumbs)
    )
    accept_message_blocks(list(content.blocks))


@given(texts.filter(lambda text: text.strip()))
def test_a_finished_text_is_taken_part_by_part(text: SafeText) -> None:
    for part in split(text):
        content = blocks.final(part, Phrase("Accepted by <@U1> · draft 2"))
        accept_message_blocks(list(content.blocks))
