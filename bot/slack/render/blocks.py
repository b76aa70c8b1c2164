"""Pure builders of messages. They take only phrases of the catalogue and released text.

Limits: https://docs.slack.dev/reference/block-kit/blocks
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bot.drafting.slack_port import Button, Choice, Content, Menu, Row, Thumbs
from bot.messages import Phrase, ours
from bot.slack.render.markup import as_markdown, markdown, mrkdwn
from safety import SafeText

Block = dict[str, Any]

SECTION_LIMIT = 3_000
MARKDOWN_LIMIT = 12_000
TEXT_LIMIT = 4_000
ROW_LIMIT = 25
TYPED_LIMIT = 8_000  # A message takes not much more in all.


@dataclass(frozen=True, slots=True)
class Rendered:
    """A message as Slack takes it: blocks, and `text` for notifications and other readers."""

    text: str
    blocks: tuple[Block, ...]

    def __post_init__(self) -> None:
        assert self.text.strip()
        assert 0 < len(self.blocks) <= 50

    @property
    def args(self) -> dict[str, object]:
        """The arguments of Slack's methods that say it."""
        return {"text": self.text, "blocks": list(self.blocks)}


def message(content: Content) -> Rendered:
    """Build a message of ours: a sentence, a small line below it, and buttons."""
    said = [_section(content.said)] if content.said else []
    note = [_context(content.note)] if content.note else []
    text = content.said or content.note
    assert text is not None
    return Rendered(text, (*said, *note, *_row(content.buttons)))


def page(parts: Sequence[Phrase]) -> Rendered:
    """Build several paragraphs, each cut between lines to fit into sections."""
    shown = [_section(section) for part in parts for section in sections(part)]
    return Rendered(cut(parts[0], TEXT_LIMIT), tuple(shown[:50]))


def typed_again(said: Phrase, typed: str) -> Rendered:
    """Say a sentence, and repeat what its one reader typed, as it is, to be copied."""
    text = {"type": "text", "text": cut(typed, TYPED_LIMIT)}
    code: Block = {"type": "rich_text_preformatted", "elements": [text]}
    return Rendered(said, (_section(said), {"type": "rich_text", "elements": [code]}))


def sections(part: Phrase) -> list[Phrase]:
    """Cut a paragraph between lines into pieces that fit into sections."""
    pieces = [""]
    for line in ours(part).split("\n"):
        if len(pieces[-1]) + 1 + len(line) > SECTION_LIMIT:
            pieces.append("")
        pieces[-1] = f"{pieces[-1]}\n{cut(line, SECTION_LIMIT - 1)}".lstrip("\n")
    return [Phrase(section) for section in pieces if section]


def final(text: SafeText, note: Phrase | None) -> Rendered:
    """Build a finished text, or one part of it, with a line at its end."""
    closing = [_context(note)] if note else []
    return Rendered(cut(mrkdwn(text), TEXT_LIMIT), (_markdown(markdown(text)), *closing))


def draft(head: Phrase, body: SafeText, *closing: Block) -> Rendered:
    """Build a draft's message: its head line, one part of `parts.split`, and what closes it."""
    text = f"{head}\n\n{mrkdwn(body)}".rstrip()
    return Rendered(cut(text, TEXT_LIMIT), (_markdown(draft_markdown(head, body)), *closing))


def draft_markdown(head: Phrase, body: SafeText) -> str:
    """Return all that a draft's stream says; it begins with `head_markdown`."""
    return head_markdown(head) + markdown(body)


def head_markdown(head: Phrase) -> str:
    """Return the head line as Markdown, with the empty line below it."""
    return f"{as_markdown(ours(head))}\n\n"


def closing(note: Phrase | None, buttons: Row = (), thumbs: Thumbs | None = None) -> list[Block]:
    """Build what closes a finished draft: a small line, its buttons, its thumbs."""
    said = [_context(note)] if note else []
    return [*said, *_row(buttons), *([_thumbs(thumbs)] if thumbs else [])]


def _section(phrase: Phrase) -> Block:
    assert len(ours(phrase)) <= SECTION_LIMIT
    return {"type": "section", "text": {"type": "mrkdwn", "text": phrase}}


def _context(phrase: Phrase) -> Block:
    assert len(ours(phrase)) <= SECTION_LIMIT
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": phrase}]}


def _markdown(text: str) -> Block:
    assert len(text) <= MARKDOWN_LIMIT
    return {"type": "markdown", "text": text}


def _row(buttons: Row) -> list[Block]:
    assert len(buttons) <= ROW_LIMIT
    elements = [_menu(each) if isinstance(each, Menu) else _button(each) for each in buttons]
    return [{"type": "actions", "elements": elements}] if elements else []


def _menu(menu: Menu) -> Block:
    """Build the menu. https://docs.slack.dev/reference/block-kit/block-elements/overflow-menu-element"""
    options = [_choice(choice) for choice in menu.choices]
    return {"type": "overflow", "action_id": menu.action_id, "options": options}


def _thumbs(thumbs: Thumbs) -> Block:
    """Build the thumbs. https://docs.slack.dev/reference/block-kit/blocks/context-actions-block"""
    element = {
        "type": "feedback_buttons",
        "action_id": thumbs.action_id,
        "positive_button": _choice(thumbs.up),
        "negative_button": _choice(thumbs.down),
    }
    return {"type": "context_actions", "elements": [element]}


def without_thumbs(closing: Sequence[Block]) -> list[Block]:
    """Return what closes a draft, for a workspace that takes no thumbs."""
    return [block for block in closing if block["type"] != "context_actions"]


def _choice(choice: Choice) -> Block:
    return {"text": {"type": "plain_text", "text": choice.label}, "value": choice.value}


def _button(button: Button) -> Block:
    label = {"type": "plain_text", "text": button.label, "emoji": True}
    block: Block = {"type": "button", "text": label, "action_id": button.action_id}
    if button.value:
        block["value"] = button.value
    if button.style:
        block["style"] = button.style
    return block


# The sign of a draft that is being written where Slack grants no stream.
GROWING = _context(Phrase("…"))


def cut(text: str, limit: int) -> str:
    """Cut the text to `limit` characters, but not within an entity."""
    if len(text) <= limit:
        return text
    head, entity, tail = text[: limit - 1].rpartition("&")
    return (head if entity and ";" not in tail else text[: limit - 1]) + "…"
