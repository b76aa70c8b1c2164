"""What happens to a submitted modal, by the answer of the app.

https://docs.slack.dev/surfaces/modals#response_actions
"""

from bot.workspace.api import views
from bot.workspace.blocks import accept_view
from bot.workspace.delivery import AppReply
from bot.workspace.errors import ApiError
from bot.workspace.objects import Json, OpenView
from bot.workspace.state import State

TROUBLE = "We had some trouble connecting. Try again?"


def apply_reply(state: State, view: OpenView, reply: AppReply) -> None:
    """Close the view, unless the app says otherwise or did not answer."""
    body = reply.body or {}
    stack = state.views[view.user]
    action = body.get("response_action")
    if not reply.acked:
        view.errors = {"": TROUBLE}
    elif action == "errors":
        view.errors = dict(body["errors"])
    elif action == "clear":
        stack.clear()
    elif action in ("update", "push"):
        _show_next(state, view, action, body["view"])
    elif view in stack:
        stack.remove(view)


def _show_next(state: State, view: OpenView, action: str, body: Json) -> None:
    try:
        accepted = accept_view(body)
    except ApiError:
        view.errors = {"": TROUBLE}
        return
    if action == "update":
        views.replace(view, accepted)
    else:
        views.put_on_top(state, view.user, accepted)
