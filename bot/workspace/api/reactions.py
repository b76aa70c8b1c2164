"""reactions.*: reactions of the app and of people."""

import re

from bot.emoji import slacks_name
from bot.workspace import changes
from bot.workspace.api.access import TS, find_message, joined_channel
from bot.workspace.api.methods import MethodArgs, api_method
from bot.workspace.errors import ApiError
from bot.workspace.objects import Json, PostedMessage
from bot.workspace.rate_limits import TIER_2, TIER_3
from bot.workspace.slack_json import message_json, reactions_json
from bot.workspace.state import State

NAME = re.compile(r"[a-z0-9_+'-]{1,100}(::skin-tone-[2-6])?")


@api_method("reactions.add", "reactions:write", limit=TIER_3)
def add(state: State, args: MethodArgs) -> Json:
    message, name = _item(state, args), _name(args)
    if state.channels[message.channel].archived:
        raise ApiError("is_archived")
    if state.bot.id in message.reactions.get(name, []):
        raise ApiError("already_reacted")
    changes.add_reaction(state, message, state.bot.id, name)
    return {}


@api_method("reactions.remove", "reactions:write", limit=TIER_2)
def remove(state: State, args: MethodArgs) -> Json:
    message, name = _item(state, args), _name(args)
    if state.bot.id not in message.reactions.get(name, []):
        raise ApiError("no_reaction")
    changes.remove_reaction(state, message, state.bot.id, name)
    return {}


@api_method("reactions.get", "reactions:read", limit=TIER_3)
def get(state: State, args: MethodArgs) -> Json:
    message = _item(state, args)
    whole = message_json(state, message) | {"reactions": reactions_json(message)}
    return {"type": "message", "channel": message.channel, "message": whole}


def _item(state: State, args: MethodArgs) -> PostedMessage:
    if not args.text("timestamp"):
        raise ApiError("no_item_specified")
    if not TS.fullmatch(args.text("timestamp")):
        raise ApiError("bad_timestamp")
    return find_message(joined_channel(state, args.text("channel")), args.text("timestamp"))


def _name(args: MethodArgs) -> str:
    name = args.text("name").strip(":")
    if not NAME.fullmatch(name):
        raise ApiError("invalid_name")
    return slacks_name(name)
