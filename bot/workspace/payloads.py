"""What the app receives for a command, a shortcut, a click and a submitted view.

https://docs.slack.dev/interactivity
"""

from bot.workspace import forms, grid, markup
from bot.workspace.blocks import ACTION_ELEMENTS, INPUT_ELEMENTS
from bot.workspace.objects import Json, OpenView, PostedMessage, WorkspaceChannel
from bot.workspace.slack_json import message_json, told_files_json, view_json
from bot.workspace.state import State

CHANNEL_NAMES = {"im": "directmessage", "group": "privategroup"}


def command(state: State, who: str, channel: WorkspaceChannel, name: str, text: str) -> Json:
    """Build a slash command. Its text is escaped, but names and links in it stay as typed."""
    return {
        "token": "verification-is-by-signature",
        "team_id": state.team,
        "team_domain": state.domain,
        "channel_id": channel.id,
        "channel_name": CHANNEL_NAMES.get(channel.kind, channel.name),
        "user_id": who,
        "user_name": state.users[who].name,
        "command": name,
        "text": markup.escape(text),
        "api_app_id": state.app,
        "is_enterprise_install": "false",
        **grid.in_command(state),
        "response_url": state.new_response_url(channel.id, who),
        "trigger_id": state.new_trigger(who, channel=channel.id),
    }


def shortcut(state: State, who: str, callback_id: str, channel: WorkspaceChannel | None) -> Json:
    """Build a global shortcut. Slack does not say where the person was, but the modal may know."""
    here = channel.id if channel else None
    return _interaction(state, who, "shortcut") | {
        "callback_id": callback_id,
        "trigger_id": state.new_trigger(who, channel=here),
        "action_ts": state.now(),
    }


def message_shortcut(state: State, who: str, message: PostedMessage, callback_id: str) -> Json:
    """Build a shortcut from the menu of a message, whoever wrote it."""
    channel = state.channels[message.channel]
    files = {"files": told_files_json(state, message)} if message.files else {}
    return _interaction(state, who, "message_action") | {
        "callback_id": callback_id,
        "trigger_id": state.new_trigger(who, channel=channel.id),
        "action_ts": state.now(),
        "message_ts": message.ts,
        "message": message_json(state, message) | files,
        "channel": _channel_json(channel),
        "response_url": state.new_response_url(channel.id, who),
    }


def message_action(state: State, who: str, message: PostedMessage, action: Json) -> Json:
    """Build a click on an element of a message. Slack keeps no ephemeral ones to send along."""
    channel = state.channels[message.channel]
    container = {
        "type": "message",
        "message_ts": message.ts,
        "channel_id": channel.id,
        "is_ephemeral": message.to is not None,
    }
    if message.thread_ts:
        container["thread_ts"] = message.thread_ts
    initial = forms.state_values(message.blocks, lambda _, e: forms.element_value(e, None))
    return _interaction(state, who, "block_actions") | {
        "container": container,
        "trigger_id": state.new_trigger(who, channel=channel.id),
        "channel": _channel_json(channel),
        **({} if message.to else {"message": message_json(state, message)}),
        "state": {"values": _with_choice(initial, action)},
        "response_url": state.new_response_url(channel.id, who, message),
        "actions": [action | {"action_ts": state.now()}],
    }


def view_action(state: State, who: str, view: OpenView, action: Json, values: Json) -> Json:
    """Build a click on an element of a view."""
    return _interaction(state, who, "block_actions") | {
        "container": {"type": "view", "view_id": view.id},
        "trigger_id": state.new_trigger(who, view=view.id, channel=view.channel),
        "view": view_json(state, view, _with_choice(values, action)),
        "actions": [action | {"action_ts": state.now()}],
    }


def view_submission(state: State, who: str, view: OpenView, values: Json) -> Json:
    """Build the submission of a modal, with a response_url for each place chosen for that."""
    return _interaction(state, who, "view_submission") | {
        "trigger_id": state.new_trigger(who, view=view.id, channel=view.channel),
        "view": view_json(state, view, values),
        "response_urls": [
            {
                "block_id": block["block_id"],
                "action_id": block["element"].get("action_id", ""),
                "channel_id": channel,
                "response_url": state.new_response_url(channel, who),
            }
            for block, channel in forms.response_channels(view, values)
        ],
    }


def view_closed(state: State, who: str, view: OpenView) -> Json:
    """Build the notice that a person closed one modal by its cross."""
    fields = {"view": view_json(state, view), "is_cleared": False}
    return _interaction(state, who, "view_closed") | fields


def clicked_action(block: Json, element: Json, value: object = None) -> Json:
    """Build the entry of `actions` for a click on `element`; `value` names the option chosen.

    Raises ValueError if there is no such option, or no such one of two feedback buttons.
    """
    out = {
        "action_id": element.get("action_id", ""),
        "block_id": block["block_id"],
        "type": element["type"],
    }
    if element["type"] in ACTION_ELEMENTS - {"button"}:
        return out | forms.element_value(element, value)
    if element["type"] == "feedback_buttons":
        return out | _thumb(element, value)
    for name in ("text", "style"):
        if name in element:
            out[name] = element[name]
    chosen = value if value is not None else element.get("value")
    return out | ({"value": chosen} if chosen is not None else {})


def _thumb(element: Json, value: object) -> Json:
    """Return text and value of the feedback button that has this value.

    The client shows the pair as a toggle, and sends every change of it in the same way.
    https://docs.slack.dev/tools/bolt-js/reference/interfaces/FeedbackButtonsAction
    """
    pair: list[Json] = [element["positive_button"], element["negative_button"]]
    for button in pair:
        if button["value"] == value:
            return {"text": button["text"], "value": value}
    raise ValueError(f"No button {value!r}, only {[button['value'] for button in pair]}.")


def _with_choice(values: Json, action: Json) -> Json:
    """Return `values` with the choice that `action` makes."""
    block_id, action_id = action["block_id"], action["action_id"]
    if action["type"] not in INPUT_ELEMENTS:
        return values
    value = {k: v for k, v in action.items() if k not in ("action_id", "block_id")}
    return values | {block_id: values.get(block_id, {}) | {action_id: value}}


def _channel_json(channel: WorkspaceChannel) -> Json:
    return {"id": channel.id, "name": CHANNEL_NAMES.get(channel.kind, channel.name)}


def _interaction(state: State, who: str, kind: str) -> Json:
    user = state.users[who]
    return {
        "type": kind,
        "user": {"id": who, "username": user.name, "name": user.name, "team_id": user.team},
        "api_app_id": state.app,
        "token": "verification-is-by-signature",
        "team": {"id": state.team, "domain": state.domain},
        "enterprise": None,
        "is_enterprise_install": False,
        **grid.in_interaction(state),
    }
