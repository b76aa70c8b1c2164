"""conversations.*: channels, their members and what was said."""

from bot.workspace import events
from bot.workspace.api.access import entered, seen
from bot.workspace.api.args import Args
from bot.workspace.api.pages import page
from bot.workspace.errors import SlackError
from bot.workspace.slack_json import channel_json, message_json, tombstone_json
from bot.workspace.state import Acks, Channel, Json, Message, State


def info(state: State, args: Args) -> Json:
    """https://docs.slack.dev/reference/methods/conversations.info"""
    return {"channel": channel_json(state, seen(state, args.text("channel")))}


def join(state: State, args: Args) -> Json:
    """https://docs.slack.dev/reference/methods/conversations.join"""
    channel = seen(state, args.text("channel"))
    if channel.private:
        raise SlackError("method_not_supported_for_channel_type")
    if channel.archived:
        raise SlackError("is_archived")
    if state.bot.id in channel.members:
        return {"channel": channel_json(state, channel), "warning": "already_in_channel"}
    enter(state, channel)
    return {"channel": channel_json(state, channel)}


def enter(state: State, channel: Channel, inviter: str | None = None) -> Acks:
    channel.members.add(state.bot.id)
    state.changes.tell()
    return state.tell(events.joined(state, channel, state.bot.id, inviter))


def leave(state: State, args: Args) -> Json:
    """https://docs.slack.dev/reference/methods/conversations.leave"""
    channel = seen(state, args.text("channel"))
    if state.bot.id not in channel.members:
        return {"not_in_channel": True}
    channel.members.discard(state.bot.id)
    state.changes.tell()
    return {}


def members(state: State, args: Args) -> Json:
    """https://docs.slack.dev/reference/methods/conversations.members"""
    channel = seen(state, args.text("channel"))
    found, more = page(sorted(channel.members), args, default=100)
    return {"members": found} | more


def list_all(state: State, args: Args) -> Json:
    """https://docs.slack.dev/reference/methods/conversations.list"""
    return _listed(state, args, members_only=False)


def of_bot(state: State, args: Args) -> Json:
    """https://docs.slack.dev/reference/methods/users.conversations"""
    return _listed(state, args, members_only=True)


def open_dm(state: State, args: Args) -> Json:
    """https://docs.slack.dev/reference/methods/conversations.open"""
    before = set(state.channels)
    channel = _dm(state, args)
    full = args.flag("return_im")
    told = {"channel": channel_json(state, channel) if full else {"id": channel.id}}
    return told | ({"no_op": True, "already_open": True} if channel.id in before else {})


def _dm(state: State, args: Args) -> Channel:
    if args.text("channel"):
        return seen(state, args.text("channel"))
    if not args.text("users"):
        raise SlackError("users_list_not_supplied")
    users = args.text("users").split(",")
    if len(users) != 1:
        raise SlackError("method_not_supported_for_channel_type")
    if users[0] not in state.people:
        raise SlackError("user_not_found")
    if state.people[users[0]].bot:
        raise SlackError("cannot_dm_bot")
    return state.dm_with_bot(users[0])


def history(state: State, args: Args) -> Json:
    """https://docs.slack.dev/reference/methods/conversations.history

    Newest first; replies are in their threads.
    """
    channel = entered(state, args)
    roots = [m for m in channel.messages.values() if m.thread_ts is None]
    roots = [m for m in roots if not m.deleted or channel.replies(m.ts)]
    inside = [m for m in reversed(roots) if _inside(m, args)]
    return _told(state, args, inside, default=100)


def replies(state: State, args: Args) -> Json:
    """https://docs.slack.dev/reference/methods/conversations.replies

    Oldest first, the root before all.
    """
    channel = entered(state, args)
    asked = channel.messages.get(args.need("ts"))
    if asked is None or (asked.deleted and not channel.replies(asked.ts)):
        raise SlackError("thread_not_found")
    root = channel.messages[asked.thread_ts or asked.ts]
    inside = [m for m in channel.replies(root.ts) if _inside(m, args)]
    return _told(state, args, [root, *inside], default=1000)


def _told(state: State, args: Args, messages: list[Message], *, default: int) -> Json:
    found, more = page(messages, args, default=default)
    metadata = args.flag("include_all_metadata")
    told = [
        tombstone_json(state, m) if m.deleted else message_json(state, m, metadata=metadata)
        for m in found
    ]
    return {"messages": told, "has_more": bool(more["response_metadata"]["next_cursor"])} | more


def _inside(message: Message, args: Args) -> bool:
    oldest, latest = args.text("oldest") or "0", args.text("latest") or "inf"
    at, first, last = float(message.ts), float(oldest), float(latest)
    return first < at < last or (args.flag("inclusive") and at in (first, last))


def _listed(state: State, args: Args, *, members_only: bool) -> Json:
    kinds = {"public_channel": "channel", "private_channel": "group", "im": "im"}
    wanted = {
        kinds.get(kind.strip()) for kind in (args.text("types") or "public_channel").split(",")
    }
    found = [c for c in state.channels.values() if c.kind in wanted and _listable(state, c)]
    if members_only:
        found = [c for c in found if state.bot.id in c.members]
    if args.flag("exclude_archived"):
        found = [c for c in found if not c.archived]
    some, more = page(found, args, default=100)
    return {"channels": [channel_json(state, channel) for channel in some]} | more


def _listable(state: State, channel: Channel) -> bool:
    return not channel.private or state.bot.id in channel.members
