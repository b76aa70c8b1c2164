"""Changes that send events to the app: of messages, reactions and the bot's membership.

To await a change is to wait until the app has acked its events, or was too late.
"""

from collections.abc import Awaitable, Iterator
from contextlib import contextmanager

from bot.workspace import events
from bot.workspace.objects import PostedMessage, WorkspaceChannel
from bot.workspace.slack_json import message_json
from bot.workspace.state import State


def add_message(state: State, message: PostedMessage) -> Awaitable[object]:
    """Put a message into its channel."""
    state.add_message(message)
    return state.send_events(*events.posted(state, message))


@contextmanager
def edited_message(state: State, message: PostedMessage) -> Iterator[None]:
    """Change a message or a whisper inside `with`. A changed whisper sends no event."""
    before = message_json(state, message)
    yield
    state.touch(message)
    if message.to is None:
        state.send_events(events.changed(state, message, before))


def edit_text(state: State, message: PostedMessage, text: str) -> Awaitable[object]:
    """Replace what a person typed.

    https://docs.slack.dev/reference/events/message/message_changed
    """
    before = message_json(state, message)
    message.text, message.edited = text, state.now()
    state.touch(message)
    return state.send_events(events.changed(state, message, before))


def remove_message(state: State, message: PostedMessage) -> Awaitable[object]:
    """Delete a message or a whisper. A deleted whisper sends no event."""
    before = message_json(state, message)
    message.deleted, message.streaming = True, False
    state.touch(message)
    if message.to is not None:
        return state.send_events()
    if message.thread_ts:
        state.touch(state.channels[message.channel].messages[message.thread_ts])
    return state.send_events(events.deleted(state, message, before))


def add_reaction(state: State, message: PostedMessage, user: str, name: str) -> Awaitable[object]:
    """Add a reaction of a user who has not put it there yet."""
    message.reactions.setdefault(name, []).append(user)
    state.touch(message)
    return state.send_events(events.reaction(state, True, message, user, name))


def remove_reaction(
    state: State, message: PostedMessage, user: str, name: str
) -> Awaitable[object]:
    """Remove a reaction of a user who has put it there."""
    message.reactions[name].remove(user)
    if not message.reactions[name]:
        del message.reactions[name]
    state.touch(message)
    return state.send_events(events.reaction(state, False, message, user, name))


def add_bot(
    state: State, channel: WorkspaceChannel, inviter: str | None = None
) -> Awaitable[object]:
    """Make the bot a member of a channel."""
    channel.members.add(state.bot.id)
    state.change_signal.notify()
    return state.send_events(events.bot_joined(state, channel, inviter))
