"""Borders: they depend on the text alone, and nothing that the filter looks for crosses one."""

import re
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safety import Filter, load_policy
from safety.text import segmentation
from safety.text.normalise import normalise
from safety.text.segmentation import OpenLine, Segmenter
from tests.safety.generated.streams import TEXTS, chunked

SCREENING = Filter(load_policy(None)).screening


@settings(max_examples=200)
@given(chunked(), st.integers(0, 400))
def test_any_chunking_gives_the_same_borders(chunks: list[str], limit: int) -> None:
    text = "".join(chunks)[: 2000 + limit]
    assert borders_as_it_grows(text) == borders(text)


def borders(text: str) -> list[int]:
    return list(normalise(text).borders)


def borders_as_it_grows(text: str) -> list[int]:
    segmenter, grown = Segmenter(), normalise("")
    found: list[int] = []
    for character in text:
        grown += normalise(character)
        while (border := segmenter.next(grown)) is not None:
            found.append(border)
    return found


@settings(max_examples=200)
@given(TEXTS)
def test_no_finding_crosses_a_border_and_none_changes_with_what_follows(text: str) -> None:
    findings = SCREENING.examine(normalise(text))
    for border in borders(text):
        before = tuple(finding for finding in findings if finding.start < border)
        assert SCREENING.examine(normalise(text[:border])) == before


@pytest.mark.parametrize(
    "kept_whole",
    [
        "[a label. With sentences](https://elsewhere.net/x)",
        "<!subteam^S1|@the team. Of us>",
        "`inline. code`",
        "4539 1488\n0343 6467",
        "\n```\nline one. Two\n\nline three\n```\n",
    ],
)
def test_no_border_cuts(kept_whole: str) -> None:
    text = f"Before it, {kept_whole} and after it. The end"
    inside = range(len("Before it, ") + 1, len("Before it, ") + len(kept_whole.rstrip()))
    assert not set(borders(text)) & set(inside)


@pytest.mark.parametrize(
    "text",
    [
        "x" * 6000,
        "字" * 6000,
        "a\n" * 3000,
        "word " * 1200,
        "`" + "字" * 6000,
        "https://字" * 900,
        "```\n" + "a\n" * 3000,
    ],
    ids=["letters", "chinese", "lines", "words", "open code", "targets", "open fence"],
)
def test_the_search_for_borders_reads_each_character_a_few_times(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at = 0

    class Counting:
        """A pattern that counts how much text it walks over up to the matches taken of it."""

        def __init__(self, pattern: re.Pattern[str]) -> None:
            self.pattern = pattern

        def finditer(self, text: str, start: int) -> Iterator[re.Match[str]]:
            nonlocal looked_at
            for match in self.pattern.finditer(text, start):
                looked_at += match.end() - start
                start = match.end()
                yield match
            looked_at += len(text) - start

    class Recording(OpenLine):
        def read(self, more: str) -> None:
            nonlocal looked_at
            looked_at += len(more)
            OpenLine.read(self, more)

    monkeypatch.setattr("safety.text.segmentation.CANDIDATE", Counting(segmentation.CANDIDATE))
    segmenter = Segmenter(line=Recording())
    for end in range(5, len(text) + 5, 5):
        grown = normalise(text[:end])
        while segmenter.next(grown) is not None:
            pass
    assert looked_at < 12 * len(text)
