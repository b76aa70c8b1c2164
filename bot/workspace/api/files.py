"""files.*: what the app learns of a file, and its own uploads."""

import secrets

from bot.workspace import changes
from bot.workspace.api.access import joined_channel, thread_root_ts, visible_file
from bot.workspace.api.methods import MethodArgs, api_method
from bot.workspace.blocks import accept_message_blocks
from bot.workspace.errors import ApiError, error_at, invalid, missing_argument
from bot.workspace.objects import Json, PostedMessage, UploadedFile
from bot.workspace.rate_limits import TIER_4
from bot.workspace.slack_json import file_json
from bot.workspace.state import State

MAX_FILE_BYTES = 1_000_000_000


@api_method("files.info", "files:read", limit=TIER_4)
def info(state: State, args: MethodArgs) -> Json:
    file = visible_file(state, args.need("file"))
    kinds = {"channels": {"channel"}, "groups": {"group", "mpim"}, "ims": {"im"}}
    shared = {
        field: [c for c in sorted(file.channels) if state.channels[c].kind in asked]
        for field, asked in kinds.items()
    }
    paging = {"comments": [], "response_metadata": {"next_cursor": ""}}
    return {"file": file_json(state, file) | shared} | paging


@api_method("files.getUploadURLExternal", "files:write", limit=TIER_4)
def upload_url(state: State, args: MethodArgs) -> Json:
    name, length = args.need("filename"), args.need("length")
    if not length.isascii() or not length.isdigit():
        raise invalid("invalid_arguments", error_at("must be an integer", "/length"))
    if int(length) == 0:
        raise ApiError("missing_argument")
    if int(length) > MAX_FILE_BYTES:
        raise ApiError("file_upload_size_restricted")
    file = state.add_file(state.bot.id, name)
    file.size = int(length)
    path = f"/upload/v1/{secrets.token_urlsafe(24)}"
    state.uploads[path] = file
    return {"upload_url": state.url + path, "file_id": file.id}


@api_method("files.completeUploadExternal", "files:write", limit=TIER_4)
def complete_upload(state: State, args: MethodArgs) -> Json:
    """Share the files; without `channel_id` only the app sees them."""
    named = args.list_of(dict, "files", "invalid_arguments")
    if not named:
        raise missing_argument("files")
    files = [_uploaded(state, str(entry.get("id", ""))) for entry in named]
    message = _shared(state, args, files) if args.text("channel_id") else None
    for file, entry in zip(files, named, strict=True):
        file.title = str(entry.get("title") or file.title)
    if message is not None:
        changes.add_message(state, message)
    return {"files": [file_json(state, file) for file in files]}


def _uploaded(state: State, file_id: str) -> UploadedFile:
    file = state.files.get(file_id)
    if file is None or file.user != state.bot.id or file.data is None:
        raise ApiError("file_not_found")
    return file


def _shared(state: State, args: MethodArgs, files: list[UploadedFile]) -> PostedMessage:
    """Return the message that shows the files, in no channel yet."""
    channel = joined_channel(state, args.text("channel_id"))
    if channel.archived:
        raise ApiError("is_archived")
    if channel.restriction == "read_only":
        raise ApiError("posting_to_channel_denied")
    thread, text = thread_root_ts(channel, args.text("thread_ts")), args.text("initial_comment")
    blocks = (
        [] if text else accept_message_blocks(args.list_of(dict, "blocks", "invalid_blocks_format"))
    )
    message = state.new_bot_message(channel.id, text, blocks, thread)
    message.files = files
    return message
