"""conversations.*: channels, their members and their messages."""

import math

from bot.workspace import changes
from bot.workspace.api.access import joined_channel, visible_channel
from bot.workspace.api.methods import MethodArgs, api_method
from bot.workspace.errors import ApiError
from bot.workspace.features import HISTORY, READ
from bot.workspace.objects import Json, PostedMessage, WorkspaceChannel
from bot.workspace.rate_limits import TIER_2, TIER_3, TIER_4
from bot.workspace.slack_json import channel_json, message_json, tombstone_json
from bot.workspace.state import State

MAX_OPENED_WITH = 8


@api_method("conversations.info", *READ, limit=TIER_3)
def info(state: State, args: MethodArgs) -> Json:
    channel = visible_channel(state, args.text("channel"))
    counted = args.flag("include_num_members")
    return {"channel": channel_json(state, channel, counted=counted)}


@api_method("conversations.join", "channels:join", limit=TIER_3)
def join(state: State, args: MethodArgs) -> Json:
    channel = visible_channel(state, args.text("channel"))
    if channel.private:
        raise ApiError("method_not_supported_for_channel_type")
    if channel.archived:
        raise ApiError("is_archived")
    if state.bot.id in channel.members:
        return {"channel": channel_json(state, channel), "warning": "already_in_channel"}
    changes.add_bot(state, channel)
    return {"channel": channel_json(state, channel)}


@api_method("conversations.leave", "channels:manage", "channels:write")
def leave(state: State, args: MethodArgs) -> Json:
    channel = visible_channel(state, args.text("channel"))
    if state.bot.id not in channel.members:
        return {"not_in_channel": True}
    channel.members.discard(state.bot.id)
    state.change_signal.notify()
    return {}


@api_method("conversations.members", *READ, limit=TIER_4)
def members(state: State, args: MethodArgs) -> Json:
    channel = visible_channel(state, args.text("channel"))
    found, more = args.page(sorted(channel.members), default=100)
    return {"members": found} | more


@api_method("conversations.list", *READ, limit=TIER_2)
def list_all(state: State, args: MethodArgs) -> Json:
    seen = [c for c in state.channels.values() if c.visible_to(state.bot.id)]
    return _page_of_channels(state, args, seen)


@api_method("users.conversations", *READ, limit=TIER_3)
def of_bot(state: State, args: MethodArgs) -> Json:
    own = [c for c in state.channels.values() if state.bot.id in c.members]
    return _page_of_channels(state, args, own)


@api_method("conversations.open", "im:write", "mpim:write", limit=TIER_3)
def open_dm(state: State, args: MethodArgs) -> Json:
    before = set(state.channels)
    channel = _dm(state, args)
    shown = channel_json(state, channel) if args.flag("return_im") else {"id": channel.id}
    was_open = {"no_op": True, "already_open": True} if channel.id in before else {}
    return {"channel": shown} | was_open


def _dm(state: State, args: MethodArgs) -> WorkspaceChannel:
    if args.text("channel"):
        return visible_channel(state, args.text("channel"))
    if not args.text("users"):
        raise ApiError("users_list_not_supplied")
    users = args.text("users").split(",")
    if len(users) > MAX_OPENED_WITH:
        raise ApiError("too_many_users")
    if not state.users.keys() >= set(users):
        raise ApiError("user_not_found")
    if len(users) > 1:
        return state.group_dm({*users, state.bot.id})
    if state.users[users[0]].bot:
        raise ApiError("cannot_dm_bot")
    if state.users[users[0]].deactivated:
        raise ApiError("user_disabled")
    return state.dm_with_bot(users[0])


@api_method("conversations.history", *HISTORY, limit=TIER_3)
def history(state: State, args: MethodArgs) -> Json:
    """Return the newest first, without the replies that are in threads alone."""
    channel = joined_channel(state, args.text("channel"))
    roots = [m for m in channel.messages.values() if m.thread_ts is None or m.broadcast]
    roots = [m for m in roots if not m.deleted or channel.replies(m.ts)]
    inside = [m for m in reversed(roots) if _in_time_range(m, args)]
    return _page_of_messages(state, args, inside, default=100)


@api_method("conversations.replies", *HISTORY, limit=TIER_3)
def replies(state: State, args: MethodArgs) -> Json:
    """Return the root, then its replies, oldest first."""
    channel = joined_channel(state, args.text("channel"))
    asked = channel.messages.get(args.need("ts"))
    if asked is None or (asked.deleted and not channel.replies(asked.ts)):
        raise ApiError("thread_not_found")
    root = channel.messages[asked.thread_ts or asked.ts]
    inside = [m for m in channel.replies(root.ts) if _in_time_range(m, args)]
    return _page_of_messages(state, args, [root, *inside], default=1000)


def _page_of_messages(
    state: State, args: MethodArgs, messages: list[PostedMessage], *, default: int
) -> Json:
    found, more = args.page(messages, default=default)
    metadata = args.flag("include_all_metadata")
    shown = [
        tombstone_json(state, m) if m.deleted else message_json(state, m, metadata=metadata)
        for m in found
    ]
    return {"messages": shown, "has_more": bool(more["response_metadata"]["next_cursor"])} | more


def _in_time_range(message: PostedMessage, args: MethodArgs) -> bool:
    at, first, last = float(message.ts), args.time("oldest", 0), args.time("latest", math.inf)
    return first < at < last or (args.flag("inclusive") and at in (first, last))


def _page_of_channels(state: State, args: MethodArgs, channels: list[WorkspaceChannel]) -> Json:
    """Return a page of those channels that the call asks for."""
    kinds = {"public_channel": "channel", "private_channel": "group", "im": "im", "mpim": "mpim"}
    types = (args.text("types") or "public_channel").split(",")
    wanted = {kinds.get(kind.strip()) for kind in types}
    skipped = args.flag("exclude_archived")
    found = [c for c in channels if c.kind in wanted and not (skipped and c.archived)]
    some, more = args.page(found, default=100)
    return {"channels": [channel_json(state, channel, counted=True) for channel in some]} | more
