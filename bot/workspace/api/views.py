"""views.*: modals and the home tab."""

import json
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
MAX_VIEW_BYTES = 250_000
TROUBLE = "We had some trouble connecting. Try again?"


@api_method("views.open", limit=TIER_4)
def open_modal(state: State, args: MethodArgs) -> Json:
    body = _body(args, "modal")
    trigger = _trigger(state, args)
    _refuse_duplicate(state, body)
    view = _new(trigger.user, body)
    view.channel, view.tab = trigger.channel, trigger.tab
    elsewhere = [v for v in state.views.get(trigger.user, []) if v.tab != trigger.tab]
    state.views[trigger.user] = [*elsewhere, view]
    return _response(state, view)


@api_method("views.push", limit=TIER_4)
def push(state: State, args: MethodArgs) -> Json:
    body = _body(args, "modal")
    trigger = _trigger(state, args)
    stack = _stack(state, trigger.user, trigger.tab)
    if trigger.view is None or not stack:
        raise ApiError("not_found")
    if len(stack) >= MAX_DEPTH:
        raise ApiError("push_limit_reached")
    _refuse_duplicate(state, body)
    view = _new(trigger.user, body, under=stack[-1])
    state.views[trigger.user].append(view)
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
    shown = state.homes.get(user)
    if shown and args.text("hash") and args.text("hash") != shown.hash:
        raise ApiError("hash_conflict")
    state.homes[user] = _new(user, body)
    return _response(state, state.homes[user])


def apply_reply(state: State, view: OpenView, reply: AppReply) -> None:
    """Close a submitted view, unless the app says otherwise or did not answer.

    https://docs.slack.dev/surfaces/modals#response_actions
    """
    body = reply.body or {}
    views, stack = state.views[view.user], _stack(state, view.user, view.tab)
    action = body.get("response_action")
    try:
        if not reply.acked:
            view.errors = {"": TROUBLE}
        elif action == "errors":
            view.errors = _errors_shown(view, body["errors"])
        elif action == "clear":
            views[:] = [other for other in views if other not in stack]
        elif action == "update":
            _replace(view, accept_view(body["view"]))
        elif action == "push":
            views.append(_new(view.user, accept_view(body["view"]), under=stack[-1]))
        elif view in stack:
            views.remove(view)
    except ApiError:
        view.errors = {"": TROUBLE}


def _stack(state: State, user: str, tab: str | None) -> list[OpenView]:
    """Return the modals of one tab, the topmost last."""
    return [view for view in state.views.get(user, []) if view.tab == tab]


def _errors_shown(view: OpenView, errors: object) -> dict[str, str]:
    """Return the errors by block_id. Raises ApiError for blocks that are no inputs of the view.

    https://docs.slack.dev/surfaces/modals#displaying_errors
    """
    known = {block["block_id"] for block in view.blocks if block["type"] == "input"}
    if not isinstance(errors, dict) or not errors or not known.issuperset(errors):
        raise ApiError("invalid_arguments")
    if not all(isinstance(text, str) and text for text in errors.values()):
        raise ApiError("invalid_arguments")
    return errors


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
    view = OpenView(view_id, user, body, _new_hash(), root)
    if under:
        view.previous, view.channel, view.tab = under.id, under.channel, under.tab
    return view


def _new_hash() -> str:
    return f"{int(time.time())}.{secrets.token_hex(4)}"


def _body(args: MethodArgs, kind: str) -> Json:
    body = args.object("view", "invalid_arguments")
    if body is None or body.get("type") != kind:
        raise ApiError("invalid_arguments")
    if len(json.dumps(body).encode()) > MAX_VIEW_BYTES:
        raise ApiError("view_too_large")
    return accept_view(body)


def _refuse_duplicate(state: State, body: Json) -> None:
    if state.view("", str(body.get("external_id", ""))) is not None:
        raise ApiError("duplicate_external_id")


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
