"""apps.connections.open: where to connect for Socket Mode."""

import secrets

from bot.workspace.api.args import MethodArgs
from bot.workspace.objects import Json
from bot.workspace.state import State


def open_connection(state: State, args: MethodArgs) -> Json:
    """Answer apps.connections.open. https://docs.slack.dev/reference/methods/apps.connections.open

    The address is good for one connection.
    """
    ticket = secrets.token_urlsafe(24)
    state.tickets.add(ticket)
    host = state.url.removeprefix("http://")
    return {"url": f"ws://{host}/link/?ticket={ticket}&app_id={state.app}"}
