"""The catalogue: whatever the bot says, it can say to people of every language."""

import re
import shutil
from pathlib import Path
from typing import Any, get_args

import pytest

from bot.messages import Named, catalogue, sentences
from bot.messages.__main__ import write_names
from bot.messages.catalogue import LANGUAGES, WORDS, fields_of, sentence, sentence_about
from bot.messages.names import SentenceName

BOT = Path(catalogue.__file__).parents[1]
SOURCE = "".join(p.read_text(encoding="utf-8") for p in BOT.rglob("*.py") if p.name != "names.py")
# Begin so: sentences that are chosen by the name of what they are about.
NAMED = (
    *("option_", "language_", "button_", "wish_", "way_", "form_", "source_", "file_"),
    *("change_", "reason_", "accept_", "own_", "changes_title", "why_title"),
)
# Those that only put fields together.
NO_WORDS = {
    *("facts", "help_kind", "help_option", "help_wish", "home_thread", "home_thread_link"),
    *("named_source", "own_setting", "prompt_typed"),
}
IN_FORMS = [
    name for name in get_args(SentenceName) if re.fullmatch(r"\w+_(title|submit)|form_close", name)
]
HAN = re.compile(r"[\u4e00-\u9fff]")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_sentence_with_the_same_fields(
    language: catalogue.Language,
) -> None:
    english = {name: fields_of(words) for name, words in WORDS["en"].items()}
    assert {name: fields_of(words) for name, words in WORDS[language].items()} == english


def test_no_sentence_was_left_in_english() -> None:
    alike = {name for name in WORDS["en"] if not HAN.search(WORDS["zh"][name])}
    assert alike == {
        "facts",
        "help_kind",
        "help_option",
        "help_wish",
        "home_thread",
        "home_thread_link",
        "named_source",
        "own_setting",
        "prompt_typed",
    }


def test_the_catalogue_has_no_sentence_that_nobody_says() -> None:
    unsaid = {name for name in WORDS["en"] if f'"{name}"' not in SOURCE}
    assert {name for name in unsaid if not name.startswith(NAMED)} == set()


def test_every_name_of_the_catalogue_is_a_name_for_the_checker_of_types() -> None:
    assert set(get_args(SentenceName)) == set(WORDS["en"])


def test_the_names_are_written_anew_as_they_are(tmp_path: Path) -> None:
    for name in ("en.toml", "names.py"):
        shutil.copy(BOT / "messages" / name, tmp_path)
    write_names(tmp_path)
    assert (tmp_path / "names.py").read_text() == (BOT / "messages" / "names.py").read_text()


def test_a_sentence_is_made_with_all_of_its_fields_or_not_at_all() -> None:
    assert sentence("seed", seed=7).to("zh") == "种子 7"
    wrong_fields: list[dict[str, int]] = [{}, {"seed": 7, "more": 1}, {"need": 7}]
    for wrong in wrong_fields:
        with pytest.raises(AssertionError):
            sentence("seed", **wrong)
    with pytest.raises(KeyError):
        sentence_about("button", "no_such_button")


def test_a_sentence_takes_no_words_from_outside_the_catalogue() -> None:
    words: Any = "<!channel>"
    with pytest.raises(TypeError):
        sentence("invite_me", bot=words)


def same(name: str) -> Named:
    """Return a name that is the same in every language."""
    return Named(name, name)


def test_what_is_quoted_is_never_read_as_a_template() -> None:
    said = sentences.bad_option(same("n"), "{limit}", sentences.choices([same("{0}")], None)).to(
        "en"
    )
    assert said == "`n` takes only `{0}`, not `limit`."


def test_lists_are_written_as_each_language_writes_them() -> None:
    hint = sentences.choices([same("a"), same("b")], None)
    assert (hint.to("en"), hint.to("zh")) == ("one of `a`, `b`", "下列之一：`a`、`b`")


@pytest.mark.parametrize(
    ("locale", "language"),
    [("zh-CN", "zh"), ("zh-TW", "zh"), ("en-GB", "en"), ("pt-BR", "en"), ("", "en")],
)
def test_a_locale_of_slack_chooses_the_language(locale: str, language: str) -> None:
    assert catalogue.language_for(locale) == language


@pytest.mark.parametrize("language", LANGUAGES)
def test_titles_and_buttons_of_the_form_are_as_short_as_slack_wants(
    language: catalogue.Language,
) -> None:
    assert all(len(sentence(name).to(language)) <= 24 for name in IN_FORMS)


def test_every_language_has_one_name_that_leads_back_to_it() -> None:
    names = sentences.language_names()
    assert (names["German"], names["德语"], names["de"]) == ("de", "de", "de")
    assert len(names) == 3 * len(sentences.TEXT_LANGUAGES)
