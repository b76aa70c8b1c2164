"""Each variant undoes a disguise, and points to where the text was written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safety.text.normalise import NormalisedText, normalise

PARTS = ["a", "7", "@", " ", "  ", "   ", ".", "-", "_", "\n", "密", "碼", "word", "\u200b", "，"]
TEXTS = st.lists(st.sampled_from(PARTS), max_size=60).map("".join)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("p a s s w o r d", "password"),
        ("p a s s w o r d  i s  h u n t e r 2 2", "password is hunter22"),
        ("p a s s   i s   h u n t e r", "pass is hunter"),
        ("p.a.s.s.w.o.r.d", "password"),
        ("j a n e @ a c m e . c o m", "jane@acme.com"),
        ("请用A K I A Q 3 E G，", "请用AKIAQ3EG，"),
        ("密 码 是 A b c 1", "密码是Abc1"),
        ("I am a b c to you", "I am a b c to you"),
        ("plan A. B is next", "plan A. B is next"),
        ("U.S.A. and 1.2.3.4", "U.S.A. and 1.2.3.4"),
        ("a b\nc d\ne f\ng h", "a b\nc d\ne f\ng h"),
    ],
)
def test_what_is_spelled_out_is_closed_up(written: str, read: str) -> None:
    assert as_it_is(written).closed_up.text == read


def as_it_is(text: str) -> NormalisedText:
    return NormalisedText(text, text, range(len(text)))


@pytest.mark.parametrize(
    ("written", "read"), [("密碼與護照號", "密码与护照号"), ("简体", "简体"), ("plain", "plain")]
)
def test_traditional_characters_are_read_as_simplified(written: str, read: str) -> None:
    assert as_it_is(written).simplified.text == read


def test_figures_and_signs_are_read_as_letters() -> None:
    assert as_it_is("P4$$w0rd, 70k3n").unleeted.text == "password, token"


@given(TEXTS)
def test_every_character_of_a_variant_points_to_where_it_was_written(text: str) -> None:
    read = normalise(text)
    places = dict(zip(read.offsets, read.text, strict=True))
    for character, place in zip(read.closed_up.text, read.closed_up.offsets, strict=True):
        assert places[place] == character
    for same_length in (read.simplified, read.unleeted):
        assert same_length.offsets == read.offsets


@given(TEXTS)
def test_closing_up_takes_away_nothing_but_what_parts_letters(text: str) -> None:
    read = normalise(text)
    parting = str.maketrans("", "", " ._*-")
    assert read.closed_up.text.translate(parting) == read.text.translate(parting)
