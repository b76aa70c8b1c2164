"""Checks that many methods share: what the bot may see, write in and change."""

import re

from bot.workspace.api.methods import MethodArgs
from bot.workspace.errors import ApiError
from bot.workspace.objects import PostedMessage, UploadedFile, WorkspaceChannel
from bot.workspace.state import State

TS = re.compile(r"\d{1,12}\.\d{6}")


def visible_channel(state: State, channel_id: str) -> WorkspaceChannel:
    """Return a channel that the bot sees. Raises ApiError if it does not."""
    channel = state.channels.get(channel_id)
    if channel is None or not channel.visible_to(state.bot.id):
        raise ApiError("channel_not_found")
    return channel


def joined_channel(state: State, channel_id: str) -> WorkspaceChannel:
    """Return a channel that the bot is in. Raises ApiError if it is not."""
    channel = visible_channel(state, channel_id)
    if state.bot.id not in channel.members:
        raise ApiError("not_in_channel")
    return channel


def writable_channel(
    state: State, args: MethodArgs, *, archived: str = "is_archived"
) -> WorkspaceChannel:
    """Return a channel to write in.

    Raises ApiError if the bot is not in the channel, or (`archived`) it is archived.
    """
    channel = joined_channel(state, args.text("channel"))
    if channel.archived:
        raise ApiError(archived)
    return channel


def addressed_channel(state: State, args: MethodArgs) -> WorkspaceChannel:
    """Return a channel to post in; a person's id stands for their DM with the bot.

    Only chat.postMessage takes the id of a person. Raises ApiError as `writable_channel` does.
    """
    target = args.text("channel")
    if target in state.users and target != state.bot.id:
        return state.dm_with_bot(target)
    return writable_channel(state, args)


def refuse_restricted(channel: WorkspaceChannel, thread: str | None) -> None:
    """Raise ApiError if the channel's settings let the app post no reply, or nothing but replies.

    https://docs.slack.dev/reference/methods/chat.postMessage#errors
    """
    refused = {"read_only": True, "thread_only": not thread, "non_threadable": bool(thread)}
    if channel.restriction and refused[channel.restriction]:
        raise ApiError(f"restricted_action_{channel.restriction}_channel")


def find_message(channel: WorkspaceChannel, ts: str) -> PostedMessage:
    """Return the message at `ts`. Raises ApiError if there is none."""
    message = channel.message(ts)
    if message is None:
        raise ApiError("message_not_found")
    return message


def own_message(state: State, channel: WorkspaceChannel, ts: str, error: str) -> PostedMessage:
    """Return the bot's own message at `ts`. Raises ApiError(error) for somebody else's."""
    message = find_message(channel, ts)
    if message.user != state.bot.id:
        raise ApiError(error)
    return message


def thread_root_ts(channel: WorkspaceChannel, ts: str) -> str | None:
    """Return the root's ts for a `thread_ts` argument; a deleted root with replies counts.

    Raises ApiError if there is no such thread.
    """
    if not ts:
        return None
    if not TS.fullmatch(ts):
        raise ApiError("invalid_thread_ts")
    root = channel.messages.get(ts)
    if root is None or (root.deleted and not channel.replies(ts)):
        raise ApiError("thread_not_found")
    return root.thread_ts or root.ts


def is_streaming(state: State, message: PostedMessage) -> bool:
    """Say whether the stream still runs; Slack ends an old one by itself.

    https://github.com/slackapi/python-slack-sdk/issues/1859
    """
    if message.streaming and float(state.now()) - float(message.ts) > state.stream_seconds:
        message.streaming = False
        state.touch(message)
    return message.streaming


def visible_file(state: State, file_id: str) -> UploadedFile:
    """Return a file that the app may read: its own, of a form sent to it, or of its channels.

    Raises ApiError if it may not, or the upload has not arrived.
    """
    file, bot = state.files.get(file_id), state.bot.id
    if file is not None and file.mode == "tombstone":
        raise ApiError("file_deleted")
    if file is not None and file.data is not None:
        shared = any(bot in state.channels[channel].members for channel in file.channels)
        if shared or file.in_form or file.user == bot:
            return file
    raise ApiError("file_not_found")
