"""What the bot may see and touch: the checks that many methods share."""

import re

from bot.workspace.api.args import MethodArgs
from bot.workspace.errors import ApiError
from bot.workspace.files import UploadedFile
from bot.workspace.state import PostedMessage, State, WorkspaceChannel

TS = re.compile(r"\d{1,12}\.\d{6}")


def visible_channel(state: State, channel_id: str) -> WorkspaceChannel:
    """A channel the bot can see: public, or it is a member."""
    channel = state.channels.get(channel_id)
    if channel is None or (channel.private and state.bot.id not in channel.members):
        raise ApiError("channel_not_found")
    return channel


def joined_channel(state: State, args: MethodArgs) -> WorkspaceChannel:
    """The channel the call names, with the bot in it."""
    channel = visible_channel(state, args.text("channel"))
    if state.bot.id not in channel.members:
        raise ApiError("not_in_channel")
    return channel


def writable_channel(state: State, args: MethodArgs) -> WorkspaceChannel:
    """A channel the bot may write in; a person's id stands for their DM with the bot."""
    target = args.text("channel")
    if target in state.users and target != state.bot.id:
        return state.dm_with_bot(target)
    channel = joined_channel(state, args)
    if channel.archived:
        raise ApiError("is_archived")
    return channel


def find_message(channel: WorkspaceChannel, ts: str) -> PostedMessage:
    message = channel.message(ts)
    if message is None:
        raise ApiError("message_not_found")
    return message


def own_message(state: State, channel: WorkspaceChannel, ts: str, error: str) -> PostedMessage:
    message = find_message(channel, ts)
    if message.user != state.bot.id:
        raise ApiError(error)
    return message


def thread_root_ts(channel: WorkspaceChannel, ts: str) -> str | None:
    """The root's ts for a `thread_ts` argument. A deleted root with replies keeps its thread."""
    if not ts:
        return None
    if not TS.fullmatch(ts):
        raise ApiError("invalid_thread_ts")
    root = channel.messages.get(ts)
    if root is None or (root.deleted and not channel.replies(ts)):
        raise ApiError("thread_not_found")
    return root.thread_ts or root.ts


def is_streaming(state: State, message: PostedMessage) -> bool:
    """Whether the stream still runs; Slack ends one by itself (python-slack-sdk #1859)."""
    if message.streaming and float(state.now()) - float(message.ts) > state.stream_seconds:
        message.streaming = False
        state.touch(message)
    return message.streaming


def visible_file(state: State, file_id: str) -> UploadedFile:
    """A file the app may read: its own, one of a form sent to it, or of a channel it is in."""
    file = state.files.get(file_id)
    if file is None or file.data is None or not _sees(state, file):
        raise ApiError("file_not_found")
    return file


def _sees(state: State, file: UploadedFile) -> bool:
    there = any(state.bot.id in state.channels[channel].members for channel in file.channels)
    return there or file.in_form or file.user == state.bot.id
