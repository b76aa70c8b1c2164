"""Pure builders of modals. https://docs.slack.dev/reference/views/modal-views"""

from typing import Any

DRAFT = "draft"
BRIEF, DRAFTS = "brief", "drafts"
BRIEF_LIMIT = 3_000
MOST_DRAFTS = 5

View = dict[str, Any]


def draft_view(private_metadata: str, text: str = "") -> View:
    """The form behind `/draft` without text. Each input's action_id is its block_id.

    `private_metadata` comes back with the submission: where it was opened, never a text.
    """
    assert len(private_metadata) <= 3_000
    return {
        "type": "modal",
        "callback_id": DRAFT,
        "private_metadata": private_metadata,
        "title": _plain("New draft"),
        "submit": _plain("Draft"),
        "close": _plain("Cancel"),
        "blocks": [_brief(text), _drafts()],
    }


def _brief(text: str) -> dict[str, Any]:
    element: dict[str, Any] = {
        "type": "plain_text_input",
        "action_id": BRIEF,
        "multiline": True,
        "min_length": 1,
        "max_length": BRIEF_LIMIT,
        "placeholder": _plain("blog: our new office in Lisbon"),
        "focus_on_load": True,
    }
    if text:
        element["initial_value"] = text[:BRIEF_LIMIT]
    return _input(BRIEF, "What shall I write?", element)


def _drafts() -> dict[str, Any]:
    options = [{"text": _plain(str(n)), "value": str(n)} for n in range(1, MOST_DRAFTS + 1)]
    element = {
        "type": "static_select",
        "action_id": DRAFTS,
        "options": options,
        "initial_option": options[0],
    }
    return _input(DRAFTS, "How many drafts?", element)


def _input(block_id: str, label: str, element: dict[str, Any]) -> dict[str, Any]:
    return {"type": "input", "block_id": block_id, "label": _plain(label), "element": element}


def _plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}
