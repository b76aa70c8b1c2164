"""Inputs of a view: what a person filled in, and what Slack's client checks before it sends."""

from collections.abc import Mapping

from .state import Json

_ONE_OPTION = {"static_select", "radio_buttons"}
_MANY_OPTIONS = {"multi_static_select", "checkboxes"}
_FIELDS = {
    "users_select": "selected_user",
    "conversations_select": "selected_conversation",
    "channels_select": "selected_channel",
    "multi_users_select": "selected_users",
    "datepicker": "selected_date",
    "timepicker": "selected_time",
    "rich_text_input": "rich_text_value",
}
REQUIRED = "Please complete this required field."


def inputs(blocks: list[Json]) -> list[Json]:
    return [block for block in blocks if block["type"] == "input"]


def filled(blocks: list[Json], values: Mapping[str, object]) -> Json:
    """`view.state.values` for `values` by block_id; what is not given keeps its initial value.

    Raises ValueError for a block or an option that the view does not have."""
    known = {block["block_id"] for block in inputs(blocks)}
    if not known.issuperset(values):
        raise ValueError(
            f"The view has no input {sorted(set(values) - known)}, only {sorted(known)}."
        )
    return {
        block["block_id"]: {
            block["element"].get("action_id", ""): _value(
                block["element"], values.get(block["block_id"])
            )
        }
        for block in inputs(blocks)
    }


def complaints(blocks: list[Json], state_values: Json) -> dict[str, str]:
    """By block_id, what the client itself refuses to submit."""
    found = {}
    for block in inputs(blocks):
        (value,) = state_values[block["block_id"]].values()
        text = value.get("value") or ""
        element = block["element"]
        if not block.get("optional") and not any(v for k, v in value.items() if k != "type"):
            found[block["block_id"]] = REQUIRED
        elif len(text) > element.get("max_length", 3000):
            found[block["block_id"]] = f"At most {element.get('max_length', 3000)} characters."
        elif text and len(text) < element.get("min_length", 0):
            found[block["block_id"]] = f"At least {element['min_length']} characters."
        elif element["type"] == "number_input" and text:
            found |= _number_complaint(block, text)
    return found


def _number_complaint(block: Json, text: str) -> dict[str, str]:
    element = block["element"]
    try:
        number = float(text)
    except ValueError:
        return {block["block_id"]: "Please enter a number."}
    if not element.get("is_decimal_allowed") and not number.is_integer():
        return {block["block_id"]: "Please enter a whole number."}
    low, high = float(element.get("min_value", "-inf")), float(element.get("max_value", "inf"))
    if low <= number <= high:
        return {}
    return {block["block_id"]: f"Please enter a number from {low:g} to {high:g}."}


def _value(element: Json, given: object) -> Json:
    """An entry of `state.values`, https://docs.slack.dev/reference/views"""
    kind = element["type"]
    if kind in _ONE_OPTION:
        chosen = element.get("initial_option") if given is None else _option(element, str(given))
        return {"type": kind, "selected_option": chosen}
    if kind in _MANY_OPTIONS:
        if given is None:
            return {"type": kind, "selected_options": element.get("initial_options", [])}
        assert isinstance(given, list)
        return {"type": kind, "selected_options": [_option(element, str(v)) for v in given]}
    if kind in _FIELDS:
        return {"type": kind, _FIELDS[kind]: given}
    text = element.get("initial_value") if given is None else str(given)
    return {"type": kind, "value": text or None}


def _option(element: Json, value: str) -> Json | None:
    if not value:
        return None
    groups = [group["options"] for group in element.get("option_groups", [])]
    options: list[Json] = [*element.get("options", []), *(o for g in groups for o in g)]
    for option in options:
        if option["value"] == value:
            return {"text": option["text"], "value": option["value"]}
    raise ValueError(f"No option {value!r}, only {[o['value'] for o in options]}.")
