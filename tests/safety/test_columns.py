"""Passwords that only the heading of their column calls so."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safety.detectors.columns import REACH, Columns
from safety.text.normalise import normalise

MARKDOWN = "| User | Password |\n|---|---|\n| ana | Tr4mw4yLx |\n| ben | `Qwe77#rt1` |\nAnd more."


def found(text: str) -> list[str]:
    return [text[each.start : each.end] for each in Columns().find(normalise(text))]


@pytest.mark.parametrize(
    ("text", "passwords"),
    [
        (MARKDOWN, ["Tr4mw4yLx", "Qwe77#rt1"]),
        ("User\tPassword\r\nana\tTr4mw4yLx\r\nben\tQwe77#rt1", ["Tr4mw4yLx", "Qwe77#rt1"]),
        ("user,temporary password,note\nana,Tr4mw4yLx,new", ["Tr4mw4yLx"]),
        ("password;host\nTr4mw4yLx;db1\n", ["Tr4mw4yLx"]),
        ("| **P4ssw0rd** | Host |\n|---|---|\n| Tr4mw4yLx | db1 |", ["Tr4mw4yLx"]),
        ("| User | Password |\n|---|---|\n| ana | T r 4 m w 4 y L x |", ["T r 4 m w 4 y L x"]),
        ("| 用户 | 密碼 |\n|---|---|\n| 安娜 | Tr4mw4yLx |", ["Tr4mw4yLx"]),
    ],
)
def test_a_column_that_is_called_so_holds_passwords(text: str, passwords: list[str]) -> None:
    assert found(text) == passwords


@pytest.mark.parametrize(
    "text",
    [
        "| Password | Rule |\n|---|---|\n| min8chars | one digit |\n| changeme123 | default |",
        "| User | Password policy |\n|---|---|\n| ana | Tr4mw4yLx |",
        "| User | Password |\n|---|---|\n\n| Build | Tr4mw4yLx |",
        "| User | Password |\n|---|---|\n| ana | kept in the vault at Tr4mw4yLx |",
        "Bring your name, password, and badge.\nThe room is Tr4mw4yLx.",
        "Password\nTr4mw4yLx",
        "| User | Password |\n|---|---|\n| ana | see the vault |\n| ben | ******** |",
    ],
)
def test_other_columns_and_prose_do_not(text: str) -> None:
    assert found(text) == []


def test_no_value_is_found_further_from_its_heading_than_a_piece_is_judged_with() -> None:
    rows = "".join(f"| name{n} | Tr4mw4yLx{n:03} |\n" for n in range(60))
    text = f"| User | Password |\n|---|---|\n{rows}"
    last = found(text)[-1]
    assert text.index(last) < REACH + 30 < len(text)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, len(MARKDOWN)))
def test_what_a_beginning_holds_is_found_in_the_whole(end: int) -> None:
    cut = MARKDOWN.rfind("\n", 0, end) + 1
    assert found(MARKDOWN[:cut]) == [each for each in found(MARKDOWN) if each in MARKDOWN[:cut]]
