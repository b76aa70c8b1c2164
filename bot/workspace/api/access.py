"""What the bot may see and touch: the checks that many methods share."""

import re

from bot.workspace.api.args import Args
from bot.workspace.errors import SlackError
from bot.workspace.files import File
from bot.workspace.state import Channel, Message, State

TS = re.compile(r"\d{1,12}\.\d{6}")


def seen(state: State, channel_id: str) -> Channel:
    """A channel the bot can see: public, or it is a member."""
    channel = state.channels.get(channel_id)
    if channel is None or (channel.private and state.bot.id not in channel.members):
        raise SlackError("channel_not_found")
    return channel


def entered(state: State, args: Args) -> Channel:
    """The channel the call names, with the bot in it."""
    channel = seen(state, args.text("channel"))
    if state.bot.id not in channel.members:
        raise SlackError("not_in_channel")
    return channel


def writable(state: State, args: Args) -> Channel:
    """A channel the bot may write in; a person's id stands for their DM with the bot."""
    target = args.text("channel")
    if target in state.people and target != state.bot.id:
        return state.dm_with_bot(target)
    channel = entered(state, args)
    if channel.archived:
        raise SlackError("is_archived")
    return channel


def message_at(channel: Channel, ts: str) -> Message:
    message = channel.message(ts)
    if message is None:
        raise SlackError("message_not_found")
    return message


def own_message(state: State, channel: Channel, ts: str, error: str) -> Message:
    message = message_at(channel, ts)
    if message.user != state.bot.id:
        raise SlackError(error)
    return message


def thread_of(channel: Channel, ts: str) -> str | None:
    """The root's ts for a `thread_ts` argument. A deleted root with replies keeps its thread."""
    if not ts:
        return None
    if not TS.fullmatch(ts):
        raise SlackError("invalid_thread_ts")
    root = channel.messages.get(ts)
    if root is None or (root.deleted and not channel.replies(ts)):
        raise SlackError("thread_not_found")
    return root.thread_ts or root.ts


def is_streaming(state: State, message: Message) -> bool:
    """Whether the stream still runs; Slack ends one by itself (python-slack-sdk #1859)."""
    if message.streaming and float(state.now()) - float(message.ts) > state.stream_seconds:
        message.streaming = False
        state.touch(message)
    return message.streaming


def visible_file(state: State, file_id: str) -> File:
    """A file the app may read: its own, one of a form sent to it, or of a channel it is in."""
    file = state.files.get(file_id)
    if file is None or file.data is None or not _sees(state, file):
        raise SlackError("file_not_found")
    return file


def _sees(state: State, file: File) -> bool:
    there = any(state.bot.id in state.channels[channel].members for channel in file.channels)
    return there or file.in_form or file.user == state.bot.id
