"""Pure builder of the form for a new draft."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.drafting.brief.brief import LONGEST_AUDIENCE
from bot.drafting.brief.options import TONES
from bot.drafting.sources import MOST_FILES
from bot.messages import Language, Phrase, ours, sentence, sentence_about
from bot.slack.render.blocks import Block
from bot.slack.render.views import (
    INPUT_LIMIT,
    ViewPayload,
    form_view,
    input_block,
    option,
    plain_text,
)

DRAFT = "draft"
# Inputs of the form. Options have the names of a brief.
BRIEF, SOURCE, FILES, CHANNEL, DRAFTS = "brief", "source", "files", "channel", "drafts"
WORDS_RANGE = (10, 3000)
MOST_DRAFTS = 5


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
    return form_view(
        DRAFT,
        private_metadata,
        title=sentence("form_title"),
        submit=sentence("form_submit"),
        blocks=blocks,
        language=language,
    )


def _channel_input(language: Language) -> Block:
    element = {
        "type": "conversations_select",
        "default_to_current_conversation": True,
        "filter": {"include": ["public", "private", "im"], "exclude_bot_users": False},
    }
    return _input(CHANNEL, element, language)


def _kind_input(choices: Choices, language: Language) -> Block:
    options = [option(title, name) for name, title in choices.kinds]
    return _input("kind", {"type": "static_select", "options": options}, language, optional=True)


def _brief_input(language: Language) -> Block:
    element = {
        "type": "plain_text_input",
        "multiline": True,
        "min_length": 1,
        "max_length": INPUT_LIMIT,
        "placeholder": plain_text(sentence("form_example"), language),
        "focus_on_load": True,
    }
    return _input(BRIEF, element, language)


def _source_input(language: Language) -> Block:
    element = {"type": "plain_text_input", "multiline": True, "max_length": INPUT_LIMIT}
    return _input(SOURCE, element, language, optional=True)


def _files_input(language: Language) -> Block:
    kinds = ["txt", "text", "md", "markdown", "docx", "pdf"]
    element = {"type": "file_input", "filetypes": kinds, "max_files": MOST_FILES}
    return _input(FILES, element, language, optional=True)


def _audience_input(language: Language) -> Block:
    element = {"type": "plain_text_input", "max_length": LONGEST_AUDIENCE}
    return _input("audience", element, language, optional=True)


def _tone_input(language: Language) -> Block:
    named = {tone: word if language == "zh" else tone for tone, word in TONES.items()}
    options = [option(name, tone) for tone, name in named.items()]
    return _input("tone", {"type": "static_select", "options": options}, language, optional=True)


def _words_input(language: Language) -> Block:
    low, high = (str(bound) for bound in WORDS_RANGE)
    element = {"type": "number_input", "is_decimal_allowed": False}
    element |= {"min_value": low, "max_value": high}
    return _input("words", element, language, optional=True)


def _language_input(choices: Choices, language: Language) -> Block:
    named = {code: sentence_about("language", code).to(language) for code in choices.languages}
    options = [option(name, code) for code, name in named.items()]
    return _input("lang", {"type": "static_select", "options": options}, language, optional=True)


def _drafts_input(language: Language) -> Block:
    options = [option(str(n), str(n)) for n in range(1, MOST_DRAFTS + 1)]
    element = {"type": "static_select", "options": options, "initial_option": options[0]}
    return _input(DRAFTS, element, language)


def _private_input(language: Language) -> Block:
    options = [option(sentence("form_privately").to(language), "yes")]
    return _input("private", {"type": "checkboxes", "options": options}, language, optional=True)


def _input(name: str, element: Block, language: Language, *, optional: bool = False) -> Block:
    block = input_block(name, sentence_about("form", name), element, language)
    return {**block, "optional": True} if optional else block
