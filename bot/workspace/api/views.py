"""views.*: modals and the home tab."""

import secrets
import time

from bot.workspace.api.methods import MethodArgs, api_method
from bot.workspace.blocks import accept_view
from bot.workspace.delivery import AppReply
from bot.workspace.errors import ApiError
from bot.workspace.objects import Json, OpenView, Trigger, new_id
from bot.workspace.rate_limits import TIER_4
from bot.workspace.slack_json import view_json
from bot.workspace.state import State

MAX_DEPTH = 3
TROUBLE = "We had some trouble connecting. Try again?"


@api_method("views.open", limit=TIER_4)
def open_modal(state: State, args: MethodArgs) -> Json:
    body = _body(args, "modal")
    trigger = _trigger(state, args)
    view = _new(trigger.user, body)
    view.channel = trigger.channel
    state.views[trigger.user] = [view]
    return _response(state, view)


@api_method("views.push", limit=TIER_4)
def push(state: State, args: MethodArgs) -> Json:
    body = _body(args, "modal")
    trigger = _trigger(state, args)
    stack = state.views.setdefault(trigger.user, [])
    if trigger.view is None or not stack:
        raise ApiError("not_found")
    if len(stack) >= MAX_DEPTH:
        raise ApiError("push_limit_reached")
    view = _new(trigger.user, body, under=stack[-1])
    stack.append(view)
    return _response(state, view)


@api_method("views.update", limit=TIER_4)
def update(state: State, args: MethodArgs) -> Json:
    body = _body(args, "modal")
    view = state.view(args.text("view_id"), args.text("external_id"))
    if view is None:
        raise ApiError("not_found")
    if args.text("hash") and args.text("hash") != view.hash:
        raise ApiError("hash_conflict")
    _replace(view, body)
    return _response(state, view)


@api_method("views.publish", limit=TIER_4)
def publish(state: State, args: MethodArgs) -> Json:
    body = _body(args, "home")
    if not state.features.home:
        raise ApiError("not_enabled")
    user = args.need("user_id")
    if user not in state.users:
        raise ApiError("user_not_found")
    state.homes[user] = _new(user, body)
    return _response(state, state.homes[user])


def apply_reply(state: State, view: OpenView, reply: AppReply) -> None:
    """Close a submitted view, unless the app says otherwise or did not answer.

    https://docs.slack.dev/surfaces/modals#response_actions
    """
    body = reply.body or {}
    stack = state.views[view.user]
    action = body.get("response_action")
    try:
        if not reply.acked:
            view.errors = {"": TROUBLE}
        elif action == "errors":
            view.errors = dict(body["errors"])
        elif action == "clear":
            stack.clear()
        elif action == "update":
            _replace(view, accept_view(body["view"]))
        elif action == "push":
            stack.append(_new(view.user, accept_view(body["view"]), under=stack[-1]))
        elif view in stack:
            stack.remove(view)
    except ApiError:
        view.errors = {"": TROUBLE}


def _replace(view: OpenView, body: Json) -> None:
    """Show another body. An input with the same ids keeps what the person filled in.

    https://docs.slack.dev/reference/views/modal-views
    """
    before = _inputs_by_id(view.blocks)
    kept = {
        id_ for id_, input_ in _inputs_by_id(body["blocks"]).items() if before.get(id_) == input_
    }
    view.filled = {id_: value for id_, value in view.filled.items() if id_ in kept}
    view.body, view.hash, view.errors = body, _new_hash(), {}


def _inputs_by_id(blocks: list[Json]) -> dict[str, tuple[str, str]]:
    """Return the type and the action_id of each input by its block_id."""
    elements = {block["block_id"]: block["element"] for block in blocks if block["type"] == "input"}
    return {id_: (e["type"], e.get("action_id", "")) for id_, e in elements.items()}


def _new(user: str, body: Json, under: OpenView | None = None) -> OpenView:
    view_id = new_id("V")
    root = under.root if under else view_id
    channel = under.channel if under else None
    return OpenView(view_id, user, body, _new_hash(), root, under.id if under else None, channel)


def _new_hash() -> str:
    return f"{int(time.time())}.{secrets.token_hex(4)}"


def _body(args: MethodArgs, kind: str) -> Json:
    body = args.object("view", "invalid_arguments")
    if body is None or body.get("type") != kind:
        raise ApiError("invalid_arguments")
    return accept_view(body)


def _trigger(state: State, args: MethodArgs) -> Trigger:
    """Use up the trigger and return it. Raises ApiError if it is unknown, used or too old."""
    trigger = state.triggers.get(args.need("trigger_id"))
    if trigger is None:
        raise ApiError("invalid_trigger_id")
    if trigger.used:
        raise ApiError("exchanged_trigger_id")
    if time.monotonic() > trigger.expires:
        raise ApiError("expired_trigger_id")
    trigger.used = True
    return trigger


def _response(state: State, view: OpenView) -> Json:
    state.change_signal.notify()
    return {"view": view_json(state, view)}
