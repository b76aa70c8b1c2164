"""Pure builders of modals. https://docs.slack.dev/reference/views/modal-views"""

from typing import Any

from bot import phrases
from bot.phrases import Language, Sentence
from safety import SafeText

DRAFT = "draft"
BRIEF, DRAFTS = "brief", "drafts"
BRIEF_LIMIT = 3_000
MOST_DRAFTS = 5
MOST_BLOCKS = 100

View = dict[str, Any]


def draft_view(private_metadata: str, language: Language, text: str = "") -> View:
    """The form behind `/draft` without text. Each input's action_id is its block_id.

    `private_metadata` comes back with the submission: where it was opened, never a text.
    """
    assert len(private_metadata) <= 3_000
    return {
        "type": "modal",
        "callback_id": DRAFT,
        "private_metadata": private_metadata,
        "title": plain_text(phrases.form_title(), language),
        "submit": plain_text(phrases.form_submit(), language),
        "close": plain_text(phrases.form_close(), language),
        "blocks": [_brief(text, language), _drafts(language)],
    }


def review_view(text: SafeText, language: Language) -> View:
    """A held text, for the reviewer who asked to see it. Plain: nothing in it is formatted."""
    pieces = [text[i : i + BRIEF_LIMIT] for i in range(0, len(text), BRIEF_LIMIT)]
    sections = [
        {"type": "section", "text": {"type": "plain_text", "text": piece, "emoji": False}}
        for piece in pieces[:MOST_BLOCKS]
        if piece.strip()
    ]
    return {
        "type": "modal",
        "title": plain_text(phrases.review_title(), language),
        "close": plain_text(phrases.form_close(), language),
        "blocks": sections or [{"type": "divider"}],
    }


def _brief(text: str, language: Language) -> dict[str, Any]:
    element: dict[str, Any] = {
        "type": "plain_text_input",
        "action_id": BRIEF,
        "multiline": True,
        "min_length": 1,
        "max_length": BRIEF_LIMIT,
        "placeholder": plain_text(phrases.form_example(), language),
        "focus_on_load": True,
    }
    if text:
        element["initial_value"] = text[:BRIEF_LIMIT]
    return input_block(BRIEF, plain_text(phrases.form_brief(), language), element)


def _drafts(language: Language) -> dict[str, Any]:
    numbers = [str(n) for n in range(1, MOST_DRAFTS + 1)]
    options = [{"text": {"type": "plain_text", "text": n}, "value": n} for n in numbers]
    element = {
        "type": "static_select",
        "action_id": DRAFTS,
        "options": options,
        "initial_option": options[0],
    }
    return input_block(DRAFTS, plain_text(phrases.form_drafts(), language), element)


def input_block(block_id: str, label: dict[str, Any], element: dict[str, Any]) -> dict[str, Any]:
    return {"type": "input", "block_id": block_id, "label": label, "element": element}


def plain_text(sentence: Sentence, language: Language) -> dict[str, Any]:
    return {"type": "plain_text", "text": sentence.to(language)}
