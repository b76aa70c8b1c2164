"""Events as the Events API tells them: pure builders.

https://docs.slack.dev/apis/events-api
"""

import time
from typing import Literal

from bot.workspace.objects import Json, PostedMessage, WorkspaceChannel, new_id
from bot.workspace.slack_json import message_json, view_json
from bot.workspace.state import State

HomeTab = Literal["home", "messages"]

CHANNEL_TYPES = {"channel": "channel", "group": "group", "im": "im"}
SUBSCRIPTIONS = {"channel": "channels", "group": "groups", "im": "im"}
HISTORY_SCOPES = {"channel": "channels:history", "group": "groups:history", "im": "im:history"}


def envelope(state: State, event: Json, event_id: str | None = None) -> Json:
    """The outer event: what is posted, or rides in a Socket Mode envelope."""
    return {
        "token": "verification-is-by-signature",
        "team_id": state.team,
        "context_team_id": state.team,
        "context_enterprise_id": None,
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
            }
        ],
        "is_ext_shared_channel": is_shared(state, event),
        "event_context": "4-" + new_id("E"),
    }


def is_shared(state: State, event: Json) -> bool:
    channel = state.channels.get(channel_of(event))
    return channel is not None and any(state.users[u].outsider for u in channel.members)


def channel_of(event: Json) -> str:
    item = event.get("item")
    return str(
        event.get("channel") or (item.get("channel") if isinstance(item, dict) else "") or ""
    )


def reaches_app(state: State, event: Json) -> bool:
    """Whether Slack tells the app: it is in the channel, asked for such events, and has their
    scope.
    """
    channel = state.channels.get(channel_of(event))
    if channel is not None and state.bot.id not in channel.members:
        return False
    if not state.features.subscribes(_subscription(event["type"], channel)):
        return False
    scope = scope_of(event["type"], channel)
    return scope is None or scope in state.scopes


def _subscription(event_type: str, channel: WorkspaceChannel | None) -> str:
    """The event's name in a manifest: messages are asked for by the kind of their channel."""
    if event_type != "message" or channel is None:
        return event_type
    return f"message.{SUBSCRIPTIONS[channel.kind]}"


def scope_of(event_type: str, channel: WorkspaceChannel | None) -> str | None:
    if event_type == "message" and channel is not None:
        return HISTORY_SCOPES[channel.kind]
    if event_type == "member_joined_channel" and channel is not None:
        return "groups:read" if channel.private else "channels:read"
    if event_type.startswith("reaction_"):
        return "reactions:read"
    if event_type.startswith("assistant_thread_"):
        return "assistant:write"
    return "app_mentions:read" if event_type == "app_mention" else None


def posted(state: State, channel: WorkspaceChannel, message: PostedMessage) -> list[Json]:
    """A message came; a mention of the app outside its DM is told a second time."""
    base = message_json(state, message) | {"channel": channel.id, "event_ts": message.ts}
    if message.files and is_shared(state, base):
        base["files"] = [_withheld(file["id"]) for file in base["files"]]
    event = base | {"channel_type": CHANNEL_TYPES[channel.kind]}
    if message.files:
        event |= {"subtype": "file_share", "display_as_bot": False}
    mentioned = f"<@{state.bot.id}>" in message.text and not message.bot and channel.kind != "im"
    return [event, base | {"type": "app_mention"}] if mentioned else [event]


def _withheld(file_id: str) -> Json:
    """A file as an event tells it where another workspace reads along: ask files.info for more.

    https://docs.slack.dev/apis/slack-connect
    """
    access = {"mode": "file_access", "file_access": "check_file_info"}
    return {"id": file_id, "created": 0, "timestamp": 0, "user": ""} | access


def changed(state: State, channel: WorkspaceChannel, message: PostedMessage, before: Json) -> Json:
    now = state.now()
    return {
        "type": "message",
        "subtype": "message_changed",
        "message": message_json(state, message),
        "previous_message": before,
        "channel": channel.id,
        "hidden": True,
        "ts": now,
        "event_ts": now,
        "channel_type": CHANNEL_TYPES[channel.kind],
    }


def deleted(state: State, channel: WorkspaceChannel, before: Json) -> Json:
    now = state.now()
    return {
        "type": "message",
        "subtype": "message_deleted",
        "previous_message": before,
        "channel": channel.id,
        "hidden": True,
        "deleted_ts": before["ts"],
        "ts": now,
        "event_ts": now,
        "channel_type": CHANNEL_TYPES[channel.kind],
    }


def reaction(state: State, added: bool, message: PostedMessage, user: str, name: str) -> Json:
    return {
        "type": "reaction_added" if added else "reaction_removed",
        "user": user,
        "reaction": name,
        "item": {"type": "message", "channel": message.channel, "ts": message.ts},
        "item_user": message.user,
        "event_ts": state.now(),
    }


def joined(state: State, channel: WorkspaceChannel, user: str, inviter: str | None = None) -> Json:
    return {
        "type": "member_joined_channel",
        "user": user,
        "channel": channel.id,
        "channel_type": "G" if channel.private else "C",
        "team": state.team,
        "event_ts": state.now(),
    } | ({"inviter": inviter} if inviter else {})


def home_opened(state: State, user: str, channel: WorkspaceChannel, tab: HomeTab) -> Json:
    """https://docs.slack.dev/reference/events/app_home_opened

    The home tab brings its view, if one was published.
    """
    view = state.homes.get(user) if tab == "home" else None
    return {
        "type": "app_home_opened",
        "user": user,
        "channel": channel.id,
        "tab": tab,
        "event_ts": state.now(),
    } | ({"view": view_json(state, view)} if view else {})


def pane_opened(state: State, root: PostedMessage, user: str) -> Json:
    """https://docs.slack.dev/reference/events/assistant_thread_started"""
    return _of_pane(state, "assistant_thread_started", root, user)


def pane_context(state: State, root: PostedMessage, user: str) -> Json:
    """https://docs.slack.dev/reference/events/assistant_thread_context_changed"""
    return _of_pane(state, "assistant_thread_context_changed", root, user)


def _of_pane(state: State, kind: str, root: PostedMessage, user: str) -> Json:
    assert root.pane is not None
    seen = root.pane.context
    where = {"channel_id": seen, "team_id": state.team, "enterprise_id": None} if seen else {}
    thread = {"user_id": user, "channel_id": root.channel, "thread_ts": root.ts}
    return {
        "type": kind,
        "assistant_thread": thread | {"context": where},
        "event_ts": state.now(),
    }
