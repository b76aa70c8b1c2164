"""Pure builders of the modals about one draft. https://docs.slack.dev/surfaces/modals"""

from collections.abc import Iterable, Mapping, Sequence

from bot.drafting.destination import Destination
from bot.drafting.draft_action import Rewrite, Way, rewrites
from bot.drafting.explanation import Changes, Mark
from bot.messages import Language, Sentence, sentence, sentence_about, sentences
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
from safety import SafeText, safe

CHANGE: SentenceGroup = "change"
ACCEPT: SentenceGroup = "accept"
REWRITE = "rewrite"
EDITED = "edited"
# What two of the ways are called in our conversation with one person.
IN_OURS = {Way.CHANNEL: "here", Way.CANVAS: "own_canvas"}

STYLES: Mapping[Mark, Block] = {
    "same": {},
    "added": {"style": {"bold": True}},
    "removed": {"style": {"strike": True}},
}


def change_view(
    private_metadata: str,
    codes: Sequence[str],
    language: Language,
    filling: Filling | None = None,
) -> ViewPayload:
    """Build the form for a free instruction, a quick choice, or both.

    `codes` are the languages that the model writes; `filling` is what was typed in a reply already.
    """
    options = [option(_label(each).to(language), each.value) for each in rewrites(codes)]
    choices = {"type": "static_select", "options": options}
    words = {"type": "plain_text_input", "multiline": True, "max_length": INPUT_LIMIT}
    if filling and filling.understood.text:
        words["initial_value"] = filling.understood.text
    label, either = sentence_about(CHANGE, "label"), sentence_about(CHANGE, REWRITE)
    blocks = [
        input_block(CHANGE, label, {**words, "focus_on_load": True}, language),
        input_block(REWRITE, either, choices, language),
    ]
    notices = [notice(said, language) for said in (filling.notices if filling else ())]
    # One of both is needed, which Slack cannot know.
    optional = [{**block, "optional": True} for block in blocks]
    return _form(CHANGE, private_metadata, [*notices, *optional], language)


def _label(rewrite: Rewrite) -> Sentence:
    if rewrite.lang is None:
        return sentence_about("button", rewrite.action)
    return sentence("button_translate", language=sentence_about("language", rewrite.lang))


def accept_view(
    private_metadata: str, language: Language, where: Destination, text: SafeText | None = None
) -> ViewPayload:
    """Build the form that asks how the text shall be sent, below the name of its channel.

    `text`: what can be changed before it is sent; without it, it goes as it is.

    Slack shows the name of a channel's id in mrkdwn, to those who may see the channel.
    https://docs.slack.dev/messaging/formatting-message-text
    """
    names = {way: str(way) for way in Way} | (IN_OURS if where.is_direct else {})
    options = [option(sentence_about("way", names[way]).to(language), way) for way in Way]
    element = {"type": "radio_buttons", "options": options, "initial_option": options[0]}
    said = sentence_about("accept", "here")
    if not where.is_direct:
        said = sentences.accept_to(where.channel, apart=where.apart)
    ways = input_block(ACCEPT, sentence_about(ACCEPT, "label"), element, language)
    blocks = [section(said.to(language)), ways]
    if text and len(text) <= INPUT_LIMIT:
        blocks.append(_text_input(text, language))
    return _form(ACCEPT, private_metadata, blocks, language)


def _text_input(text: SafeText, language: Language) -> Block:
    element = {
        "type": "plain_text_input",
        "multiline": True,
        "max_length": INPUT_LIMIT,
        "initial_value": safe(text),
    }
    label, hint = sentence_about(ACCEPT, "text"), sentence_about(ACCEPT, "text_hint")
    return {**input_block(EDITED, label, element, language, hint), "optional": True}


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
    name: SentenceGroup, private_metadata: str, blocks: Sequence[Block], language: Language
) -> ViewPayload:
    return form_view(
        name,
        private_metadata,
        title=sentence_about(name, "title"),
        submit=sentence_about(name, "submit"),
        blocks=blocks,
        language=language,
    )
