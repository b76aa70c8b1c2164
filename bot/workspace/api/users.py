"""users.info and users.list."""

from bot.workspace.api.args import Args
from bot.workspace.api.pages import page
from bot.workspace.errors import SlackError
from bot.workspace.slack_json import user_json
from bot.workspace.state import Json, State


def info(state: State, args: Args) -> Json:
    """https://docs.slack.dev/reference/methods/users.info"""
    person = state.people.get(args.need("user"))
    if person is None:
        raise SlackError("user_not_found")
    return {"user": user_json(person, locale=args.flag("include_locale"))}


def list_all(state: State, args: Args) -> Json:
    """https://docs.slack.dev/reference/methods/users.list"""
    some, more = page(list(state.people.values()), args, default=100)
    return {"members": [user_json(person) for person in some]} | more
