"""Pure builder of the form for a new draft."""

from collections.abc import Iterator, Sequence
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
MOST_DRAFTS = 5

LONG_TEXT: Block = {"type": "plain_text_input", "multiline": True, "max_length": INPUT_LIMIT}
WORDS_INPUT: Block = {
    "type": "number_input",
    "is_decimal_allowed": False,
    "min_value": "10",
    "max_value": "3000",
}
FILE_INPUT: Block = {
    "type": "file_input",
    # No "filetypes": these are endings, and a canvas has none.
    "max_files": MOST_FILES,
}
CHANNEL_SELECT: Block = {
    "type": "conversations_select",
    "default_to_current_conversation": True,
    "filter": {"include": ["public", "private", "mpim", "im"], "exclude_bot_users": False},
}


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
    return form_view(
        DRAFT,
        private_metadata,
        title=sentence("form_title"),
        submit=sentence("form_submit"),
        blocks=list(_blocks(language, choices, source, anywhere)),
        language=language,
    )


def _blocks(
    language: Language, choices: Choices, source: Phrase | None, anywhere: bool
) -> Iterator[Block]:
    def needed(name: str, element: Block) -> Block:
        return input_block(name, sentence_about("form", name), element, language)

    def optional(name: str, element: Block) -> Block:
        return {**needed(name, element), "optional": True}

    brief = {"placeholder": plain_text(sentence("form_example"), language), "focus_on_load": True}
    kinds = [option(title, name) for name, title in choices.kinds]
    tones = [option(word if language == "zh" else tone, tone) for tone, word in TONES.items()]
    drafts = [option(str(n), str(n)) for n in range(1, MOST_DRAFTS + 1)]
    privately = option(sentence("form_privately").to(language), "yes")
    if source:
        yield {"type": "context", "elements": [{"type": "mrkdwn", "text": ours(source)}]}
    if anywhere:
        yield needed(CHANNEL, CHANNEL_SELECT)
    yield optional("kind", {"type": "static_select", "options": kinds})
    yield needed(BRIEF, {**LONG_TEXT, "min_length": 1, **brief})
    if not source:
        yield optional(SOURCE, LONG_TEXT)
    yield optional(FILES, FILE_INPUT)
    yield optional("audience", {"type": "plain_text_input", "max_length": LONGEST_AUDIENCE})
    yield optional("tone", {"type": "static_select", "options": tones})
    yield optional("words", WORDS_INPUT)
    if len(choices.languages) > 1:
        names = {code: sentence_about("language", code).to(language) for code in choices.languages}
        languages = [option(name, code) for code, name in names.items()]
        yield optional("lang", {"type": "static_select", "options": languages})
    select = {"type": "static_select", "options": drafts, "initial_option": drafts[0]}
    yield needed(DRAFTS, select)
    yield optional("private", {"type": "checkboxes", "options": [privately]})
