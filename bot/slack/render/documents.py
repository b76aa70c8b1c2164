"""Released text as a file: Markdown as it is, or a Word document made of it. Pure."""

import io
import json
import re

from docx import Document
from docx.document import Document as WordDocument
from docx.text.paragraph import Paragraph
from markdown_it import MarkdownIt
from markdown_it.token import Token

from bot.drafting.slack_port import FileKind
from bot.messages import Phrase
from bot.slack.render.markup import LINK_JOINT
from safety import SafeText, part, safe

NAME_LIMIT = 60

NAME = re.compile(r"[^\W_][\w ,'’-]*")
MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])
NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
LISTS = {"bullet_list_open": "List Bullet", "ordered_list_open": "List Number"}
LIST_LEVELS = 3
AI = "AI"
HEADING_LEVELS = 9


def file_name(text: SafeText) -> SafeText:
    """Return the first words of the text, without an ending; nothing if it has no words."""
    first = NAME.search(text)
    if first is None:
        return part(text, 0, 0)
    # One character more, to see whether a word ends there.
    name = part(text, first.start(), min(first.end(), first.start() + NAME_LIMIT + 1))
    if len(name) > NAME_LIMIT:
        space = name.rfind(" ")
        name = part(name, 0, space if space > 0 else NAME_LIMIT)
    return part(name, 0, len(name.rstrip(" ,'’-")))


def file_of(text: SafeText, kind: FileKind, mark: Phrase | None = None) -> bytes:
    """Return the file's bytes; `mark` says in its properties that it was drafted with AI."""
    if kind == "docx":
        return word(text, mark)
    front = _front_matter(mark) if mark else ""
    return f"{front}{safe(text)}\n".encode()


def _front_matter(mark: Phrase) -> str:
    """Return YAML for programs and people; bot.extraction knows it by its first line."""
    # A JSON string is a double-quoted scalar of YAML.
    said = json.dumps(mark, ensure_ascii=False)
    return f"---\ndrafted_with_ai: true\ndisclosure: {said}\n---\n\n"


def word(text: SafeText, mark: Phrase | None = None) -> bytes:
    """Build a .docx with the text's headings, paragraphs, lists, tables, code and emphasis.

    A link shows its address, as it does in Slack. `mark` is its property "Comments".
    """
    document = Document()
    # Those of python-docx's own template name python-docx.
    properties = document.core_properties
    properties.author, properties.comments = "", mark or ""
    properties.keywords = AI if mark else ""
    builder = _DocumentBuilder(document)
    for token in MARKDOWN.parse(LINK_JOINT.sub("] ", NOT_XML.sub("", safe(text)))):
        builder.add(token)
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


class _DocumentBuilder:
    """Walks the tokens of a Markdown text and fills a document."""

    def __init__(self, document: WordDocument) -> None:
        self._document = document
        self._lists: list[str] = []
        self._heading = 0
        self._rows: list[list[str]] = []

    def add(self, token: Token) -> None:
        if token.type in LISTS:
            self._lists.append(LISTS[token.type])
        elif token.type in ("bullet_list_close", "ordered_list_close"):
            self._lists.pop()
        elif token.type == "heading_open":
            self._heading = min(int(token.tag[1:]), HEADING_LEVELS)
        elif token.type in ("fence", "code_block"):
            self._add_code(token.content)
        elif token.type == "html_block":
            self._document.add_paragraph(token.content.strip())
        elif token.type.startswith(("table", "tr", "th", "td")):
            self._add_table(token)
        elif token.type == "inline":
            self._add_inline(token)

    def _add_inline(self, token: Token) -> None:
        if self._rows and self._rows[-1] and token.level > 0:
            self._rows[-1][-1] = _plain_text(token)
            return
        _fill(self._new_paragraph(), token)

    def _new_paragraph(self) -> Paragraph:
        if self._heading:
            level, self._heading = self._heading, 0
            heading: Paragraph = self._document.add_heading(level=level)
            return heading
        if self._lists:
            level = min(len(self._lists), LIST_LEVELS)
            style = self._lists[-1] + (f" {level}" if level > 1 else "")
            return self._document.add_paragraph(style=style)
        return self._document.add_paragraph()

    def _add_code(self, code: str) -> None:
        run = self._document.add_paragraph().add_run(code.rstrip("\n"))
        run.font.name = "Courier New"

    def _add_table(self, token: Token) -> None:
        if token.type == "tr_open":
            self._rows.append([])
        elif token.type in ("th_open", "td_open"):
            self._rows[-1].append("")
        elif token.type == "table_close":
            table = self._document.add_table(0, len(self._rows[0]), style="Table Grid")
            for row in self._rows:
                for cell, words in zip(table.add_row().cells, row, strict=True):
                    cell.text = words
            self._rows = []


def _fill(paragraph: Paragraph, inline: Token) -> None:
    styles: set[str] = set()
    for token in inline.children or []:
        if token.type.endswith("_open"):
            styles.add(token.tag)
        elif token.type.endswith("_close"):
            styles.discard(token.tag)
        elif token.type in ("softbreak", "hardbreak"):
            paragraph.add_run("\n")
        else:
            run = paragraph.add_run(token.content)
            run.bold, run.italic = "strong" in styles, "em" in styles
            run.font.strike = "s" in styles
            if token.type == "code_inline":
                run.font.name = "Courier New"


def _plain_text(inline: Token) -> str:
    breaks = ("softbreak", "hardbreak")
    return "".join("\n" if t.type in breaks else t.content for t in inline.children or [])
