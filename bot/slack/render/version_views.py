"""Pure builders of the modals about one draft. https://docs.slack.dev/surfaces/modals"""

from collections.abc import Iterable, Mapping, Sequence

from bot.drafting.draft_action import Way
from bot.drafting.explanation import Changes, Mark
from bot.messages import Language, Sentence, sentence, sentence_about
from bot.messages.catalogue import SentenceGroup
from bot.slack.render.blocks import SECTION_LIMIT, Block
from bot.slack.render.draft_form import Filling
from bot.slack.render.views import (
    INPUT_LIMIT,
    MOST_BLOCKS,
    PIECE_LIMIT,
    ViewPayload,
    form_view,
    input_block,
    notice,
    option,
    page_view,
    pieces,
    section,
)

CHANGE: SentenceGroup = "change"
TRANSLATE: SentenceGroup = "translate"
ACCEPT: SentenceGroup = "accept"

STYLES: Mapping[Mark, Block] = {
    "same": {},
    "added": {"style": {"bold": True}},
    "removed": {"style": {"strike": True}},
}


def change_view(
    private_metadata: str, language: Language, filling: Filling | None = None
) -> ViewPayload:
    """Build the form for a free instruction; `filling` is what was typed in a reply already."""
    element = {"type": "plain_text_input", "multiline": True, "max_length": INPUT_LIMIT}
    text = filling.understood.text if filling else ""
    initial = {"initial_value": text} if text else {}
    form = _form(CHANGE, private_metadata, {**element, "focus_on_load": True, **initial}, language)
    notices = filling.notices if filling else ()
    return {**form, "blocks": [*(notice(said, language) for said in notices), *form["blocks"]]}


def translate_view(private_metadata: str, codes: Sequence[str], language: Language) -> ViewPayload:
    """Build the form that offers the languages that the model writes."""
    options = [option(sentence_about("language", code).to(language), code) for code in codes]
    element = {"type": "static_select", "options": options, "initial_option": options[0]}
    return _form(TRANSLATE, private_metadata, element, language)


def accept_view(private_metadata: str, language: Language) -> ViewPayload:
    """Build the form that asks where the text shall go."""
    options = [option(sentence_about("way", way).to(language), way) for way in Way]
    element = {"type": "radio_buttons", "options": options, "initial_option": options[0]}
    return _form(ACCEPT, private_metadata, element, language)


def why_view(lines: Sequence[Sentence], language: Language) -> ViewPayload:
    """Build the view that explains how a draft was made."""
    blocks = [section(line.to(language)[:SECTION_LIMIT]) for line in lines]
    return page_view(sentence_about("why", "title"), blocks, language)


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
    blocks = [section(counted.to(language)), *map(rich_text, _blocks_of(changes))]
    return page_view(sentence_about("changes", "title"), blocks[:MOST_BLOCKS], language)


def rich_text(elements: Sequence[Block]) -> Block:
    """Build one block of styled text."""
    section = {"type": "rich_text_section", "elements": list(elements)}
    return {"type": "rich_text", "elements": [section]}


def _blocks_of(changes: Changes) -> Iterable[list[Block]]:
    """Yield the pieces as elements, as many for each block as fit into it."""
    elements: list[Block] = []
    used = 0
    for mark, text in changes.pieces:
        for piece in pieces(text):
            if elements and used + len(piece) > PIECE_LIMIT:
                yield elements
                elements, used = [], 0
            elements.append({"type": "text", "text": piece, **STYLES[mark]})
            used += len(piece)
    if elements:
        yield elements


def _form(
    name: SentenceGroup, private_metadata: str, element: Block, language: Language
) -> ViewPayload:
    return form_view(
        name,
        private_metadata,
        title=sentence_about(name, "title"),
        submit=sentence_about(name, "submit"),
        blocks=[input_block(name, sentence_about(name, "label"), element, language)],
        language=language,
    )
