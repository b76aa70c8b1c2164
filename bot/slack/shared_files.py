"""Files as messages, forms and files.info tell of them: their ids, and names that say their kind.

https://docs.slack.dev/reference/objects/file-object
"""

import re
from collections.abc import Mapping
from typing import Any

Body = Mapping[str, Any]

ENDING = re.compile(r"[^.]\.[a-z][a-z0-9]{0,9}\Z", re.IGNORECASE)
# By Slack's word for the type, and by the type of its content.
ENDINGS = {
    "text": "txt",
    "markdown": "md",
    "docx": "docx",
    "pdf": "pdf",
    "text/plain": "txt",
    "text/markdown": "md",
    "application/pdf": "pdf",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
}

CANVAS, UNTITLED = "application/vnd.slack-docs", "Canvas"


def files_of(holder: Body) -> list[tuple[str, str]]:
    """Return the id and the name of each file; "" for one that files.info has to be asked about."""
    files = holder.get("files") or []
    return [(str(file["id"]), name_of(file)) for file in files]


def name_of(file: Body) -> str:
    """Return a file's name, with an ending where only its type says what it is; "" if unknown.

    A snippet may be "Untitled" or "-.txt"; where people of another workspace are, there is no name.
    A canvas is read as Markdown.
    """
    if is_canvas(file):
        return f"{file.get('title') or UNTITLED}.md"
    name, title = str(file.get("name") or ""), str(file.get("title") or "")
    nameless = not name.strip("-.").removesuffix("txt")
    shown = title if nameless and title else name
    if not shown or ENDING.search(shown):
        return shown
    ending = ENDINGS.get(str(file.get("filetype")), ENDINGS.get(str(file.get("mimetype")), ""))
    # What somebody typed into Slack's own editor is text, in whatever language.
    ending = ending or ("txt" if file.get("mode") == "snippet" else "")
    return f"{shown}.{ending}" if ending else shown


def is_canvas(file: Body) -> bool:
    """Say whether a file object is a canvas."""
    return file.get("mimetype") == CANVAS or file.get("filetype") in ("quip", "canvas")
