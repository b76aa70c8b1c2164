"""users.info and users.list."""

from ..errors import SlackError
from ..state import Json, State
from ..wire import user_json
from .args import Args
from .pages import page


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
