"""views.*: modals and the home tab."""

import secrets
import time

from bot.workspace.api.args import Args
from bot.workspace.blocks import accept_view
from bot.workspace.errors import SlackError
from bot.workspace.slack_json import view_json
from bot.workspace.state import Json, State, Trigger, View, new_id

DEEPEST = 3


def open_modal(state: State, args: Args) -> Json:
    """https://docs.slack.dev/reference/methods/views.open"""
    body = _body(args, "modal")
    trigger = _trigger(state, args)
    view = _new(trigger.user, body)
    view.channel = trigger.channel
    state.views[trigger.user] = [view]
    return _told(state, view)


def push(state: State, args: Args) -> Json:
    """https://docs.slack.dev/reference/methods/views.push"""
    body = _body(args, "modal")
    trigger = _trigger(state, args)
    stack = state.views.setdefault(trigger.user, [])
    if trigger.view is None or not stack:
        raise SlackError("not_found")
    if len(stack) >= DEEPEST:
        raise SlackError("push_limit_reached")
    view = _new(trigger.user, body, under=stack[-1])
    stack.append(view)
    return _told(state, view)


def update(state: State, args: Args) -> Json:
    """https://docs.slack.dev/reference/methods/views.update"""
    body = _body(args, "modal")
    view = state.view(args.text("view_id")) or _by_external_id(state, args.text("external_id"))
    if view is None:
        raise SlackError("not_found")
    if args.text("hash") and args.text("hash") != view.hash:
        raise SlackError("hash_conflict")
    replace(view, body)
    return _told(state, view)


def publish(state: State, args: Args) -> Json:
    """https://docs.slack.dev/reference/methods/views.publish"""
    body = _body(args, "home")
    if not state.features.home:
        raise SlackError("not_enabled")
    user = args.need("user_id")
    if user not in state.people:
        raise SlackError("user_not_found")
    state.homes[user] = _new(user, body)
    return _told(state, state.homes[user])


def replace(view: View, body: Json) -> None:
    view.body, view.hash, view.errors = body, _new_hash(), {}


def put_on_top(state: State, user: str, body: Json) -> None:
    stack = state.views[user]
    stack.append(_new(user, body, under=stack[-1]))
    state.changes.tell()


def _new(user: str, body: Json, under: View | None = None) -> View:
    view_id = new_id("V")
    root = under.root if under else view_id
    channel = under.channel if under else None
    return View(view_id, user, body, _new_hash(), root, under.id if under else None, channel)


def _new_hash() -> str:
    return f"{int(time.time())}.{secrets.token_hex(4)}"


def _body(args: Args, kind: str) -> Json:
    body = args.object("view", "invalid_arguments")
    if body is None or body.get("type") != kind:
        raise SlackError("invalid_arguments")
    return accept_view(body)


def _trigger(state: State, args: Args) -> Trigger:
    """The trigger, used up by this. Raises SlackError when it is unknown, used or too old."""
    trigger = state.triggers.get(args.need("trigger_id"))
    if trigger is None:
        raise SlackError("invalid_trigger_id")
    if trigger.used:
        raise SlackError("exchanged_trigger_id")
    if time.monotonic() > trigger.expires:
        raise SlackError("expired_trigger_id")
    trigger.used = True
    return trigger


def _by_external_id(state: State, external_id: str) -> View | None:
    views = [view for stack in state.views.values() for view in stack]
    same = (view for view in views if external_id and view.body.get("external_id") == external_id)
    return next(same, None)


def _told(state: State, view: View) -> Json:
    state.changes.tell()
    return {"view": view_json(state, view)}
