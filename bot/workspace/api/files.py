"""files.*: what a person uploaded, told and given; and uploads of the app."""

import secrets

from bot.workspace.api import chat
from bot.workspace.api.access import joined_channel, thread_root_ts, visible_file
from bot.workspace.api.args import MethodArgs
from bot.workspace.blocks import accept_message_blocks
from bot.workspace.errors import ApiError, invalid
from bot.workspace.files import UploadedFile
from bot.workspace.slack_json import file_json
from bot.workspace.state import Json, PostedMessage, State, WorkspaceChannel

MOST_BYTES = 1_000_000_000


def info(state: State, args: MethodArgs) -> Json:
    """https://docs.slack.dev/reference/methods/files.info"""
    file = visible_file(state, args.need("file"))
    kinds = {"channels": "channel", "groups": "group", "ims": "im"}
    shared = {
        field: [c for c in sorted(file.channels) if state.channels[c].kind == kind]
        for field, kind in kinds.items()
    }
    paging = {"comments": [], "response_metadata": {"next_cursor": ""}}
    return {"file": file_json(state, file) | shared} | paging


def upload_url(state: State, args: MethodArgs) -> Json:
    """https://docs.slack.dev/reference/methods/files.getUploadURLExternal"""
    name, length = args.need("filename"), args.need("length")
    if not length.isascii() or not length.isdigit():
        raise invalid("invalid_arguments", ["[ERROR] must be an integer [json-pointer:/length]"])
    if int(length) == 0:
        raise ApiError("missing_argument")
    if int(length) > MOST_BYTES:
        raise ApiError("file_upload_size_restricted")
    file = state.add_file(state.bot.id, name)
    file.size = int(length)
    path = f"/upload/v1/{secrets.token_urlsafe(24)}"
    state.uploads[path] = file
    return {"upload_url": state.url + path, "file_id": file.id}


def complete_upload(state: State, args: MethodArgs) -> Json:
    """https://docs.slack.dev/reference/methods/files.completeUploadExternal

    Without `channel_id` the files stay the app's own.
    """
    named = args.array("files", "invalid_arguments")
    if not named:
        raise invalid("invalid_arguments", ["[ERROR] missing required field: files"])
    files = [_uploaded(state, str(entry.get("id", ""))) for entry in named]
    message = _shared(state, args, files) if args.text("channel_id") else None
    for file, entry in zip(files, named, strict=True):
        file.title = str(entry.get("title") or file.title)
    if message is not None:
        chat.post(state, state.channels[message.channel], message)
    return {"files": [file_json(state, file) for file in files]}


def _uploaded(state: State, file_id: str) -> UploadedFile:
    file = state.files.get(file_id)
    if file is None or file.user != state.bot.id or file.data is None:
        raise ApiError("file_not_found")
    return file


def _shared(state: State, args: MethodArgs, files: list[UploadedFile]) -> PostedMessage:
    """The message that shows the files, not yet in its channel."""
    channel = _target(state, args)
    thread, text = thread_root_ts(channel, args.text("thread_ts")), args.text("initial_comment")
    blocks = [] if text else accept_message_blocks(args.array("blocks", "invalid_blocks_format"))
    message = PostedMessage(state.now(), channel.id, state.bot.id, text, blocks, thread, bot=True)
    message.files = files
    return message


def _target(state: State, args: MethodArgs) -> WorkspaceChannel:
    channel = joined_channel(state, MethodArgs({"channel": args.text("channel_id")}))
    if channel.archived:
        raise ApiError("is_archived")
    return channel
