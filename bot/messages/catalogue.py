"""The catalogue: each sentence's name, its words in every language, and how its fields go in."""

import string
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self, TypeAlias, get_args

from bot.messages.names import SentenceName

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = get_args(Language)

# Sentences that are chosen by the name of what they are about: how their own names begin.
SentenceGroup = Literal[
    "accept",
    "button",
    "change",
    "changes",
    "file",
    "form",
    "language",
    "option",
    "own",
    "reason",
    "review",
    "way",
    "why",
    "wish",
]

# Fields of every sentence.
COMMON_FIELDS = {"command": "/draft"}


class Phrase(str):
    """A sentence in the words of one language, in Slack's mrkdwn."""

    __slots__ = ()

    def __new__(cls, words: str) -> Self:
        """Make a phrase of a str only: str itself would take any object."""
        return super().__new__(cls, words)


def ours(phrase: Phrase) -> Phrase:
    """Return the phrase. Raises TypeError for another str, which mypy lets pass as Any."""
    if not isinstance(phrase, Phrase):
        raise TypeError("words that are not of the catalogue")
    return phrase


def escape(text: str) -> str:
    """Return the text without Slack's control markup, so that no mention and no link works in it.

    https://docs.slack.dev/messaging/formatting-message-text#escaping
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def language_for(locale: str) -> Language:
    """Return the language for a locale of Slack's, as zh-CN or pt-BR; English if we lack it."""
    return next((language for language in LANGUAGES if locale.startswith(language)), "en")


def fields_of(template: str) -> set[str]:
    """Return the names of the template's fields, without those of every sentence."""
    names = {name for _, name, _, _ in string.Formatter().parse(template) if name}
    return names - set(COMMON_FIELDS)


def use_command(command: str) -> None:
    """Set what people type in Slack (SLASH_COMMAND), for all sentences of this process."""
    COMMON_FIELDS["command"] = command


# Each sentence's template by its name, in every language.
WORDS: Mapping[Language, Mapping[str, str]] = {
    language: tomllib.loads(Path(__file__).with_name(f"{language}.toml").read_text("utf-8"))
    for language in LANGUAGES
}


@dataclass(frozen=True, slots=True)
class Named:
    """What people can type by a name in each language, as an option, a kind of text or a value."""

    en: str
    zh: str

    def to(self, language: Language) -> str:
        """Return its name in a language."""
        return {"en": self.en, "zh": self.zh}[language]

    @property
    def ticked(self) -> "Named":
        """The names as code."""
        return Named(f"`{self.en}`", f"`{self.zh}`")


FieldValue: TypeAlias = "str | int | float | Named | Sentence | tuple[str | Named | Sentence, ...]"


@dataclass(frozen=True, slots=True)
class Sentence:
    """What the bot says, in no language yet. A field may be a sentence, or several."""

    name: str
    fields: tuple[tuple[str, FieldValue], ...] = ()

    def __post_init__(self) -> None:
        assert {name for name, _ in self.fields} == fields_of(WORDS["en"][self.name])

    def to(self, language: Language) -> Phrase:
        """Return the sentence in a language."""
        template, fields = WORDS[language][self.name], dict(self.fields)
        return Phrase(_FieldFormatter(language).format(template, **COMMON_FIELDS, **fields))


def sentence(name: SentenceName, /, **fields: float | Sentence | tuple[Sentence, ...]) -> Sentence:
    """Return the sentence of this name. Raises TypeError for words among its fields.

    Words that somebody wrote cannot come in here; `bot.messages.sentences` says which may.
    """
    if not all(map(_is_wordless, fields.values())):
        raise TypeError("words in a sentence that quotes none")
    return fill_in(name, **fields)


def _is_wordless(value: object) -> bool:
    if isinstance(value, tuple):
        return all(isinstance(each, Sentence) for each in value)
    return isinstance(value, int | float | Sentence)


def sentence_about(group: SentenceGroup, name: str) -> Sentence:
    """Return the sentence about something that has a name of ours, e.g. a button or a language.

    Raises KeyError for a name that the catalogue does not have.
    """
    return Sentence(f"{group}_{name}")


def fill_in(name: SentenceName, /, **fields: FieldValue) -> Sentence:
    """Return the sentence of this name with words in it. Only for `bot.messages.sentences`."""
    return Sentence(name, tuple(fields.items()))


class _FieldFormatter(string.Formatter):
    """Formats a field of several values with its format between them: `{known:, }`."""

    def __init__(self, language: Language) -> None:
        self._language = language

    def format_field(self, value: Any, format_spec: str) -> str:
        if isinstance(value, Sentence):
            return value.to(self._language)
        if isinstance(value, Named):
            return escape(value.to(self._language))
        if isinstance(value, tuple):
            return format_spec.join(self.format_field(each, "") for each in value)
        return str(super().format_field(value, format_spec))
