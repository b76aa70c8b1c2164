"""Pure builders of modals: the form of a new draft, and a reviewer's view of a held text.

https://docs.slack.dev/reference/views/modal-views
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bot.drafting.brief.options import TONES
from bot.messages import Language, Phrase, Sentence, ours, sentence, sentence_about
from bot.slack.render.blocks import Block
from safety import SafeText, part

DRAFT = "draft"
# Inputs of the form: block_id and action_id are the same. Options have the names of a brief.
BRIEF, SOURCE, FILES, CHANNEL, DRAFTS = "brief", "source", "files", "channel", "drafts"
BRIEF_LIMIT = 3_000
AUDIENCE_LIMIT = 100
MOST_FILES = 5
WORDS_RANGE = (10, 3000)
MOST_DRAFTS = 5
MOST_BLOCKS = 100

ViewPayload = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Choices:
    """What the form offers: kinds as (name, title), and codes of the languages the model writes."""

    kinds: Sequence[tuple[str, str]]
    languages: Sequence[str]


def draft_view(
    private_metadata: str,
    language: Language,
    choices: Choices,
    *,
    source: Phrase | None = None,
    anywhere: bool = False,
) -> ViewPayload:
    """Build the form behind `/draft` without text, and behind the shortcuts.

    `private_metadata` comes back with the submission: where it was opened, never a text. `source`
    says which sources are kept already; `anywhere`: the form asks for the channel.
    """
    assert len(private_metadata) <= 3_000
    blocks = [
        *(
            [{"type": "context", "elements": [{"type": "mrkdwn", "text": ours(source)}]}]
            if source
            else []
        ),
        *([_channel_input(language)] if anywhere else []),
        _kind_input(choices, language),
        _brief_input(language),
        *([] if source else [_source_input(language)]),
        _files_input(language),
        _audience_input(language),
        _tone_input(language),
        _words_input(language),
        *([_language_input(choices, language)] if len(choices.languages) > 1 else []),
        _drafts_input(language),
        _private_input(language),
    ]
    return {
        "type": "modal",
        "callback_id": DRAFT,
        "private_metadata": private_metadata,
        "title": plain_text(sentence("form_title"), language),
        "submit": plain_text(sentence("form_submit"), language),
        "close": plain_text(sentence("form_close"), language),
        "blocks": blocks,
    }


def review_view(text: SafeText, language: Language) -> ViewPayload:
    """Build the view of a held text, for the reviewer who asked to see it, without formatting."""
    pieces = [part(text, i, i + BRIEF_LIMIT) for i in range(0, len(text), BRIEF_LIMIT)]
    sections = [
        {"type": "section", "text": {"type": "plain_text", "text": piece, "emoji": False}}
        for piece in pieces[:MOST_BLOCKS]
        if piece.strip()
    ]
    return {
        "type": "modal",
        "title": plain_text(sentence("review_title"), language),
        "close": plain_text(sentence("page_close"), language),
        "blocks": sections or [{"type": "divider"}],
    }


def waiting_view(language: Language) -> ViewPayload:
    """Build what a reviewer sees until the text is there."""
    return said_view(sentence("review_waits"), language)


def said_view(said: Sentence, language: Language) -> ViewPayload:
    """Build a view with one sentence in the place of the text."""
    text = {"type": "mrkdwn", "text": said.to(language)}
    return {
        "type": "modal",
        "title": plain_text(sentence("review_title"), language),
        "close": plain_text(sentence("page_close"), language),
        "blocks": [{"type": "section", "text": text}],
    }


def _channel_input(language: Language) -> Block:
    element = {
        "type": "conversations_select",
        "default_to_current_conversation": True,
        "filter": {"include": ["public", "private", "im"], "exclude_bot_users": False},
    }
    return _input(CHANNEL, element, language)


def _kind_input(choices: Choices, language: Language) -> Block:
    options = [_option(title, name) for name, title in choices.kinds]
    return _input("kind", {"type": "static_select", "options": options}, language, optional=True)


def _brief_input(language: Language) -> Block:
    element = {
        "type": "plain_text_input",
        "multiline": True,
        "min_length": 1,
        "max_length": BRIEF_LIMIT,
        "placeholder": plain_text(sentence("form_example"), language),
        "focus_on_load": True,
    }
    return _input(BRIEF, element, language)


def _source_input(language: Language) -> Block:
    element = {"type": "plain_text_input", "multiline": True, "max_length": BRIEF_LIMIT}
    return _input(SOURCE, element, language, optional=True)


def _files_input(language: Language) -> Block:
    kinds = ["txt", "text", "md", "markdown", "docx", "pdf"]
    element = {"type": "file_input", "filetypes": kinds, "max_files": MOST_FILES}
    return _input(FILES, element, language, optional=True)


def _audience_input(language: Language) -> Block:
    element = {"type": "plain_text_input", "max_length": AUDIENCE_LIMIT}
    return _input("audience", element, language, optional=True)


def _tone_input(language: Language) -> Block:
    named = {tone: word if language == "zh" else tone for tone, word in TONES.items()}
    options = [_option(name, tone) for tone, name in named.items()]
    return _input("tone", {"type": "static_select", "options": options}, language, optional=True)


def _words_input(language: Language) -> Block:
    low, high = (str(bound) for bound in WORDS_RANGE)
    element = {"type": "number_input", "is_decimal_allowed": False}
    element |= {"min_value": low, "max_value": high}
    return _input("words", element, language, optional=True)


def _language_input(choices: Choices, language: Language) -> Block:
    named = {code: sentence_about("language", code).to(language) for code in choices.languages}
    options = [_option(name, code) for code, name in named.items()]
    return _input("lang", {"type": "static_select", "options": options}, language, optional=True)


def _drafts_input(language: Language) -> Block:
    options = [_option(str(n), str(n)) for n in range(1, MOST_DRAFTS + 1)]
    element = {"type": "static_select", "options": options, "initial_option": options[0]}
    return _input(DRAFTS, element, language)


def _private_input(language: Language) -> Block:
    option = _option(sentence("form_privately").to(language), "yes")
    return _input("private", {"type": "checkboxes", "options": [option]}, language, optional=True)


def _input(name: str, element: Block, language: Language, *, optional: bool = False) -> Block:
    label = plain_text(sentence_about("form", name), language)
    return {
        **input_block(name, label, {**element, "action_id": name}),
        **({"optional": True} if optional else {}),
    }


def _option(shown: str, value: str) -> Block:
    return {"text": {"type": "plain_text", "text": shown[:75]}, "value": value}


def input_block(block_id: str, label: Block, element: Block) -> Block:
    """Build an input with its label."""
    return {"type": "input", "block_id": block_id, "label": label, "element": element}


def plain_text(sentence: Sentence, language: Language) -> Block:
    """Build a sentence without formatting, as titles, labels and buttons need it."""
    return {"type": "plain_text", "text": sentence.to(language)}
