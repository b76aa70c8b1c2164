"""What Slack asks of single elements of Block Kit, beyond the limits of their texts.

https://docs.slack.dev/reference/block-kit/block-elements
"""

from collections.abc import Iterator

from bot.workspace.errors import error_at
from bot.workspace.objects import Json

MAX_PLACEHOLDER = 150
MAX_INITIAL = 3000
STYLES = ("primary", "danger")


def element_errors(element: Json, at: str) -> Iterator[str]:
    """Yield what is wrong with an element whose own shape and options are right."""
    yield from _placeholder(element, at)
    yield from _initial_options(element, at)
    if element["type"] == "number_input":
        yield from _number(element, at)
    elif "initial_value" in element:
        yield from _initial_value(element["initial_value"], f"{at}/initial_value")
    if element["type"] == "button" and element.get("style", "primary") not in STYLES:
        yield error_at(f"must be one of {', '.join(STYLES)}", f"{at}/style")


def focus_errors(blocks: list[Json]) -> Iterator[str]:
    """Yield an error if more than one element of a view asks for the focus."""
    elements = [block.get("element") for block in blocks]
    focused = [e for e in elements if isinstance(e, dict) and e.get("focus_on_load")]
    if len(focused) > 1:
        yield error_at("only one element can have focus_on_load", "/view/blocks")


def _placeholder(element: Json, at: str) -> Iterator[str]:
    shown = element.get("placeholder")
    if shown is None:
        return
    if not isinstance(shown, dict) or shown.get("type") != "plain_text":
        yield error_at("must be a plain_text object", f"{at}/placeholder")
    elif not 0 < len(str(shown.get("text", ""))) <= MAX_PLACEHOLDER:
        said = f"must be from 1 to {MAX_PLACEHOLDER} characters"
        yield error_at(said, f"{at}/placeholder/text")


def _initial_options(element: Json, at: str) -> Iterator[str]:
    groups = [group.get("options", []) for group in element.get("option_groups", [])]
    offered = [_identity(o) for o in sum(groups, list(element.get("options", [])))]
    chosen = {"initial_option": [element.get("initial_option")]}
    chosen["initial_options"] = element.get("initial_options") or []
    for name, options in chosen.items():
        if element.get(name) is None:
            continue
        if not isinstance(element[name], dict if name == "initial_option" else list):
            yield error_at("must be an option or a list of them", f"{at}/{name}")
        elif not element[name] or any(_identity(option) not in offered for option in options):
            yield error_at("must match one of the options", f"{at}/{name}")


def _identity(option: object) -> tuple[object, object]:
    """Return what has to be the same in two options that match."""
    fields = option if isinstance(option, dict) else {}
    text = fields.get("text")
    return text.get("text") if isinstance(text, dict) else None, fields.get("value")


def _initial_value(value: object, at: str) -> Iterator[str]:
    # https://docs.slack.dev/reference/block-kit/block-elements/plain-text-input-element
    if not isinstance(value, str) or not 0 < len(value) <= MAX_INITIAL:
        yield error_at(f"must be from 1 to {MAX_INITIAL} characters", at)


def _number(element: Json, at: str) -> Iterator[str]:
    # https://docs.slack.dev/reference/block-kit/block-elements/number-input-element
    if not isinstance(element.get("is_decimal_allowed"), bool):
        yield error_at("missing required field: is_decimal_allowed", at)
    bounds = {}
    for name in ("min_value", "max_value", "initial_value"):
        if name not in element:
            continue
        if (number := _number_in(element[name])) is None:
            yield error_at("must be a number in a string", f"{at}/{name}")
        else:
            bounds[name] = number
    if bounds.get("min_value", float("-inf")) > bounds.get("max_value", float("inf")):
        yield error_at("must not be greater than max_value", f"{at}/min_value")


def _number_in(value: object) -> float | None:
    try:
        return float(value) if isinstance(value, str) else None
    except ValueError:
        return None
