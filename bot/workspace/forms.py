"""The inputs of a view: what they offer, what a person filled in, what Slack's client refuses."""

from collections.abc import Callable, Iterator, Mapping

from bot.workspace.blocks import INPUT_ELEMENTS, interactive_elements
from bot.workspace.objects import Json, OpenView, WorkspaceChannel
from bot.workspace.slack_json import file_json
from bot.workspace.state import State

ONE_OPTION = {"static_select", "radio_buttons", "overflow"}
MANY_OPTIONS = {"multi_static_select", "checkboxes"}
FIELDS = {
    "users_select": "selected_user",
    "conversations_select": "selected_conversation",
    "channels_select": "selected_channel",
    "multi_users_select": "selected_users",
    "datepicker": "selected_date",
    "timepicker": "selected_time",
    "rich_text_input": "rich_text_value",
}
FILTER_NAMES = {"channel": "public", "group": "private", "im": "im", "mpim": "mpim"}
MAX_FORM_FILE_BYTES = 10_000_000


def inputs(blocks: list[Json]) -> list[Json]:
    """Return the input blocks."""
    return [block for block in blocks if block["type"] == "input"]


def form_values(state: State, view: OpenView, values: Mapping[str, object]) -> Json:
    """Return `view.state.values` with `values` filled in by block_id.

    An absent one is what was filled in before, or else the initial value. Raises ValueError for a
    block, an option, a place or a file that cannot be chosen.
    """
    known = {block["block_id"] for block in inputs(view.blocks)}
    if not known.issuperset(values):
        raise ValueError(
            f"The view has no input {sorted(set(values) - known)}, only {sorted(known)}."
        )
    filled = {**view.filled, **values}

    def value(block: Json, element: Json) -> Json:
        given = filled.get(block["block_id"]) if block["type"] == "input" else None
        return _form_value(state, view, element, given)

    out = state_values(view.blocks, value)
    view.filled = filled
    return out


def state_values(blocks: list[Json], value: Callable[[Json, Json], Json]) -> Json:
    """Return {block_id: {action_id: value(block, element)}} for the elements that keep a value."""
    out: Json = {}
    for block, element in interactive_elements(blocks):
        if element["type"] in INPUT_ELEMENTS:
            entry = {element.get("action_id", ""): value(block, element)}
            out.setdefault(block["block_id"], {}).update(entry)
    return out


def conversations(state: State, who: str, element: Json) -> list[WorkspaceChannel]:
    """Return what a conversations_select offers: the places this person sees, by its `filter`.

    https://docs.slack.dev/reference/block-kit/composition-objects/conversation-filter-object
    """
    asked = element.get("filter", {})
    kinds = asked.get("include", list(FILTER_NAMES.values()))

    def offered(channel: WorkspaceChannel) -> bool:
        if channel.archived or not state.sees(who, channel):
            return False
        if asked.get("exclude_external_shared_channels") and state.has_outsiders(channel):
            return False
        with_bot = channel.kind == "im" and state.bot.id in channel.members
        if asked.get("exclude_bot_users") and with_bot:
            return False
        return FILTER_NAMES[channel.kind] in kinds

    return [channel for channel in state.channels.values() if offered(channel)]


def initial_conversation(state: State, view: OpenView, element: Json) -> str | None:
    """Return the place that a conversations_select shows at first, if it offers that place.

    An element may ask for the place where the person was when the view opened.
    """
    offered = [channel.id for channel in conversations(state, view.user, element)]
    if element.get("default_to_current_conversation") and view.channel in offered:
        return view.channel
    initial = element.get("initial_conversation")
    return initial if initial in offered else None


def response_channels(view: OpenView, values: Json) -> Iterator[tuple[Json, str]]:
    """Yield (block, channel) for each select with a response_url in which a place was chosen."""
    for block in inputs(view.blocks):
        element = block["element"]
        (value,) = values[block["block_id"]].values()
        place = value.get("selected_conversation") or value.get("selected_channel")
        if element.get("response_url_enabled") and place:
            yield block, place


def file_ids(values: Json) -> list[str]:
    """Return the ids of all files in a form."""
    entries = (entry for block in values.values() for entry in block.values())
    return [file["id"] for entry in entries for file in entry.get("files", [])]


def client_errors(blocks: list[Json], values: Json) -> dict[str, str]:
    """Return by block_id why the client itself refuses to submit."""
    found = {}
    for block in inputs(blocks):
        (value,) = values[block["block_id"]].values()
        if error := _client_error(block, value):
            found[block["block_id"]] = error
    return found


def _client_error(block: Json, value: Json) -> str | None:
    element, text = block["element"], value.get("value") or ""
    if not block.get("optional") and not any(v for k, v in value.items() if k != "type"):
        return "Please complete this required field."
    if len(text) > element.get("max_length", 3000):
        return f"At most {element.get('max_length', 3000)} characters."
    if text and len(text) < element.get("min_length", 0):
        return f"At least {element['min_length']} characters."
    if element["type"] == "number_input" and text:
        return _number_error(element, text)
    return _files_error(element, value["files"]) if element["type"] == "file_input" else None


def _files_error(element: Json, files: list[Json]) -> str | None:
    kinds, limit = element.get("filetypes"), element.get("max_files", 10)
    if len(files) > limit:
        return f"At most {limit} file{'s' * (limit > 1)}."
    endings = {file["name"].rpartition(".")[2].lower() for file in files}
    if kinds and not endings.issubset(kinds):
        return f"Only files of these types: {', '.join(kinds)}."
    if any(file["size"] > MAX_FORM_FILE_BYTES for file in files):
        return "A file may have at most 10 MB."
    return None


def _number_error(element: Json, text: str) -> str | None:
    try:
        number = float(text)
    except ValueError:
        return "Please enter a number."
    if not element.get("is_decimal_allowed") and not number.is_integer():
        return "Please enter a whole number."
    low, high = float(element.get("min_value", "-inf")), float(element.get("max_value", "inf"))
    return None if low <= number <= high else f"Please enter a number from {low:g} to {high:g}."


def _form_value(state: State, view: OpenView, element: Json, given: object) -> Json:
    """Return the value of an element, by what the workspace has to offer for it."""
    kind = element["type"]
    if kind == "file_input":
        assert given is None or isinstance(given, list)
        files = [state.file_of(view.user, str(file)) for file in given or []]
        return {"type": kind, "files": [file_json(state, file) for file in files]}
    if kind != "conversations_select":
        return element_value(element, given)
    if given is None:
        return element_value(element, initial_conversation(state, view, element))
    offered = [channel.id for channel in conversations(state, view.user, element)]
    if given and given not in offered:
        raise ValueError(f"The place {given!r} is not offered, only {offered}.")
    return element_value(element, given)


def element_value(element: Json, given: object) -> Json:
    """Return an entry of `state.values`; None for `given` means the element's initial value.

    https://docs.slack.dev/reference/views
    """
    kind = element["type"]
    if kind in ONE_OPTION:
        chosen = element.get("initial_option") if given is None else _option(element, str(given))
        return {"type": kind, "selected_option": chosen}
    if kind in MANY_OPTIONS:
        if given is None:
            return {"type": kind, "selected_options": element.get("initial_options", [])}
        assert isinstance(given, list)
        return {"type": kind, "selected_options": [_option(element, str(v)) for v in given]}
    if kind in FIELDS:
        initial = element.get(FIELDS[kind].replace("selected_", "initial_"))
        return {"type": kind, FIELDS[kind]: initial if given is None else given or None}
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
