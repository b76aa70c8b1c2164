"""Released text as the Markdown of a canvas: what Slack takes, and nothing that lives in it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from bot.messages import Phrase
from bot.slack.render.canvas import canvas_markdown
from bot.workspace.canvas import check_markdown
from safety import SafeText

NOTE = Phrase("Accepted by <@U123> · draft 1")
SHOWN_NOTE = "\n\n---\n\nAccepted by ![](@U123) · draft 1"

PIECES = [
    *("rain ", "# ", "#### ", "- ", "1. ", "    - ", "    1) ", "   ", "> ", "\n", "\n\n", "```\n"),
    *("`", "``", "~~~\n", "[a](https://x.example)", "![](@U1)", "![](#C1)", "<@U1>", "<https://x>"),
    *(
        "[a]: https://x.example\n",
        "[a]",
        "](",
        "\\[",
        "\\`",
        "\\",
        "&#91;",
        "&lt;",
        "<b>",
        "**",
        "_",
    ),
    *("|a|b|\n|-|-|\n|1|2|\n", "|", "---\n", "===\n", "!", "[", "]", "(", ")", "@U1"),
]
texts = st.lists(st.sampled_from(PIECES), max_size=40).map(lambda parts: SafeText("".join(parts)))


def shown(text: str) -> str:
    """Return what a canvas holds of a text, without the note at its end."""
    written = canvas_markdown(SafeText(text), NOTE)
    assert written.endswith(SHOWN_NOTE)
    return written.removesuffix(SHOWN_NOTE)


@given(text=texts)
def test_every_text_is_one_that_slack_takes_without_a_link_or_a_mention(text: SafeText) -> None:
    written = canvas_markdown(text, Phrase("Accepted."))
    check_markdown(written)
    for token in MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(written):
        assert token.type != "html_block"
        kinds = {child.type for child in token.children or []}
        assert not kinds & {"link_open", "image", "html_inline"}, written


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("#### Deep\n\ntext", "### Deep\n\ntext"),
        ("1. one\n   - inner\n2. two", "1. one\n    1. inner\n2. two"),
        ("- [ ] do\n- [x] done", "- [ ] do\n- [x] done"),
        ("| a | b |\n|---|---|\n| `1` | **2** |", "| a | b |\n| --- | --- |\n| `1` | **2** |"),
        ("```py\na[0](1) <@U1>\n```", "```\na[0](1) <@U1>\n```"),
        ("roses\nviolets", "roses  \nviolets"),
        ("> quoted\n\n> # said", "> quoted\n\n# said"),
        ("- one\n\n  ```\n  code\n  ```\n- two", "- one\n\n```\ncode\n```\n\n- two"),
        ("[our site](https://evil.example)", "[our site] (https://evil.example)"),
        ("![](@U1) ![](#C1)", "![] (@U1) ![] (#C1)"),
        ("<@U1> & \\*stars\\*", "&lt;@U1&gt; &amp; \\*stars\\*"),
    ],
)
def test_what_canvases_have_is_kept_and_the_rest_is_text(text: str, written: str) -> None:
    assert shown(text) == written


def test_a_table_with_too_many_cells_becomes_several_with_the_same_head() -> None:
    rows = "\n".join(f"| {n} | a | b |" for n in range(150))
    written = shown(f"| n | one | two |\n|---|---|---|\n{rows}")
    check_markdown(written)
    assert written.count("| n | one | two |") == 2
    assert all(f"| {n} | a | b |" in written for n in range(150))
