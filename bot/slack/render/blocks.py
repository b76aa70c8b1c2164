"""Pure builders of what is shown. Only phrases of the catalogue and released text come in.

Limits: https://docs.slack.dev/reference/block-kit/blocks
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from bot.messages import Phrase, ours
from bot.slack.render.markup import as_markdown, markdown, mrkdwn
from safety import SafeText

Block = dict[str, Any]
Style = Literal["", "primary", "danger"]

SECTION_LIMIT = 3_000
MARKDOWN_LIMIT = 12_000
TEXT_LIMIT = 4_000
ROW_LIMIT = 25

GROWING = Phrase("…")


@dataclass(frozen=True, slots=True)
class Button:
    """A button; `label` is plain text. `value` comes back with the click: ids only."""

    label: Phrase
    action_id: str
    value: str = ""
    style: Style = ""

    def __post_init__(self) -> None:
        assert 0 < len(ours(self.label)) <= 75
        assert 0 < len(self.action_id) <= 255
        assert len(self.value) <= 2_000


@dataclass(frozen=True, slots=True)
class Content:
    """What one message shows: blocks, and `text` for notifications and readers without blocks."""

    text: str
    blocks: tuple[Block, ...]

    def __post_init__(self) -> None:
        assert self.text.strip()
        assert 0 < len(self.blocks) <= 50


def said(phrase: Phrase, buttons: Sequence[Button] = ()) -> Content:
    """A sentence, with buttons where it asks for a choice."""
    return Content(phrase, (_section(phrase), *_row(buttons)))


def page(parts: Sequence[Phrase]) -> Content:
    """Several paragraphs, each cut between lines where Slack takes no more of a section."""
    shown = [_section(section) for part in parts for section in sections(part)]
    return Content(cut(parts[0], TEXT_LIMIT), tuple(shown[:50]))


def sections(part: Phrase) -> list[Phrase]:
    """A paragraph, cut between lines where Slack takes no more of a section."""
    cut_up = [""]
    for line in ours(part).split("\n"):
        if len(cut_up[-1]) + 1 + len(line) > SECTION_LIMIT:
            cut_up.append("")
        cut_up[-1] = f"{cut_up[-1]}\n{cut(line, SECTION_LIMIT - 1)}".lstrip("\n")
    return [Phrase(section) for section in cut_up if section]


def root_message(asked: Phrase | None, state: Phrase, buttons: Sequence[Button] = ()) -> Content:
    """The head of a thread: what was asked for, and below it how its drafts stand.

    Where a message of the person's says what was asked, only the latter.
    """
    said = [_section(asked)] if asked else []
    return Content(asked or state, (*said, _context(state), *_row(buttons)))


def final(text: SafeText, note: Phrase | None) -> Content:
    """A finished text, or one part of it, with a line at its end."""
    closing = [_context(note)] if note else []
    return Content(cut(mrkdwn(text), TEXT_LIMIT), (_markdown(markdown(text)), *closing))


def draft(head: Phrase, body: SafeText, *closing: Block) -> Content:
    """A draft's message: the head line, the text of this part, and what closes it.

    `body` is one part of `markup.split`.
    """
    text = f"{head}\n\n{mrkdwn(body)}".rstrip()
    return Content(cut(text, TEXT_LIMIT), (_markdown(draft_markdown(head, body)), *closing))


def draft_markdown(head: Phrase, body: SafeText) -> str:
    """What a draft's stream says in all; it begins with `head_markdown`."""
    return head_markdown(head) + markdown(body)


def head_markdown(head: Phrase) -> str:
    return f"{as_markdown(ours(head))}\n\n"


def growing() -> list[Block]:
    """Under a draft that is being written where Slack shows no stream."""
    return [_context(GROWING)]


def closing(facts: Phrase, buttons: Sequence[Button] = ()) -> list[Block]:
    """Under a draft that is done: its line of facts, its buttons."""
    return [_context(facts), *_row(buttons)]


def _section(phrase: Phrase) -> Block:
    assert len(ours(phrase)) <= SECTION_LIMIT
    return {"type": "section", "text": {"type": "mrkdwn", "text": phrase}}


def _context(phrase: Phrase) -> Block:
    assert len(ours(phrase)) <= SECTION_LIMIT
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": phrase}]}


def _markdown(text: str) -> Block:
    assert len(text) <= MARKDOWN_LIMIT
    return {"type": "markdown", "text": text}


def _row(buttons: Sequence[Button]) -> list[Block]:
    assert len(buttons) <= ROW_LIMIT
    return [{"type": "actions", "elements": [_button(b) for b in buttons]}] if buttons else []


def _button(button: Button) -> Block:
    label = {"type": "plain_text", "text": button.label, "emoji": True}
    block: Block = {"type": "button", "text": label, "action_id": button.action_id}
    if button.value:
        block["value"] = button.value
    if button.style:
        block["style"] = button.style
    return block


def cut(text: str, limit: int) -> str:
    """At most `limit` characters, not ending within an entity."""
    if len(text) <= limit:
        return text
    head, entity, tail = text[: limit - 1].rpartition("&")
    return (head if entity and ";" not in tail else text[: limit - 1]) + "…"
