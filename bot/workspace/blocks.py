"""Block Kit's rules: its limits, and the wrong shapes that Slack refuses most.

https://docs.slack.dev/reference/block-kit
"""

from collections.abc import Callable, Iterator
from functools import partial

from bot.workspace.element_rules import element_errors, focus_errors
from bot.workspace.errors import ApiError, error_at, invalid
from bot.workspace.objects import Json, new_id

MAX_MESSAGE_BLOCKS, MAX_VIEW_BLOCKS = 50, 100
MAX_MARKDOWN = 12_000
MAX_FIELDS = 10
# Undocumented: about 12,000 characters of text, with something for each block (bolt-js #2867).
MAX_BLOCKS_COST, BLOCK_COST = 12_000, 20

SELECTS = {"static_select", "users_select", "conversations_select", "channels_select"}
MULTI_SELECTS = {"multi_static_select", "multi_users_select"}
CHOICES = SELECTS | MULTI_SELECTS | {"radio_buttons", "checkboxes", "datepicker", "timepicker"}
TEXT_INPUTS = {"plain_text_input", "number_input", "email_text_input", "url_text_input"}
ACTION_ELEMENTS = CHOICES | {"button", "overflow"}
INPUT_ELEMENTS = CHOICES | TEXT_INPUTS | {"rich_text_input", "file_input"}
UNCHECKED_BLOCKS = {"divider", "image", "rich_text", "task_card", "plan"}
NOT_IN_VIEWS = {"context_actions"}
LISTS = ("elements", "fields", "options", "option_groups")
VIEW_STRINGS = {"private_metadata": 3000, "callback_id": 255, "external_id": 255}
STRINGS = ("action_id", "block_id", "value", "accessibility_label")
MAX_LENGTHS = {
    "action_id": 255,
    "block_id": 255,
    "value": 2000,
    "url": 3000,
    "accessibility_label": 75,
}
MAX_OPTIONS = {"overflow": 5, "radio_buttons": 10, "checkboxes": 10}
WITH_OPTIONS = {"static_select", "multi_static_select", *MAX_OPTIONS}
# https://docs.slack.dev/reference/block-kit/composition-objects/option-object
MRKDWN_OPTIONS = {"radio_buttons", "checkboxes"}


def accept_message_blocks(blocks: list[Json]) -> list[Json]:
    """Return the blocks, each with an id. Raises ApiError if Slack would refuse them."""
    if errors := list(block_errors(blocks, MAX_MESSAGE_BLOCKS)):
        raise invalid("invalid_blocks", *errors)
    cost = text_length(blocks) + BLOCK_COST * max(len(blocks) - 1, 0)
    if cost > MAX_BLOCKS_COST:
        raise ApiError("msg_blocks_too_long")
    return with_ids(blocks)


def accept_view(view: Json) -> Json:
    """Return the view, each block with an id. Raises ApiError if Slack would refuse it."""
    if errors := list(_view_errors(view)):
        raise invalid("invalid_arguments", *errors)
    return view | {"blocks": with_ids(view["blocks"])}


def with_ids(blocks: list[Json]) -> list[Json]:
    """Return the blocks with new ids where the app gave none."""
    return [block | {"block_id": block.get("block_id") or new_id("b")[-5:]} for block in blocks]


def text_length(value: object) -> int:
    """Count the characters of every string called `text`, at any depth."""
    if isinstance(value, dict):
        own = len(value["text"]) if isinstance(value.get("text"), str) else 0
        return own + sum(text_length(inner) for inner in value.values())
    return sum(text_length(inner) for inner in value) if isinstance(value, list) else 0


def interactive_elements(blocks: list[Json]) -> Iterator[tuple[Json, Json]]:
    """Yield each (block, interactive element): in rows, as accessories, in inputs."""
    for block in blocks:
        inner = [*block.get("elements", []), block.get("accessory"), block.get("element")]
        yield from ((block, e) for e in inner if isinstance(e, dict) and "type" in e)


def block_errors(blocks: object, limit: int) -> Iterator[str]:
    """Yield what is wrong with the blocks, with a JSON pointer to each place."""
    if not isinstance(blocks, list) or not all(isinstance(block, dict) for block in blocks):
        yield error_at("must be an array of objects", "/blocks")
        return
    if len(blocks) > limit:
        yield error_at(f"no more than {limit} items allowed", "/blocks")
    ids = [str(block["block_id"]) for block in blocks if block.get("block_id")]
    if len(ids) != len(set(ids)):
        yield error_at("block_id must be unique", "/blocks")
    for i, block in enumerate(blocks):
        yield from _errors_of_block(block, f"/blocks/{i}")


def _errors_of_block(block: Json, at: str) -> Iterator[str]:
    kind = str(block.get("type"))
    if kind not in CHECKS.keys() | UNCHECKED_BLOCKS:
        yield error_at(f"unsupported type: {block.get('type')}", f"{at}/type")
    elif misshapen := list(_misshapen(block, at)):
        yield from misshapen
    else:
        yield from _too_long(block, at)
        if kind in CHECKS:
            yield from CHECKS[kind](block, at)


def _section(block: Json, at: str) -> Iterator[str]:
    if "text" not in block and "fields" not in block:
        yield error_at("missing required field: text", at)
    if "text" in block:
        yield from _text(block["text"], f"{at}/text", 3000)
    if len(block.get("fields", [])) > MAX_FIELDS:
        yield error_at(f"no more than {MAX_FIELDS} items allowed", f"{at}/fields")
    for i, text in enumerate(block.get("fields", [])):
        yield from _text(text, f"{at}/fields/{i}", 2000)
    if "accessory" in block:
        yield from _element(block["accessory"], f"{at}/accessory", ACTION_ELEMENTS | {"image"})


def _context(block: Json, at: str) -> Iterator[str]:
    yield from _count(block, at, 10)
    for i, element in enumerate(block.get("elements", [])):
        if element.get("type") != "image":
            yield from _text(element, f"{at}/elements/{i}", 3000)


def _row(limit: int, known: set[str], block: Json, at: str) -> Iterator[str]:
    yield from _count(block, at, limit)
    ids = [str(e["action_id"]) for e in block.get("elements", []) if e.get("action_id")]
    if len(ids) != len(set(ids)):
        yield error_at("action_id must be unique in its block", f"{at}/elements")
    for i, element in enumerate(block.get("elements", [])):
        yield from _element(element, f"{at}/elements/{i}", known)


def _input(block: Json, at: str) -> Iterator[str]:
    yield from _text(block.get("label"), f"{at}/label", 2000, plain=True)
    if "element" not in block:
        yield error_at("missing required field: element", at)
        return
    yield from _element(block["element"], f"{at}/element", INPUT_ELEMENTS)
    if block.get("hint"):
        yield from _text(block["hint"], f"{at}/hint", 2000, plain=True)


CHECKS: dict[str, Callable[[Json, str], Iterator[str]]] = {
    "section": _section,
    "header": lambda block, at: _text(block.get("text"), f"{at}/text", 150, plain=True),
    "markdown": lambda block, at: _string(block.get("text"), f"{at}/text", MAX_MARKDOWN),
    "context": _context,
    "context_actions": partial(_row, 5, {"feedback_buttons", "icon_button"}),
    "actions": partial(_row, 25, ACTION_ELEMENTS),
    "input": _input,
}


def _element(element: object, at: str, known: set[str]) -> Iterator[str]:
    if not isinstance(element, dict) or str(element.get("type")) not in known:
        yield error_at("unsupported element", at)
    elif misshapen := list(_misshapen(element, at)):
        yield from misshapen
    else:
        yield from _too_long(element, at)
        if element["type"] == "button":
            yield from _text(element.get("text"), f"{at}/text", 75, plain=True)
        limit = element.get("max_length", 1)
        if not isinstance(limit, int) or limit > 3000:
            yield error_at("must be less than 3001", f"{at}/max_length")
        if element["type"] in ELEMENT_CHECKS:
            yield from ELEMENT_CHECKS[element["type"]](element, at)
        if not isinstance(element.get("filter", {}), dict):
            yield error_at("must be an object", f"{at}/filter")
        yield from list(_options(element, at)) or element_errors(element, at)
        if element.get("confirm"):
            yield from _confirm(element["confirm"], f"{at}/confirm")


def _options(element: Json, at: str) -> Iterator[str]:
    groups = element.get("option_groups", [])
    if element["type"] in WITH_OPTIONS and not (element.get("options") or groups):
        yield error_at("missing required field: options", at)
    if len(groups) > 100:
        yield error_at("no more than 100 items allowed", f"{at}/option_groups")
    plain = element["type"] not in MRKDWN_OPTIONS
    yield from _listed(element, at, MAX_OPTIONS.get(element["type"], 100), plain=plain)
    for i, group in enumerate(groups):
        place = f"{at}/option_groups/{i}"
        yield from _text(group.get("label"), f"{place}/label", 75, plain=True)
        yield from list(_misshapen(group, place)) or _listed(group, place, 100, plain=plain)


def _listed(holder: Json, at: str, limit: int, *, plain: bool) -> Iterator[str]:
    options = holder.get("options", [])
    if len(options) > limit:
        yield error_at(f"no more than {limit} items allowed", f"{at}/options")
    for i, option in enumerate(options):
        yield from _text(option.get("text"), f"{at}/options/{i}/text", 75, plain=plain)
        yield from _string(option.get("value"), f"{at}/options/{i}/value", 150)


def _confirm(confirm: object, at: str) -> Iterator[str]:
    # https://docs.slack.dev/reference/block-kit/composition-objects/confirmation-dialog-object
    if not isinstance(confirm, dict):
        yield error_at("must be an object", at)
        return
    for name, limit in {"title": 100, "confirm": 30, "deny": 30}.items():
        yield from _text(confirm.get(name), f"{at}/{name}", limit, plain=True)
    yield from _text(confirm.get("text"), f"{at}/text", 300)


def _file_input(element: Json, at: str) -> Iterator[str]:
    # https://docs.slack.dev/reference/block-kit/block-elements/file-input-element
    kinds, limit = element.get("filetypes", []), element.get("max_files", 10)
    if not isinstance(kinds, list) or not all(isinstance(kind, str) for kind in kinds):
        yield error_at("must be an array of strings", f"{at}/filetypes")
    if not isinstance(limit, int) or not 1 <= limit <= 10:
        yield error_at("must be from 1 to 10", f"{at}/max_files")


def _feedback(element: Json, at: str) -> Iterator[str]:
    # https://docs.slack.dev/reference/block-kit/block-elements/feedback-buttons-element
    for name in ("positive_button", "negative_button"):
        button, place = element.get(name), f"{at}/{name}"
        if not isinstance(button, dict):
            yield error_at(f"missing required field: {name}", at)
            continue
        yield from _text(button.get("text"), f"{place}/text", 75, plain=True)
        yield from _string(button.get("value"), f"{place}/value", MAX_LENGTHS["value"])
        if "accessibility_label" in button:
            yield from _string(button["accessibility_label"], f"{place}/accessibility_label", 75)


def _icon(element: Json, at: str) -> Iterator[str]:
    # https://docs.slack.dev/reference/block-kit/block-elements/icon-button-element
    if element.get("icon") != "trash":
        yield error_at("must be trash", f"{at}/icon")
    yield from _text(element.get("text"), f"{at}/text", 75, plain=True)


ELEMENT_CHECKS: dict[str, Callable[[Json, str], Iterator[str]]] = {
    "file_input": _file_input,
    "feedback_buttons": _feedback,
    "icon_button": _icon,
}


def _misshapen(thing: Json, at: str) -> Iterator[str]:
    """Yield the places where `thing` lacks the strings or lists of objects of Block Kit."""
    for name in STRINGS:
        if not isinstance(thing.get(name, ""), str):
            yield error_at("must be a string", f"{at}/{name}")
    for name in LISTS:
        items = thing.get(name, [])
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            yield error_at("must be an array of objects", f"{at}/{name}")


def _count(block: Json, at: str, limit: int) -> Iterator[str]:
    count = len(block.get("elements", []))
    if not count:
        yield error_at("no fewer than 1 items allowed", f"{at}/elements")
    if count > limit:
        yield error_at(f"no more than {limit} items allowed", f"{at}/elements")


def _text(value: object, at: str, limit: int, *, plain: bool = False) -> Iterator[str]:
    # https://docs.slack.dev/reference/block-kit/composition-objects/text-object
    kinds = ["plain_text"] if plain else ["mrkdwn", "plain_text"]
    if not isinstance(value, dict) or value.get("type") not in kinds:
        yield error_at(f"must be a {' or '.join(kinds)} object", at)
        return
    yield from _string(value.get("text"), f"{at}/text", limit)


def _string(value: object, at: str, limit: int) -> Iterator[str]:
    if not isinstance(value, str) or not value:
        yield error_at("must be more than 0 characters", at)
    elif len(value) > limit:
        yield error_at(f"must be less than {limit + 1} characters", at)


def _too_long(thing: Json, at: str) -> Iterator[str]:
    for name, limit in MAX_LENGTHS.items():
        value = thing.get(name)
        if isinstance(value, str) and len(value) > limit:
            yield error_at(f"must be less than {limit + 1} characters", f"{at}/{name}")


def _view_errors(view: Json) -> Iterator[str]:
    if view.get("type") not in ("modal", "home"):
        yield error_at("must be modal or home", "/view/type")
        return
    if view["type"] == "modal":
        yield from _text(view.get("title"), "/view/title", 24, plain=True)
        for name in ("submit", "close"):
            if view.get(name):
                yield from _text(view[name], f"/view/{name}", 24, plain=True)
        blocks = view["blocks"] if isinstance(view.get("blocks"), list) else []
        yield from focus_errors([row for row in blocks if isinstance(row, dict)])
        inputs = [row for row in blocks if isinstance(row, dict) and row.get("type") == "input"]
        if inputs and not view.get("submit"):
            yield error_at("a view with input blocks must have a submit button", "/view/submit")
    for name, limit in VIEW_STRINGS.items():
        value = view.get(name)
        if value is not None and not isinstance(value, str):
            yield error_at("must be a string", f"/view/{name}")
        elif value is not None and len(value) > limit:
            yield error_at(f"must be less than {limit + 1} characters", f"/view/{name}")
    for error in (
        *block_errors(view.get("blocks"), MAX_VIEW_BLOCKS),
        *_misplaced(view.get("blocks")),
    ):
        yield error.replace("json-pointer:", "json-pointer:/view")


def _misplaced(blocks: object) -> Iterator[str]:
    """Yield the blocks that only messages can have.

    https://docs.slack.dev/reference/block-kit/blocks/context-actions-block
    """
    for i, block in enumerate(blocks if isinstance(blocks, list) else []):
        if isinstance(block, dict) and block.get("type") in NOT_IN_VIEWS:
            yield error_at(f"unsupported type: {block['type']}", f"/blocks/{i}/type")
