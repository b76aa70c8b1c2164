"""Released text as the Markdown that canvases take. Pure.

Slack refuses a whole canvas for one construct that it does not know: headings below the third
level, a list of another kind within a list, tables of more than 300 cells. The text is parsed and
written anew, so that nothing of that is left, and no link, picture or mention: in a canvas
`![](@U1)` would mention a person and `![](https://...)` load a page.
https://docs.slack.dev/surfaces/canvases
"""

import re
from collections.abc import Iterator, Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode

from bot.messages import Phrase, escape, ours
from bot.slack.render.markup import LINK_JOINT, as_markdown
from safety import SafeText, safe

DEEPEST_HEADING = 3
MOST_CELLS = 300
INDENT = 4
HARD_BREAK = "  \n"

LIVE = ["link", "image", "reference", "autolink", "html_inline", "html_block", "entity"]
MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])
# Without text_join, what was escaped stays known as such.
MARKDOWN.disable([*LIVE, "text_join"])

LISTS = ("bullet_list", "ordered_list")
BACKTICKS = re.compile(r"`+")
# At the beginning of a line these would begin a block.
SIGN = re.compile(r"^([#+*=|~`-])")
NUMBER = re.compile(r"^(\d{1,9})([.)])")
ID = re.compile(r"<([@#])(\w+)>")
LABELLED = re.compile(r"<(https?://[^|>]+)\|([^>]+)>")


def canvas_markdown(text: SafeText, note: Phrase) -> str:
    """Format a text for a canvas, and a note of ours at its end."""
    blocks = [*_blocks(SyntaxTreeNode(MARKDOWN.parse(safe(text))).children), "---", _note(note)]
    return "\n\n".join(blocks)


def _note(note: Phrase) -> str:
    """Turn a phrase of ours into a canvas's Markdown, with its mentions and links."""
    return LABELLED.sub(r"[\2](\1)", ID.sub(r"![](\1\2)", as_markdown(ours(note))))


def _blocks(nodes: Sequence[SyntaxTreeNode]) -> Iterator[str]:
    for node in nodes:
        if node.type in LISTS:
            yield from _list(node)
        elif node.type == "table":
            yield from _tables(node)
        elif node.type == "blockquote":
            yield from _quote(node)
        else:
            yield _block(node)


def _block(node: SyntaxTreeNode) -> str:
    if node.type == "heading":
        level = min(int(node.tag[1:]), DEEPEST_HEADING)
        return f"{'#' * level} {_inline(node, ' ')}"
    if node.type in ("fence", "code_block"):
        longest = max(map(len, BACKTICKS.findall(node.content)), default=0)
        fence = "`" * max(longest + 1, 3)
        code = node.content.removesuffix("\n")
        return f"{fence}\n{code}\n{fence}"
    return "---" if node.type == "hr" else _inline(node)


def _quote(node: SyntaxTreeNode) -> Iterator[str]:
    """Yield a quote as such if it has paragraphs only: lists or code in it may be refused."""
    if any(child.type != "paragraph" for child in node.children):
        yield from _blocks(node.children)
        return
    lines = "\n\n".join(_blocks(node.children)).split("\n")
    yield "\n".join(f"> {line}" for line in lines)


def _list(node: SyntaxTreeNode) -> Iterator[str]:
    """Yield a list, in which all lists are of its kind; a block within it interrupts it."""
    lines: list[str] = []
    base = 0
    for depth, content in _items(node, node.type == "ordered_list", 0):
        if depth is None:
            yield from filter(None, ["\n".join(lines), content])
            lines = []
            continue
        base = min(depth, base) if lines else depth
        indent = " " * INDENT * (depth - base)
        lines += [indent + content.replace("\n", f"\n{indent}{' ' * INDENT}")]
    yield from filter(None, ["\n".join(lines)])


def _items(node: SyntaxTreeNode, ordered: bool, depth: int) -> Iterator[tuple[int | None, str]]:
    """Yield the items as (depth, text), and the blocks that no item can hold as (None, block)."""
    first = int(node.attrs.get("start", 1)) if ordered else 1
    for number, item in enumerate(node.children, first):
        texts = [child for child in item.children if child.type in ("paragraph", "heading")]
        mark = f"{number}. " if ordered else "- "
        yield depth, mark + HARD_BREAK.join(_inline(text) for text in texts)
        for child in item.children:
            if child.type in LISTS:
                yield from _items(child, ordered, depth + 1)
            elif child not in texts:
                yield from ((None, block) for block in _blocks([child]))


def _tables(node: SyntaxTreeNode) -> Iterator[str]:
    """Yield a table, as several with the same head if it has too many cells."""
    trs = [row for part in node.children for row in part.children]
    rows = [[_inline(cell, " ").replace("|", r"\|") for cell in row.children] for row in trs]
    head, body = rows[0], rows[1:]
    step = max(MOST_CELLS // len(head) - 1, 1)
    for start in range(0, max(len(body), 1), step):
        shown = [head, ["---"] * len(head), *body[start : start + step]]
        yield "\n".join(f"| {' | '.join(row)} |" for row in shown)


def _inline(node: SyntaxTreeNode, line_break: str = HARD_BREAK) -> str:
    """Write a line of text anew; its line breaks stay, for verse has them."""
    written = ""
    for token in (token for child in node.children for token in _tokens(child)):
        piece = _piece(token, line_break)
        at_start = written[-1:] in ("", "\n")
        written += _as_text(piece) if at_start and token.type == "text" else piece
    return written


def _tokens(inline: SyntaxTreeNode) -> Sequence[Token]:
    assert inline.token is not None
    return inline.token.children or []


def _as_text(piece: str) -> str:
    """Keep the beginning of a line from beginning a block."""
    return NUMBER.sub(r"\1\\\2", SIGN.sub(r"\\\1", piece, count=1), count=1)


def _piece(token: Token, line_break: str) -> str:
    if token.type in ("softbreak", "hardbreak"):
        return line_break
    if token.type == "code_inline":
        pad = " " if "`" in (token.content[:1], token.content[-1:]) else ""
        return f"{token.markup}{pad}{token.content}{pad}{token.markup}"
    # What opens or closes emphasis, and an escaped character that is none of Slack's own.
    if token.nesting or (token.type == "text_special" and token.content not in "&<>"):
        return token.markup
    # `[label](address)` would hide the address: a space shows both.
    return LINK_JOINT.sub("] ", escape(token.content))
