"""users.info and users.list."""

from bot.workspace.api.args import MethodArgs
from bot.workspace.api.pagination import page
from bot.workspace.errors import ApiError
from bot.workspace.objects import Json
from bot.workspace.slack_json import user_json
from bot.workspace.state import State


def info(state: State, args: MethodArgs) -> Json:
    """Answer users.info. https://docs.slack.dev/reference/methods/users.info"""
    person = state.users.get(args.need("user"))
    if person is None:
        raise ApiError("user_not_found")
    return {"user": user_json(person, locale=args.flag("include_locale"))}


def list_all(state: State, args: MethodArgs) -> Json:
    """Answer users.list. https://docs.slack.dev/reference/methods/users.list"""
    some, more = page(list(state.users.values()), args, default=100)
    return {"members": [user_json(person) for person in some]} | more
