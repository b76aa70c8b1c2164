"""Events of the Events API, built from the state; and which of them the app receives.

https://docs.slack.dev/apis/events-api
"""

import time
from collections.abc import Sequence
from typing import Literal

from bot.workspace import grid
from bot.workspace.agent_view import AGENT_EVENTS
from bot.workspace.objects import Json, PostedMessage, WorkspaceChannel, new_id
from bot.workspace.slack_json import message_json, told_files_json, tombstone_json, view_json
from bot.workspace.state import State

HomeTab = Literal["home", "messages"]

# What a kind of channel is called in the names of scopes and of subscriptions.
PLURALS = {"channel": "channels", "group": "groups", "im": "im", "mpim": "mpim"}


def envelope(state: State, event: Json, event_id: str | None = None) -> Json:
    """Build the outer event, which is posted or put into a Socket Mode envelope.

    In a channel of another workspace, `team_id` is that one, and the authorization names the app's.
    https://docs.slack.dev/apis/slack-connect
    """
    channel = _channel_of(state, event)
    return {
        "token": "verification-is-by-signature",
        "team_id": channel.host if channel and channel.host else state.team,
        "context_team_id": state.team,
        "context_enterprise_id": None,
        **grid.in_event(state),
        "api_app_id": state.app,
        "event": event,
        "type": "event_callback",
        "event_id": event_id or new_id("Ev"),
        "event_time": int(time.time()),
        "authorizations": [
            {
                "enterprise_id": None,
                "team_id": state.team,
                "user_id": state.bot.id,
                "is_bot": True,
                "is_enterprise_install": False,
                **grid.in_authorization(state),
            }
        ],
        "is_ext_shared_channel": channel is not None and state.has_outsiders(channel),
        "event_context": "4-" + new_id("E"),
    }


def _channel_of(state: State, event: Json) -> WorkspaceChannel | None:
    item = event.get("item")
    inside = item.get("channel") if isinstance(item, dict) else None
    return state.channels.get(str(event.get("channel") or inside or ""))


def reaches_app(state: State, event: Json) -> bool:
    """Say whether the app receives this event.

    It does if it is in the channel, subscribes to such events and has the scope for them.
    """
    channel = _channel_of(state, event)
    if channel is not None and state.bot.id not in channel.members:
        return False
    # A manifest names messages by kind of channel.
    name = event["type"]
    if name == "message" and channel is not None:
        name = f"message.{PLURALS[channel.kind]}"
    if not state.features.subscribes(name):
        return False
    if name in AGENT_EVENTS and not state.features.agent:
        return False
    scope = _scope_for(event["type"], channel)
    return scope is None or scope in state.scopes


def _scope_for(event_type: str, channel: WorkspaceChannel | None) -> str | None:
    if event_type == "message" and channel is not None:
        return f"{PLURALS[channel.kind]}:history"
    if event_type == "member_joined_channel" and channel is not None:
        return "groups:read" if channel.private else "channels:read"
    if event_type.startswith("reaction_"):
        return "reactions:read"
    return "app_mentions:read" if event_type == "app_mention" else None


def posted(state: State, message: PostedMessage) -> list[Json]:
    """Build the event of a new message, and a second one if it mentions the app outside its DM.

    The second tells neither of files nor of the kind of channel.
    https://docs.slack.dev/reference/events/app_mention
    """
    channel = state.channels[message.channel]
    base = message_json(state, message) | {"channel": channel.id, "event_ts": message.ts}
    event = base | {"channel_type": channel.kind}
    if message.files:
        event |= {"subtype": "file_share", "display_as_bot": False}
        event["files"] = told_files_json(state, message)
    if message.broadcast:
        # https://docs.slack.dev/reference/events/message/thread_broadcast
        event["root"] = message_json(state, channel.messages[message.thread_ts or ""])
    if channel.kind == "im" and not message.bot:
        event |= seen_with(state, message.user, "app_context")
    mentioned = f"<@{state.bot.id}>" in message.text and not message.bot and channel.kind != "im"
    if not mentioned:
        return [event]
    bare = {name: value for name, value in base.items() if name not in ("files", "upload")}
    return [event, bare | {"type": "app_mention"}]


def changed(state: State, message: PostedMessage, before: Json) -> Json:
    """Build the event of a changed message, which was `before`."""
    messages = {"message": message_json(state, message), "previous_message": before}
    return _hidden(state, message, "message_changed") | messages


def deleted(state: State, message: PostedMessage, before: Json) -> Json:
    """Build the event of a deleted message, which was `before`.

    One that has replies is not deleted for Slack: a tombstone takes its place
    (https://github.com/42wim/matterbridge/issues/600).
    """
    if state.channels[message.channel].replies(message.ts):
        messages = {"message": tombstone_json(state, message), "previous_message": before}
        return _hidden(state, message, "message_changed") | messages
    which = {"previous_message": before, "deleted_ts": message.ts}
    return _hidden(state, message, "message_deleted") | which


def _hidden(state: State, message: PostedMessage, subtype: str) -> Json:
    now = state.now()
    return {
        "type": "message",
        "subtype": subtype,
        "channel": message.channel,
        "hidden": True,
        "ts": now,
        "event_ts": now,
        "channel_type": state.channels[message.channel].kind,
    }


def reaction(state: State, added: bool, message: PostedMessage, user: str, name: str) -> Json:
    """Build the event of a reaction that a user added or removed."""
    return {
        "type": "reaction_added" if added else "reaction_removed",
        "user": user,
        "reaction": name,
        "item": {"type": "message", "channel": message.channel, "ts": message.ts},
        "item_user": message.user,
        "event_ts": state.now(),
    }


def bot_joined(state: State, channel: WorkspaceChannel, inviter: str | None) -> Json:
    """Build the event of the bot's joining a channel."""
    return {
        "type": "member_joined_channel",
        "user": state.bot.id,
        "channel": channel.id,
        "channel_type": "G" if channel.private else "C",
        "team": state.team,
        "event_ts": state.now(),
    } | ({"inviter": inviter} if inviter else {})


def home_opened(state: State, user: str, channel: WorkspaceChannel, tab: HomeTab) -> Json:
    """Build app_home_opened, with the view of the home tab if the app has published one.

    https://docs.slack.dev/reference/events/app_home_opened
    """
    view = state.homes.get(user) if tab == "home" else None
    return {
        "type": "app_home_opened",
        "user": user,
        "channel": channel.id,
        "tab": tab,
        "event_ts": state.now(),
        **seen_with(state, user, "context"),
    } | ({"view": view_json(state, view)} if view else {})


def seen_with(state: State, user: str, name: str) -> Json:
    """Build the field that tells an agent, beside something else, what a person looks at.

    Only who subscribes to app_context_changed gets it.
    https://docs.slack.dev/ai/agent-context-management#active-view-context
    """
    told = state.features.agent and state.features.subscribes("app_context_changed")
    return {name: _context(state, user)} if told else {}


def context_changed(state: State, user: str) -> Json:
    """Build the outer event of a person who looks at something else, with the app in sight.

    The event itself does not name them: the authorization does.
    https://docs.slack.dev/reference/events/app_context_changed
    """
    event = {"type": "app_context_changed", "context": _context(state, user)}
    whole = envelope(state, event)
    (authorization,) = whole["authorizations"]
    return whole | {"authorizations": [authorization | {"user_id": user, "is_bot": False}]}


def _context(state: State, user: str) -> Json:
    entities = state.looking_at.get(user)
    return {"entities": entities} if entities else {}


def session_stopped(
    state: State, who: str, channel: str, thread_ts: str, stopped: Sequence[str]
) -> Json:
    """Build the event of Slack's own stop button; `stopped` are the streams that Slack ended.

    https://docs.slack.dev/reference/events/agent_session_stopped
    """
    return {
        "type": "agent_session_stopped",
        "channel": channel,
        "thread_ts": thread_ts,
        "user": who,
        "streaming_message_ts": list(stopped),
        "event_ts": state.now(),
    }
