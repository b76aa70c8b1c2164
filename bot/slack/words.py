"""The words of a message, wherever it has them: its text, its blocks, its attachments.

https://docs.slack.dev/reference/block-kit/blocks
https://docs.slack.dev/legacy/legacy-messaging/legacy-secondary-message-attachments
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.slack.incoming import NO_NAMES, link, typed, unescape

Body = Mapping[str, Any]

# What says nothing: controls, and what stands where there is nothing to say.
SILENT_BLOCKS = {"actions", "context_actions", "divider", "file", "input"}
EMPTY = {"[no preview available]"}
# Characters of a passage that is found in another, to count as said twice: "OK" is often in one.
SAID_TWICE = 20
MENTIONED = re.compile(r"<@([UWB][A-Z0-9]+)(?:\|[^<>]*)?>")


def words_of(message: Body, *, bot: str = "", names: Mapping[str, str] = NO_NAMES) -> str:
    """Return the words of a message, each said once, as people read them.

    `bot`: the user whose name is dropped; `names`: of people, by their ids.
    """
    words = _Words(bot, names)
    text = words.mrkdwn(message.get("text"))
    blocks = [] if _is_composed(message) else _list(message, "blocks")
    pieces = [*words.blocks(blocks), *words.attachments(_list(message, "attachments"))]
    if _is_said(text, ["\n".join(pieces)]):
        text = ""
    kept: list[str] = []
    for piece in filter(None, [text, *map(str.strip, pieces)]):
        if not _is_said(piece, kept):
            kept.append(piece)
    return "\n".join(kept)


def people_in(message: Body) -> set[str]:
    """Return the ids of the people whom a message names."""
    return set(MENTIONED.findall(str(message.get("text", "")))) | set(_mentions(message))


def _is_composed(message: Body) -> bool:
    """Say whether a person wrote it: then the text says all that the blocks do."""
    return bool(message.get("text")) and not message.get("bot_id")


def _is_said(piece: str, others: Sequence[str]) -> bool:
    bare = _bare(piece)
    return any(
        bare == _bare(other) or (len(bare) >= SAID_TWICE and bare in _bare(other))
        for other in others
    )


def _bare(text: str) -> str:
    return "".join(c for c in text.casefold() if c.isalnum())


def _mentions(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        if value.get("type") == "user" and isinstance(value.get("user_id"), str):
            yield value["user_id"]
        if value.get("type") == "mrkdwn":
            yield from MENTIONED.findall(str(value.get("text", "")))
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for each in inner:
        yield from _mentions(each)


def _list(holder: Body, name: str) -> list[Body]:
    found = holder.get(name)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


@dataclass(frozen=True, slots=True)
class _Words:
    """Reads what a message holds, for one bot and these names."""

    bot: str
    names: Mapping[str, str]

    def mrkdwn(self, text: object) -> str:
        return typed(text, bot=self.bot, names=self.names) if isinstance(text, str) else ""

    def text(self, holder: object) -> str:
        """Return the words of a text object, or of a plain string."""
        if not isinstance(holder, dict):
            return self.mrkdwn(holder)
        words = holder.get("text")
        if holder.get("type") == "mrkdwn":
            return self.mrkdwn(words)
        return unescape(words).strip() if isinstance(words, str) else ""

    def blocks(self, blocks: Sequence[Body]) -> Iterator[str]:
        for block in blocks:
            kind = str(block.get("type", ""))
            if kind not in SILENT_BLOCKS:
                lines = READERS.get(kind, _Words.card)(self, block)
                yield "\n".join(filter(None, lines))

    def section(self, block: Body) -> Iterator[str]:
        yield self.text(block.get("text"))
        yield from map(self.text, _list(block, "fields"))

    def context(self, block: Body) -> Iterator[str]:
        yield " ".join(filter(None, map(self.text, _list(block, "elements"))))

    def markdown(self, block: Body) -> Iterator[str]:
        yield str(block.get("text") or "").strip()

    def picture(self, block: Body) -> Iterator[str]:
        yield self.text(block.get("title")) or str(block.get("alt_text") or "")

    def table(self, block: Body) -> Iterator[str]:
        for row in block.get("rows") or []:
            yield " | ".join(self.cell(cell) for cell in row if isinstance(cell, dict))

    def cell(self, cell: Body) -> str:
        if cell.get("type") == "rich_text":
            return " ".join(self.rich_text(cell))
        return self.text(cell)

    def card(self, block: Body) -> Iterator[str]:
        """Read a kind of block that has no reader of its own: by the names that texts have."""
        for name in ("title", "subtitle", "text", "body", "description"):
            yield self.text(block.get(name))
        yield from self.blocks(_list(block, "elements"))

    def rich_text(self, block: Body) -> Iterator[str]:
        for element in _list(block, "elements"):
            if element.get("type") == "rich_text_list":
                yield from self.items(element)
            else:
                yield self.inline(element)

    def items(self, listed: Body) -> Iterator[str]:
        numbered = listed.get("style") == "ordered"
        first = int(listed.get("offset") or 0) + 1
        for number, item in enumerate(_list(listed, "elements"), first):
            yield f"{number}. {self.inline(item)}" if numbered else f"• {self.inline(item)}"

    def inline(self, holder: Body) -> str:
        return "".join(map(self.element, _list(holder, "elements"))).strip()

    def element(self, element: Body) -> str:
        kind = element.get("type")
        if kind == "user":
            user = str(element.get("user_id", ""))
            return "" if user == self.bot else "@" + self.names.get(user, user)
        if kind == "link":
            return link(str(element.get("url", "")), str(element.get("text") or ""))
        if kind == "emoji":
            return f":{element.get('name', '')}:"
        if kind == "channel":
            return f"#{element.get('channel_id', '')}"
        if kind in ("broadcast", "usergroup"):
            return f"@{element.get('range') or element.get('usergroup_id', '')}"
        return unescape(str(element.get("text") or element.get("fallback") or ""))

    def attachments(self, attachments: Sequence[Body]) -> Iterator[str]:
        for attachment in attachments:
            yield from self.attachment(attachment)

    def attachment(self, attachment: Body) -> Iterator[str]:
        said = list(filter(None, self._parts(attachment)))
        fallback = self.mrkdwn(attachment.get("fallback"))
        if said:
            yield from said
        elif fallback not in EMPTY:
            yield fallback

    def _parts(self, attachment: Body) -> Iterator[str]:
        yield self.mrkdwn(attachment.get("pretext"))
        yield self.mrkdwn(attachment.get("author_name"))
        yield link(str(attachment.get("title_link") or ""), self.mrkdwn(attachment.get("title")))
        yield self.mrkdwn(attachment.get("text"))
        for field in _list(attachment, "fields"):
            pair = (self.mrkdwn(field.get("title")), self.mrkdwn(field.get("value")))
            yield ": ".join(filter(None, pair))
        yield from self.blocks(_list(attachment, "blocks"))
        # A message that was shared: https://docs.slack.dev/reference/events/message
        for shared in _list(attachment, "message_blocks"):
            message = shared.get("message")
            yield from self.blocks(_list(message, "blocks") if isinstance(message, dict) else [])


READERS: Mapping[str, Callable[[_Words, Body], Iterator[str]]] = {
    "context": _Words.context,
    "header": _Words.section,
    "image": _Words.picture,
    "markdown": _Words.markdown,
    "rich_text": _Words.rich_text,
    "section": _Words.section,
    "table": _Words.table,
    "video": _Words.card,
}
