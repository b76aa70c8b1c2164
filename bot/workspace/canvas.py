"""Canvases: documents that are files, and the Markdown that Slack takes for them.

https://docs.slack.dev/surfaces/canvases
"""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, get_args

from markdown_it import MarkdownIt
from markdown_it.token import Token

from bot.workspace.errors import ApiError
from bot.workspace.objects import Json, UploadedFile, new_id

MIMETYPE = "application/vnd.slack-docs"
UNTITLED = "Untitled"
MOST_CHARACTERS = 1_048_576
MOST_CELLS = 300
DEEPEST_HEADING = 3

AccessLevel = Literal["read", "write", "owner"]
LEVELS: tuple[AccessLevel, ...] = get_args(AccessLevel)
# What a workspace's plan allows: all, one canvas for each channel, or none (its owners say so).
CanvasPlan = Literal["paid", "free", "disabled"]

MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
LISTS = {"bullet_list_open", "ordered_list_open"}


@dataclass(slots=True, eq=False)
class Canvas(UploadedFile):
    """A canvas. Its bytes are what Slack serves at its address: the text as HTML.

    `access` is by the id of a person or a channel; `tab` is the channel whose tab it is.
    """

    markdown: str = ""
    access: dict[str, AccessLevel] = field(default_factory=dict)
    tab: str | None = None

    def grant(self, level: AccessLevel, *, channel: str | None = None, user: str = "") -> None:
        """Let a channel or a person read, or read and write."""
        self.access[channel or user] = level
        if channel:
            self.channels.add(channel)
        else:
            self.readers.add(user)


def new_canvas(user: str, title: str, markdown: str) -> Canvas:
    """Return a canvas that nobody else sees yet. Raises ApiError for what Slack does not take."""
    check_markdown(markdown)
    title = title or UNTITLED
    name = "-" if title == UNTITLED else re.sub(r"\W+", "_", title)
    body = f'<div class="quip-canvas-content">{MARKDOWN.render(markdown)}</div>'
    return Canvas(
        new_id("F"), name, user, int(time.time()), MIMETYPE, body.encode(), title, markdown=markdown
    )


def check_markdown(markdown: str) -> None:
    """Raise ApiError, with the line in `detail`, for what no canvas can hold.

    Slack's Java SDK tests a list of another kind within a list; "Unsupported heading depth (4)"
    is what apps report; the limit of cells is on the page of canvases.
    """
    for line, what in _unsupported(MARKDOWN.parse(markdown)):
        detail = f"'content' error: line {line}: {what}"
        raise ApiError("canvas_creation_failed", detail=detail)


def _unsupported(tokens: list[Token]) -> Iterator[tuple[int, str]]:
    lists: list[str] = []
    cells, table = 0, 0
    for token in tokens:
        line = (token.map or [0])[0] + 1
        if token.type == "heading_open" and int(token.tag[1:]) > DEEPEST_HEADING:
            yield line, f"Unsupported heading depth ({token.tag[1:]})"
        elif token.type in LISTS:
            if lists and lists[-1] != token.type:
                yield line, "Unsupported list type"
            lists.append(token.type)
        elif token.type.endswith("_list_close"):
            lists.pop()
        elif token.type == "table_open":
            cells, table = 0, line
        elif token.type in ("th_open", "td_open"):
            cells += 1
        elif token.type == "table_close" and cells > MOST_CELLS:
            yield table, "Unsupported table type"


def canvas_json(canvas: Canvas, url: str, domain: str, team: str) -> Json:
    """Build the fields in which a canvas differs from other files.

    https://docs.slack.dev/reference/objects/file-object
    """
    place = f"{url}/files-pri/{team}-{canvas.id}"
    return {
        "filetype": "quip",
        "pretty_type": "Canvas",
        "mode": "quip",
        "editable": True,
        "canvas_creator_id": canvas.user,
        "url_private": f"{place}/canvas",
        "url_private_download": f"{place}/download/canvas",
        "permalink": f"https://{domain}.slack.com/docs/{team}/{canvas.id}",
    }
