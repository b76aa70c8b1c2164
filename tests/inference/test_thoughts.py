"""What a reasoning model thinks before its answer is shown to nobody."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.thoughts import Thoughts, leaves_open

CASES = [
    ("<think>Hm. A tram?</think>\n\nLisbon has trams.", False, "Lisbon has trams."),
    ("\n<think>\n\n</think>\n\nLisbon", False, "Lisbon"),
    ("It thinks of a plan.</think>\nLisbon", True, "Lisbon"),
    ("Lisbon has no <think> tag.</think>", False, "Lisbon has no <think> tag.</think>"),
    ("  Lisbon", False, "  Lisbon"),
    ("<thing>", False, "<thing>"),
    ("<thin", False, "<thin"),
    ("", False, ""),
    # At its token limit in the midst of a thought: there is no text yet.
    ("<think>Hm. </thin", False, ""),
    ("Hm.", True, ""),
]


@pytest.mark.parametrize(("written", "opened", "shown"), CASES)
@given(data=st.data())
def test_thoughts_are_taken_out_however_the_text_is_sliced(
    written: str, opened: bool, shown: str, data: st.DataObject
) -> None:
    thoughts, text, rest = Thoughts(opened=opened), "", written
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        text += thoughts.add(rest[:size])
        assert shown.startswith(text)
        rest = rest[size:]
    assert text + thoughts.finish() == shown
    assert thoughts.any == (opened or "<think>" in written.lstrip()[:7])


@pytest.mark.parametrize(
    ("prompt", "opens"),
    [("<|im_start|>assistant\n<think>\n", True), ("<think>\n\n</think>\n\n", False), ("", False)],
)
def test_a_prompt_can_leave_the_thoughts_open(prompt: str, opens: bool) -> None:
    assert leaves_open(prompt) == opens
