"""Accepted texts as files."""

import io
import json

import docx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.extraction.front_matter import without_front_matter
from bot.messages import Phrase, sentences
from bot.slack.render.documents import NAME_LIMIT, file_name, file_of, word
from safety import SafeText

TEXT = """# The *tram*

It **climbs** the ~~steep~~ hill, [slowly](https://example.org).

1. first
   - inner
2. second

| line | colour |
| --- | --- |
| 28 | yellow |

```
ring()
```
"""


def opened(text: str) -> docx.document.Document:
    return docx.Document(io.BytesIO(word(SafeText(text))))


def test_a_word_document_has_the_structure_of_the_text() -> None:
    document = opened(TEXT)
    told = [(p.style.name if p.style else None, p.text) for p in document.paragraphs]
    assert told == [
        ("Heading 1", "The tram"),
        ("Normal", "It climbs the steep hill, [slowly] (https://example.org)."),
        ("List Number", "first"),
        ("List Bullet 2", "inner"),
        ("List Number", "second"),
        ("Normal", "ring()"),
    ]
    runs = {run.text: run for run in document.paragraphs[1].runs}
    assert runs["climbs"].bold
    assert runs["steep"].font.strike
    cells = [[cell.text for cell in row.cells] for row in document.tables[0].rows]
    assert cells == [["line", "colour"], ["28", "yellow"]]


def test_a_word_document_says_in_its_properties_what_it_was_drafted_with_or_nothing() -> None:
    mark = Phrase("Drafted with AI, accepted by ana")
    marked = docx.Document(io.BytesIO(word(SafeText(TEXT), mark))).core_properties
    assert (marked.comments, marked.keywords, marked.author) == (mark, "AI", "")
    bare = opened(TEXT).core_properties
    assert (bare.comments, bare.keywords, bare.author) == ("", "", "")


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=200))
def test_any_name_makes_front_matter_that_is_left_out_again(name: str) -> None:
    mark = sentences.disclosure(name).to("en")
    file = file_of(SafeText(TEXT), "md", mark).decode()
    _, first, said, _ = file.split("\n", 3)
    assert first == "drafted_with_ai: true"
    assert json.loads(said.removeprefix("disclosure: ")) == mark
    for ending in ("\n", "\r\n"):
        lines = file.replace("\n", ending)
        assert without_front_matter(lines) == (TEXT + "\n").replace("\n", ending)


def test_front_matter_of_others_is_a_part_of_their_text() -> None:
    for text in ("---\ntitle: Trams\n---\n\nUp.\n", "---\n\nUp.\n\n---\n", "Up.\n"):
        assert without_front_matter(text) == text


def test_chinese_right_to_left_text_and_emoji_come_through() -> None:
    text = "电车爬上山。\n\nהחשמלית מטפסת 🚋"
    assert [p.text for p in opened(text).paragraphs] == text.split("\n\n")


@settings(max_examples=40)
@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=400))
def test_any_text_makes_a_document(text: str) -> None:
    opened(text)


@given(st.text())
def test_a_file_is_named_after_the_first_words(text: str) -> None:
    name = file_name(SafeText(text))
    assert name in text
    assert len(name) <= NAME_LIMIT
    assert not set(name) & set('/\\:*?"<>|\n')


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (f"{'tram ' * 11}climbs the hill", ("tram " * 11).strip()),
        (f"{'tram ' * 11}stops. Up", f"{'tram ' * 11}stops"),
        ("电车" * 40, "电车" * 30),
    ],
)
def test_a_name_ends_with_a_whole_word_where_words_have_spaces(text: str, name: str) -> None:
    assert file_name(SafeText(text)) == name
