"""The table of the Web API's methods."""

from collections.abc import Callable
from dataclasses import dataclass

from bot.workspace.api.args import MethodArgs
from bot.workspace.errors import ApiError
from bot.workspace.objects import Json
from bot.workspace.rate_limits import RateLimit
from bot.workspace.state import State

MethodHandler = Callable[[State, MethodArgs], Json]


@dataclass(frozen=True, slots=True)
class ApiMethod:
    """What answers a method, the scopes of which the token needs one, and the rate limit."""

    handler: MethodHandler
    scopes: tuple[str, ...]
    limit: RateLimit | None
    app_token: bool


METHODS: dict[str, ApiMethod] = {}


def api_method(
    name: str, *scopes: str, limit: RateLimit | None = None, app_token: bool = False
) -> Callable[[MethodHandler], MethodHandler]:
    """Make a function answer a method. Its page is https://docs.slack.dev/reference/methods/NAME"""

    def add(handler: MethodHandler) -> MethodHandler:
        METHODS[name] = ApiMethod(handler, scopes, limit, app_token)
        return handler

    return add


def answer(state: State, name: str, args: MethodArgs) -> Json:
    """Return the answer to a call. Raises ApiError if Slack would refuse it."""
    method = METHODS[name]
    if method.scopes and not state.scopes.intersection(method.scopes):
        provided = ",".join(sorted(state.scopes))
        raise ApiError("missing_scope", needed=",".join(method.scopes), provided=provided)
    return {"ok": True} | method.handler(state, args)
