"""Parts that modals and the home tab have in common.

https://docs.slack.dev/reference/views/modal-views
"""

from collections.abc import Iterator, Sequence
from typing import Any

from bot.messages import Language, Sentence, sentence
from bot.slack.render.blocks import Block
from bot.slack.render.markup import unformatted
from safety import SafeText, part

MOST_BLOCKS = 100
INPUT_LIMIT = 3_000  # Characters.
OPTION_LIMIT = 75
# The choice that says nothing: Slack takes no choice back.
ANY = "any"
PIECE_LIMIT = 3_000  # Characters of a section, and of a block of styled text.

ViewPayload = dict[str, Any]


def page_view(title: Sentence, blocks: Sequence[Block], language: Language) -> ViewPayload:
    """Build a modal that is only read."""
    return {
        "type": "modal",
        "title": plain_text(title, language),
        "close": plain_text(sentence("page_close"), language),
        "blocks": list(blocks),
    }


def form_view(
    callback_id: str,
    private_metadata: str,
    *,
    title: Sentence,
    submit: Sentence,
    blocks: Sequence[Block],
    language: Language,
) -> ViewPayload:
    """Build a modal that is submitted."""
    return {
        **page_view(title, blocks, language),
        "callback_id": callback_id,
        "private_metadata": private_metadata,
        "close": plain_text(sentence("form_close"), language),
        "submit": plain_text(submit, language),
    }


def input_block(
    name: str, label: Sentence, element: Block, language: Language, hint: Sentence | None = None
) -> Block:
    """Build an input, whose block_id and action_id are its name. `hint` stands below it."""
    return {
        "type": "input",
        "block_id": name,
        "label": plain_text(label, language),
        "element": {**element, "action_id": name},
        **({"hint": plain_text(hint, language)} if hint else {}),
    }


def option(label: str, value: str) -> Block:
    """Build one choice of a select, of radio buttons, or of checkboxes."""
    return {
        "text": {"type": "plain_text", "text": unformatted(label)[:OPTION_LIMIT]},
        "value": value,
    }


def as_it_comes(language: Language) -> Block:
    """Build the choice that says nothing."""
    return option(sentence("as_it_comes").to(language), ANY)


def pieces(text: SafeText) -> Iterator[SafeText]:
    """Yield the text in pieces that fit into a block."""
    return (part(text, at, at + PIECE_LIMIT) for at in range(0, len(text), PIECE_LIMIT))


def section(text: str) -> Block:
    """Build a paragraph in mrkdwn."""
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def plain_text(said: Sentence, language: Language) -> Block:
    """Build a sentence without formatting, as titles, labels and buttons need it."""
    return {"type": "plain_text", "text": unformatted(said.to(language))}


def notice(said: Sentence, language: Language) -> Block:
    """Build a sentence at the top of a form, in plain text like its inputs."""
    return {"type": "section", "text": plain_text(said, language)}
