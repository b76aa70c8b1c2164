"""The workspace's objects as Slack's JSON. Pure functions, with no rule of behaviour."""

from urllib.parse import quote

from bot.workspace import grid
from bot.workspace.canvas import Canvas, canvas_json
from bot.workspace.objects import (
    SLACKBOT,
    Json,
    OpenView,
    PostedMessage,
    UploadedFile,
    User,
    WorkspaceChannel,
)
from bot.workspace.rich_text import typed_block
from bot.workspace.state import State

GONE_MODES = {"hidden_by_limit", "tombstone"}


def message_json(state: State, message: PostedMessage, *, metadata: bool = False) -> Json:
    """Build a message object. https://docs.slack.dev/reference/events/message"""
    out: Json = {"type": "message", "user": message.user, "text": message.text, "ts": message.ts}
    if message.bot:
        out |= {"bot_id": state.bot_id, "app_id": state.app, "bot_profile": bot_profile_json(state)}
    elif message.user in state.users and state.users[message.user].bot:
        out |= _of_other_app(state.users[message.user])
    if message.client_id:
        out["client_msg_id"] = message.client_id
    if message.broadcast:
        out["subtype"] = "thread_broadcast"
    out["team"] = state.users[message.user].team if message.user in state.users else state.team
    if message.blocks:
        out["blocks"] = message.blocks
    elif message.client_id and message.text:
        out["blocks"] = [typed_block(message.text, message.ts)]
    if message.attachments:
        out["attachments"] = message.attachments
    if message.edited:
        out["edited"] = {"user": message.user, "ts": message.edited}
    if message.files:
        out |= {"files": [file_json(state, file) for file in message.files], "upload": True}
    if message.reactions:
        out["reactions"] = reactions_json(message)
    if metadata and message.metadata:
        out["metadata"] = message.metadata
    return out | thread_json(state, message)


def bot_profile_json(state: State) -> Json:
    """Build what every message of the app says of its bot.

    https://docs.slack.dev/tools/node-slack-sdk/reference/types/interfaces/BotProfile
    """
    sizes = (36, 48, 72)
    return {
        "id": state.bot_id,
        "deleted": False,
        "name": state.bot.name,
        "updated": 0,
        "app_id": state.app,
        "icons": {f"image_{size}": f"{state.url}/icon_{size}.png" for size in sizes},
        "team_id": state.team,
    }


def _of_other_app(app: User) -> Json:
    """Build the fields that say which app posted a message."""
    ids = {"bot_id": "B" + app.id[1:], "app_id": "A" + app.id[1:]}
    profile = {"id": ids["bot_id"], "app_id": ids["app_id"], "name": app.name, "deleted": False}
    return ids | {"bot_profile": profile | {"team_id": app.team}}


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
    """Build a file object. https://docs.slack.dev/reference/objects/file-object

    Of one that nobody sees any more, or not from here, there is hardly more than the id.
    """
    if file.mode in GONE_MODES:
        return {"id": file.id, "mode": file.mode}
    if file.denied:
        return hidden_file_json(file) | {"file_access": "access_denied"}
    place = f"{state.url}/files-pri/{state.team}-{file.id}"
    address = f"https://{state.domain}.slack.com/files/{file.user}/{file.id}/{quote(file.name)}"
    own = {}
    if isinstance(file, Canvas):
        own = canvas_json(file, state.url, state.domain, state.team)
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
        "editable": file.mode == "snippet",
        "size": file.size,
        "mode": file.mode,
        "is_external": file.mode == "external",
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
        **own,
    }


def hidden_file_json(file: UploadedFile) -> Json:
    """Build what is told of a file where people of another workspace are: files.info has the rest.

    https://docs.slack.dev/apis/slack-connect
    """
    known = {"id": file.id, "created": 0, "timestamp": 0, "user": "", "mode": "file_access"}
    return known | {"file_access": "check_file_info"}


def told_files_json(state: State, message: PostedMessage) -> list[Json]:
    """Build the files of a message as an event or an interaction tells of them."""
    if state.has_outsiders(state.channels[message.channel]):
        return [hidden_file_json(file) for file in message.files]
    return [file_json(state, file) for file in message.files]


def reactions_json(message: PostedMessage) -> list[Json]:
    """Build the list of a message's reactions."""
    return [{"name": n, "users": u, "count": len(u)} for n, u in message.reactions.items()]


def channel_json(state: State, channel: WorkspaceChannel, *, counted: bool = False) -> Json:
    """Build a conversation object, with the number of its members if they are `counted`.

    https://docs.slack.dev/reference/objects/conversation-object
    """
    out: Json = {"id": channel.id, "is_archived": channel.archived, "is_im": channel.kind == "im"}
    if channel.kind == "im":
        others = channel.members - {state.bot.id}
        return out | {"user": next(iter(others), state.bot.id), "is_user_deleted": False}
    shared, several = state.has_outsiders(channel), channel.kind == "mpim"
    names = " ".join(f"@{state.name_of(user)}" for user in sorted(channel.members))
    purpose = f"Group messaging with: {names}" if several else ""
    if counted:
        out["num_members"] = len(channel.members)
    return out | {
        "name": channel.name,
        "name_normalized": channel.name,
        "is_channel": not several,
        "is_group": several,
        "is_mpim": several,
        "is_private": channel.private,
        "is_member": state.bot.id in channel.members,
        "creator": channel.creator,
        "is_general": False,
        "is_read_only": channel.restriction == "read_only",
        "is_thread_only": channel.restriction == "thread_only",
        "is_non_threadable": channel.restriction == "non_threadable",
        "is_shared": shared,
        "is_ext_shared": shared,
        "context_team_id": state.team,
        "topic": {"value": "", "creator": "", "last_set": 0},
        "purpose": {"value": purpose, "creator": "", "last_set": 0},
    }


def user_json(state: State, user: User, *, locale: bool = False) -> Json:
    """Build a user object. https://docs.slack.dev/reference/objects/user-object"""
    profile: Json = {"display_name": user.name, "real_name": user.name.title(), "team": user.team}
    out: Json = {
        "id": user.id,
        "team_id": user.team,
        "name": user.name,
        "real_name": user.name.title(),
        "deleted": user.deactivated,
        "is_bot": user.bot,
        "is_app_user": False,
        "tz": "Etc/UTC",
        "tz_offset": 0,
        "profile": profile,
    }
    if locale:
        out["locale"] = user.locale
    out |= grid.in_user(user)
    if user.outsider:
        return out | {"is_stranger": state.is_stranger(user)}
    restricted = {"is_restricted": user.guest, "is_ultra_restricted": False}
    return out | restricted | {"is_admin": user.admin, "is_owner": False, "is_primary_owner": False}


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
        "app_installed_team_id": state.installed_in,
        "bot_id": state.bot_id,
        "hash": view.hash,
        "root_view_id": view.root,
        "previous_view_id": view.previous,
        "state": {"values": values or {}},
    }
