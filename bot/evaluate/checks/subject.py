"""A text that is checked, with all that was asked of it."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from bot.drafting.brief.options import Options
from bot.drafting.brief.recipe import Recipe
from bot.evaluate.cases import Wish
from bot.messages import Language

WORD = re.compile(r"[^\W_]+(?:['’.,-][^\W_]+)*")
HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
MARKS = re.compile(r"[*_#`~]+")
DIGITS_APART = re.compile(r"(?<=\d),(?=\d{3})")
SENTENCE_END = re.compile(r"(?<=[.!?])[\"'”’)]*\s+|(?<=[。！？!?])[”’」）]*|\n+")
LIST_ITEM = re.compile(r"^\s*(?:[-*–](?=\s)|[•·]|\d{1,2}[.)、．]|[（(]\d{1,2}[)）])\s*\S")
HEADING_MARK = re.compile(r"^\s*#{1,6}\s|^\s*\*\*[^*]+\*\*\s*[:：]?\s*$|^\s*【[^】]+】\s*$")
LONGEST_HEADING = {"en": 16, "zh": 36}


@dataclass(frozen=True, slots=True)
class Subject:
    """One text. `told`: all that the model was given, the brief, the material and the replies.

    `wish`, `before`: for a refinement, what was asked, and the text that it was asked of.
    """

    text: str
    language: Language
    options: Options
    recipe: Recipe
    told: str
    finish_reason: str | None = "stop"
    present: Sequence[str] = ()
    absent: Sequence[str] = ()
    facts: Sequence[str] = ()
    lead: Sequence[str] = ()
    wish: Wish | None = None
    before: str = ""

    @property
    def lines(self) -> list[str]:
        """The lines that are not blank."""
        return [line.strip() for line in self.text.splitlines() if line.strip()]


def length(text: str, language: Language) -> int:
    """Return the words; in Chinese the characters, where a foreign word or number is one."""
    if language == "en":
        return len(WORD.findall(text))
    return len(HAN.findall(text)) + len(WORD.findall(HAN.sub(" ", text)))


def folded(text: str) -> str:
    """Return the text without what makes no difference: case, width, quotes, marks of Markdown."""
    text = unicodedata.normalize("NFKC", text).casefold()
    text = text.replace("’", "'").replace("–", "-").replace("—", "-").replace("‑", "-")
    return DIGITS_APART.sub("", MARKS.sub("", text))


def says(text: str, term: str) -> bool:
    """Say whether a text has a term, or one of several with | between. `tram` is in `trams`."""
    return any(_has(folded(text), folded(form)) for form in term.split("|"))


def has_word(text: str, term: str) -> bool:
    """Say whether a text has a word as it is: `art` is not in `party`."""
    return (
        re.search(rf"(?<![a-z0-9]){re.escape(folded(term))}(?![a-z0-9])", folded(text)) is not None
    )


def _has(text: str, form: str) -> bool:
    before = r"(?<![a-z0-9])" if form[0].isascii() and form[0].isalnum() else ""
    after = r"(?!\d)" if form[-1].isdigit() else ""
    return re.search(before + re.escape(form) + after, text) is not None


def bare(line: str) -> str:
    """Return a line without marks of Markdown."""
    return MARKS.sub("", line).strip()


def is_heading(line: str, language: Language) -> bool:
    """Say whether a line is marked as a heading, or is short and no sentence."""
    if HEADING_MARK.match(line):
        return length(line, language) <= LONGEST_HEADING[language]
    if LIST_ITEM.match(line):
        return False
    plain = bare(line)
    is_short = 0 < length(plain, language) <= LONGEST_HEADING[language]
    return is_short and plain[-1:] not in '.。,，;；"”」…'


def sentences_of(text: str) -> list[str]:
    """Return the sentences; a heading or a point of a list is one."""
    return [each.strip() for each in SENTENCE_END.split(text) if each and each.strip()]
