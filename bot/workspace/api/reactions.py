"""reactions.*: the app's own, and what others left."""

import re

from bot.workspace import events
from bot.workspace.api.access import entered, message_at
from bot.workspace.api.args import Args
from bot.workspace.errors import SlackError
from bot.workspace.slack_json import message_json, reactions_json
from bot.workspace.state import Acks, Json, Message, State

NAME = re.compile(r"[a-z0-9_+'-]{1,100}(::skin-tone-[2-6])?")


def add(state: State, args: Args) -> Json:
    """https://docs.slack.dev/reference/methods/reactions.add"""
    message, name = _item(state, args), _name(args)
    if state.channels[message.channel].archived:
        raise SlackError("is_archived")
    if state.bot.id in message.reactions.get(name, []):
        raise SlackError("already_reacted")
    put(state, message, state.bot.id, name)
    return {}


def remove(state: State, args: Args) -> Json:
    """https://docs.slack.dev/reference/methods/reactions.remove"""
    message, name = _item(state, args), _name(args)
    if state.bot.id not in message.reactions.get(name, []):
        raise SlackError("no_reaction")
    take(state, message, state.bot.id, name)
    return {}


def get(state: State, args: Args) -> Json:
    """https://docs.slack.dev/reference/methods/reactions.get"""
    message = _item(state, args)
    told = message_json(state, message) | {"reactions": reactions_json(message)}
    return {"type": "message", "channel": message.channel, "message": told}


def put(state: State, message: Message, user: str, name: str) -> Acks:
    message.reactions.setdefault(name, []).append(user)
    state.touch(message)
    return state.tell(events.reaction(state, True, message, user, name))


def take(state: State, message: Message, user: str, name: str) -> Acks:
    message.reactions[name].remove(user)
    if not message.reactions[name]:
        del message.reactions[name]
    state.touch(message)
    return state.tell(events.reaction(state, False, message, user, name))


def _item(state: State, args: Args) -> Message:
    if not args.text("timestamp"):
        raise SlackError("no_item_specified")
    return message_at(entered(state, args), args.text("timestamp"))


def _name(args: Args) -> str:
    name = args.text("name").strip(":")
    if not NAME.fullmatch(name):
        raise SlackError("invalid_name")
    return name
