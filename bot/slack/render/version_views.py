"""Pure builders of the modals about one draft. https://docs.slack.dev/surfaces/modals"""

from collections.abc import Iterable, Sequence

from bot.drafting.draft_action import Way
from bot.drafting.explanation import Changes
from bot.messages import Language, Sentence, sentence, sentence_about
from bot.messages.catalogue import SentenceGroup
from bot.slack.render.blocks import SECTION_LIMIT, Block
from bot.slack.render.views import BRIEF_LIMIT, MOST_BLOCKS, ViewPayload, input_block, plain_text
from safety import SafeText, part

CHANGE: SentenceGroup = "change"
TRANSLATE: SentenceGroup = "translate"
ACCEPT: SentenceGroup = "accept"

# Slack takes a rich_text block of this length, and a hundred blocks in a view.
PIECE_LIMIT = 3_000
STYLES = {"same": {}, "added": {"bold": True}, "removed": {"strike": True}}


def change_view(private_metadata: str, language: Language) -> ViewPayload:
    """Build the form for a free instruction."""
    element = {"type": "plain_text_input", "multiline": True, "max_length": BRIEF_LIMIT}
    return _form(CHANGE, private_metadata, {**element, "focus_on_load": True}, language)


def translate_view(private_metadata: str, codes: Sequence[str], language: Language) -> ViewPayload:
    """Build the form that offers the languages that the model writes."""
    options = [_option(sentence_about("language", code), code, language) for code in codes]
    element = {"type": "static_select", "options": options, "initial_option": options[0]}
    return _form(TRANSLATE, private_metadata, element, language)


def accept_view(private_metadata: str, language: Language) -> ViewPayload:
    """Build the form that asks where the text shall go."""
    options = [_option(sentence_about("way", way), way, language) for way in Way]
    element = {"type": "radio_buttons", "options": options, "initial_option": options[0]}
    return _form(ACCEPT, private_metadata, element, language)


def why_view(lines: Sequence[Sentence], language: Language) -> ViewPayload:
    """Build the view that explains how a draft was made."""
    texts = [line.to(language)[:SECTION_LIMIT] for line in lines]
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": text}} for text in texts]
    return _page(sentence_about("why", "title"), blocks, language)


def changes_view(changes: Changes, language: Language) -> ViewPayload:
    """Build the view of the words added (bold) and removed (struck through), as styled text.

    Styled text needs no markup, so that nothing in it is read as markup.
    """
    counted = sentence(
        "changes_counted",
        number=changes.number,
        added=changes.count("added"),
        removed=changes.count("removed"),
    )
    intro = {"type": "section", "text": {"type": "mrkdwn", "text": counted.to(language)}}
    texts = [rich_text(elements) for elements in _blocks_of(changes)]
    return _page(sentence_about("changes", "title"), [intro, *texts[: MOST_BLOCKS - 1]], language)


def rich_text(elements: Sequence[Block]) -> Block:
    """Build one block of styled text."""
    section = {"type": "rich_text_section", "elements": list(elements)}
    return {"type": "rich_text", "elements": [section]}


def _blocks_of(changes: Changes) -> Iterable[list[Block]]:
    """Yield the pieces as elements, as many for each block as fit into it."""
    elements: list[Block] = []
    used = 0
    for mark, text in changes.pieces:
        for piece in _pieces(text):
            if elements and used + len(piece) > PIECE_LIMIT:
                yield elements
                elements, used = [], 0
            elements.append(_styled(piece, mark))
            used += len(piece)
    if elements:
        yield elements


def _pieces(text: SafeText) -> Iterable[SafeText]:
    return (part(text, at, at + PIECE_LIMIT) for at in range(0, len(text), PIECE_LIMIT))


def _styled(text: SafeText, mark: str) -> Block:
    style = STYLES[mark]
    return {"type": "text", "text": text, **({"style": style} if style else {})}


def _form(
    name: SentenceGroup, private_metadata: str, element: Block, language: Language
) -> ViewPayload:
    """Build a form with one input, whose block_id and action_id are the form's name."""
    label = plain_text(sentence_about(name, "label"), language)
    return {
        **_page(
            sentence_about(name, "title"),
            [input_block(name, label, {**element, "action_id": name})],
            language,
        ),
        "callback_id": name,
        "private_metadata": private_metadata,
        "close": plain_text(sentence("form_close"), language),
        "submit": plain_text(sentence_about(name, "submit"), language),
    }


def _page(title: Sentence, blocks: Sequence[Block], language: Language) -> ViewPayload:
    return {
        "type": "modal",
        "title": plain_text(title, language),
        "close": plain_text(sentence("page_close"), language),
        "blocks": list(blocks),
    }


def _option(label: Sentence, value: str, language: Language) -> Block:
    return {"text": plain_text(label, language), "value": str(value)}
