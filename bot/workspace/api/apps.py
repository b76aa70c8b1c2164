"""What an app asks first: who it is, and where to connect for Socket Mode."""

import secrets

from bot.workspace import grid
from bot.workspace.api.methods import MethodArgs, api_method
from bot.workspace.objects import Json
from bot.workspace.rate_limits import RateLimit
from bot.workspace.state import State


@api_method("auth.test", limit=RateLimit(600))
def test(state: State, args: MethodArgs) -> Json:
    return {
        "url": f"https://{state.domain}.slack.com/",
        "team": state.domain.title(),
        "user": state.bot.name,
        "team_id": state.team,
        "user_id": state.bot.id,
        "bot_id": state.bot_id,
        "is_enterprise_install": False,
        **grid.in_auth_test(state),
    }


# Its page says tier 1 (one a minute), but an app may hold ten connections at once.
@api_method("apps.connections.open", limit=RateLimit(10), app_token=True)
def open_connection(state: State, args: MethodArgs) -> Json:
    """Return an address that is good for one connection."""
    ticket = secrets.token_urlsafe(24)
    state.tickets.add(ticket)
    host = state.url.removeprefix("http://")
    return {"url": f"ws://{host}/link/?ticket={ticket}&app_id={state.app}"}
