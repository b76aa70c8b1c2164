"""The workspace's objects as Slack's JSON. Pure functions, with no rule of behaviour."""

from urllib.parse import quote

from bot.workspace.objects import (
    SLACKBOT,
    Json,
    OpenView,
    PostedMessage,
    UploadedFile,
    User,
    WorkspaceChannel,
)
from bot.workspace.state import State


def message_json(state: State, message: PostedMessage, *, metadata: bool = False) -> Json:
    """Build a message object. https://docs.slack.dev/reference/events/message"""
    out: Json = {"type": "message", "user": message.user, "text": message.text, "ts": message.ts}
    if message.bot:
        out |= {"bot_id": state.bot_id, "app_id": state.app}
    out["team"] = state.users[message.user].team if message.user in state.users else state.team
    if message.blocks:
        out["blocks"] = message.blocks
    if message.edited:
        out["edited"] = {"user": message.user, "ts": message.edited}
    if message.files:
        out |= {"files": [file_json(state, file) for file in message.files], "upload": True}
    if message.reactions:
        out["reactions"] = reactions_json(message)
    if metadata and message.metadata:
        out["metadata"] = message.metadata
    return out | thread_json(state, message)


def tombstone_json(state: State, message: PostedMessage) -> Json:
    """Build what is shown for a deleted message that has replies."""
    text = "This message was deleted."
    out = {"type": "message", "subtype": "tombstone", "user": SLACKBOT, "text": text}
    return out | {"ts": message.ts, "hidden": True} | thread_json(state, message)


def thread_json(state: State, message: PostedMessage) -> Json:
    """Build the fields of a message that tell of its thread."""
    channel = state.channels[message.channel]
    if message.thread_ts:
        root = channel.messages.get(message.thread_ts)
        parent = {"parent_user_id": root.user} if root else {}
        return {"thread_ts": message.thread_ts, **parent}
    replies = channel.replies(message.ts)
    if not replies:
        return {}
    users = list(dict.fromkeys(reply.user for reply in replies))
    return {
        "thread_ts": message.ts,
        "reply_count": len(replies),
        "reply_users": users,
        "reply_users_count": len(users),
        "latest_reply": replies[-1].ts,
    }


def file_json(state: State, file: UploadedFile) -> Json:
    """Build a file object. https://docs.slack.dev/reference/objects/file-object"""
    place = f"{state.url}/files-pri/{state.team}-{file.id}"
    address = f"https://{state.domain}.slack.com/files/{file.user}/{file.id}/{quote(file.name)}"
    return {
        "id": file.id,
        "created": file.created,
        "timestamp": file.created,
        "name": file.name,
        "title": file.title,
        "mimetype": file.mimetype,
        "filetype": file.kind,
        "pretty_type": file.kind.upper(),
        "user": file.user,
        "user_team": state.users[file.user].team,
        "editable": False,
        "size": file.size,
        "mode": "hosted",
        "is_external": False,
        "external_type": "",
        "is_public": any(state.channels[c].kind == "channel" for c in file.channels),
        "public_url_shared": False,
        "display_as_bot": False,
        "username": "",
        "url_private": f"{place}/{quote(file.name)}",
        "url_private_download": f"{place}/download/{quote(file.name)}",
        "permalink": address,
        "has_rich_preview": False,
        "file_access": "visible",
    }


def reactions_json(message: PostedMessage) -> list[Json]:
    """Build the list of a message's reactions."""
    return [{"name": n, "users": u, "count": len(u)} for n, u in message.reactions.items()]


def channel_json(state: State, channel: WorkspaceChannel) -> Json:
    """Build a conversation object. https://docs.slack.dev/reference/objects/conversation-object"""
    out: Json = {"id": channel.id, "is_archived": channel.archived, "is_im": channel.kind == "im"}
    if channel.kind == "im":
        others = channel.members - {state.bot.id}
        return out | {"user": next(iter(others), state.bot.id), "is_user_deleted": False}
    shared = state.has_outsiders(channel)
    return out | {
        "name": channel.name,
        "name_normalized": channel.name,
        "is_channel": True,
        "is_group": False,
        "is_mpim": False,
        "is_private": channel.private,
        "is_member": state.bot.id in channel.members,
        "is_general": False,
        "is_shared": shared,
        "is_ext_shared": shared,
        "context_team_id": state.team,
        "topic": {"value": "", "creator": "", "last_set": 0},
        "purpose": {"value": "", "creator": "", "last_set": 0},
        "num_members": len(channel.members),
    }


def user_json(user: User, *, locale: bool = False) -> Json:
    """Build a user object. https://docs.slack.dev/reference/objects/user-object"""
    profile = {"display_name": user.name, "real_name": user.name.title(), "team": user.team}
    out = {
        "id": user.id,
        "team_id": user.team,
        "name": user.name,
        "real_name": user.name.title(),
        "deleted": False,
        "is_bot": user.bot,
        "is_app_user": False,
        "tz": "Etc/UTC",
        "tz_offset": 0,
        "profile": profile,
    }
    if locale:
        out["locale"] = user.locale
    if user.outsider:
        return out | {"is_stranger": True}
    restricted = {"is_restricted": user.guest, "is_ultra_restricted": False}
    return out | restricted | {"is_admin": False, "is_owner": False, "is_primary_owner": False}


def view_json(state: State, view: OpenView, values: Json | None = None) -> Json:
    """Build a view object. https://docs.slack.dev/reference/views"""
    return {
        "private_metadata": "",
        "callback_id": "",
        "external_id": "",
        "close": None,
        "submit": None,
        "clear_on_close": False,
        "notify_on_close": False,
        **view.body,
        "id": view.id,
        "team_id": state.team,
        "app_id": state.app,
        "app_installed_team_id": state.team,
        "bot_id": state.bot_id,
        "hash": view.hash,
        "root_view_id": view.root,
        "previous_view_id": view.previous,
        "state": {"values": values or {}},
    }
