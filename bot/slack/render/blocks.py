"""Pure builders of what is shown. Only phrases of the catalogue and released text come in.

Limits: https://docs.slack.dev/reference/block-kit/blocks
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bot.drafting.slack_port import Button, Content
from bot.messages import Phrase, ours
from bot.slack.render.markup import as_markdown, markdown, mrkdwn
from safety import SafeText

Block = dict[str, Any]

SECTION_LIMIT = 3_000
MARKDOWN_LIMIT = 12_000
TEXT_LIMIT = 4_000
ROW_LIMIT = 25

GROWING = Phrase("…")


@dataclass(frozen=True, slots=True)
class Rendered:
    """A message as Slack takes it: blocks, and `text` for notifications and other readers."""

    text: str
    blocks: tuple[Block, ...]

    def __post_init__(self) -> None:
        assert self.text.strip()
        assert 0 < len(self.blocks) <= 50


def message(content: Content) -> Rendered:
    """Build a message of ours: a sentence, a small line below it, and buttons."""
    said = [_section(content.said)] if content.said else []
    note = [_context(content.note)] if content.note else []
    text = content.said or content.note
    assert text is not None
    return Rendered(text, (*said, *note, *_row(content.buttons)))


def page(parts: Sequence[Phrase]) -> Rendered:
    """Several paragraphs, each cut between lines where Slack takes no more of a section."""
    shown = [_section(section) for part in parts for section in sections(part)]
    return Rendered(cut(parts[0], TEXT_LIMIT), tuple(shown[:50]))


def sections(part: Phrase) -> list[Phrase]:
    """A paragraph, cut between lines where Slack takes no more of a section."""
    cut_up = [""]
    for line in ours(part).split("\n"):
        if len(cut_up[-1]) + 1 + len(line) > SECTION_LIMIT:
            cut_up.append("")
        cut_up[-1] = f"{cut_up[-1]}\n{cut(line, SECTION_LIMIT - 1)}".lstrip("\n")
    return [Phrase(section) for section in cut_up if section]


def final(text: SafeText, note: Phrase | None) -> Rendered:
    """A finished text, or one part of it, with a line at its end."""
    closing = [_context(note)] if note else []
    return Rendered(cut(mrkdwn(text), TEXT_LIMIT), (_markdown(markdown(text)), *closing))


def draft(head: Phrase, body: SafeText, *closing: Block) -> Rendered:
    """A draft's message: the head line, the text of this part, and what closes it.

    `body` is one part of `markup.split`.
    """
    text = f"{head}\n\n{mrkdwn(body)}".rstrip()
    return Rendered(cut(text, TEXT_LIMIT), (_markdown(draft_markdown(head, body)), *closing))


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
