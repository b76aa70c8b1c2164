"""users.info and users.list."""

from bot.workspace.api.methods import MethodArgs, api_method
from bot.workspace.errors import ApiError
from bot.workspace.objects import Json
from bot.workspace.rate_limits import TIER_4
from bot.workspace.slack_json import user_json
from bot.workspace.state import State


@api_method("users.info", "users:read", limit=TIER_4)
def info(state: State, args: MethodArgs) -> Json:
    person = state.users.get(args.need("user"))
    if person is None:
        raise ApiError("user_not_found")
    return {"user": user_json(state, person, locale=args.flag("include_locale"))}


@api_method("users.list", "users:read")
def list_all(state: State, args: MethodArgs) -> Json:
    some, more = args.page(list(state.users.values()), default=100)
    return {"members": [user_json(state, person) for person in some]} | more
