"""The normalised text reads as the original does, and each of its characters has a place in it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safety.text.normalise import NormalisedText, fold, normalise, visible

# Default_Ignorable_Code_Point in Unicode's DerivedCoreProperties.txt, version 14.
IGNORABLE = [
    *(0x00AD, 0x034F, 0x061C, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFEFF, 0xFFA0),
    *range(0x180B, 0x1810),
    *range(0x200B, 0x2010),
    *range(0x202A, 0x202F),
    *range(0x2060, 0x2070),
    *range(0xFE00, 0xFE10),
    *range(0xFFF0, 0xFFF9),
    *range(0x1BCA0, 0x1BCA4),
    *range(0x1D173, 0x1D17B),
    *range(0xE0000, 0xE1000),
]
TEXTS = st.text(
    st.one_of(st.characters(), st.sampled_from("ﬁ㎡½①ａＡ．。\u200b\u202eаеоΑ字漢1a .\U000e0041"))
)


@given(TEXTS)
def test_every_character_points_to_the_one_it_came_from(text: str) -> None:
    normalised = normalise(text)
    for character, offset in zip(normalised.text, normalised.offsets, strict=True):
        assert character in fold(text[offset])
    assert list(normalised.offsets) == sorted(normalised.offsets)


@given(TEXTS, st.data())
def test_a_span_of_the_normalised_text_is_the_span_it_came_from(
    text: str, data: st.DataObject
) -> None:
    normalised = normalise(text)
    if not normalised.text:
        return
    start = data.draw(st.integers(0, len(normalised.text) - 1))
    end = data.draw(st.integers(start + 1, len(normalised.text)))
    finding = normalised.finding("email", "rule", start, end)
    assert 0 <= finding.start < finding.end <= len(text)
    assert normalised.text[start:end] in normalise(text[finding.start : finding.end]).text


def content(text: NormalisedText) -> tuple[str, str, list[int]]:
    return text.text, text.original, list(text.offsets)


@given(TEXTS, st.data())
def test_a_part_of_a_text_is_what_it_is_alone(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    alone = normalise(text[start:end])
    assert content(normalise(text).part(start, end)) == content(alone)
    assert normalise(text).folded(start, end) == alone.text


@given(TEXTS, TEXTS)
def test_two_texts_together_are_what_they_are_as_one(one: str, other: str) -> None:
    assert content(normalise(one) + normalise(other)) == content(normalise(one + other))


@given(TEXTS)
def test_normalising_twice_changes_nothing_more(text: str) -> None:
    once = normalise(text).text
    assert normalise(once).text == once


@given(TEXTS)
def test_what_is_visible_stays_visible(text: str) -> None:
    assert visible(visible(text)) == visible(text)


@given(st.text(st.characters(max_codepoint=127, exclude_categories=["Cc"])))
def test_plain_text_is_its_own_normal_form(text: str) -> None:
    assert normalise(text).text == visible(text) == text


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("ＡＫＩＡ１２", "AKIA12"),
        ("p\u200ba\u2060s\u00ads", "pass"),
        ("pаsswоrd", "password"),
        ("ΑΒΕΖ", "ABEZ"),
        ("٣٤٥ ४५", "345 45"),
        ("905‑674–3793", "905-674-3793"),
        ("ﬁle①", "file1"),
        ("密码與密碼：好。", "密码與密碼:好。"),
        ("a\U000e0041\U000e0042b", "ab"),
        ("\u202eabc", "abc"),
    ],
)
def test_what_reads_alike_is_made_alike(written: str, read: str) -> None:
    assert normalise(written).text == read


@pytest.mark.parametrize("text", ["", "\u200b", "\u202e\u2066\u2069", "\x00\x1b\x7f", "\U000e0041"])
def test_nothing_is_visible_of_control_and_zero_width_characters(text: str) -> None:
    assert visible(text) == ""


def test_every_character_that_unicode_lets_a_font_ignore_is_dropped() -> None:
    for code in IGNORABLE:
        written = f"pass{chr(code)}word"
        assert normalise(written).text == visible(written) == "password", hex(code)


@pytest.mark.parametrize(
    "text",
    [
        " \n\t",
        "👨\u200d👩\u200d👧",
        "❤\ufe0f ☎\ufe0e ©\ufe0f ㊗\ufe0f",
        "❤\ufe0f\u200d🔥",
        "1\ufe0f\u20e3 #\ufe0f\u20e3",
        "می\u200cخواهم",
        "字",
        "é",
    ],
)
def test_white_space_emoji_and_joined_letters_are_visible(text: str) -> None:
    assert visible(text) == text
