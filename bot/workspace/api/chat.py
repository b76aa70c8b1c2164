"""chat.*: messages of the app, but for streams."""

from bot.workspace import events
from bot.workspace.api.access import (
    is_streaming,
    message_at,
    own_message,
    seen,
    thread_of,
    writable,
)
from bot.workspace.api.args import Args
from bot.workspace.blocks import MARKDOWN_CHARACTERS, accept_message_blocks
from bot.workspace.errors import SlackError
from bot.workspace.slack_json import message_json
from bot.workspace.state import Acks, Channel, Json, Message, State

POST_CHARACTERS = 40_000
UPDATE_CHARACTERS = 4_000


def post_message(state: State, args: Args) -> Json:
    """https://docs.slack.dev/reference/methods/chat.postMessage"""
    channel = writable(state, args)
    message, warnings = _composed(state, channel, args)
    message.metadata = args.object("metadata", "invalid_metadata_format")
    add(state, channel, message)
    out = {"channel": channel.id, "ts": message.ts, "message": message_json(state, message)}
    return out | warnings


def post_ephemeral(state: State, args: Args) -> Json:
    """https://docs.slack.dev/reference/methods/chat.postEphemeral"""
    channel = writable(state, args)
    if args.need("user") not in channel.members:
        raise SlackError("user_not_in_channel")
    message, warnings = _composed(state, channel, args)
    message.to = args.text("user")
    state.whisper(message)
    return {"message_ts": message.ts} | warnings


def update(state: State, args: Args) -> Json:
    """https://docs.slack.dev/reference/methods/chat.update

    Text without blocks takes the old blocks away.
    """
    channel = writable(state, args)
    message = own_message(state, channel, args.need("ts"), "cant_update_message")
    if is_streaming(state, message):
        raise SlackError("streaming_state_conflict")
    if len(args.text("text")) > UPDATE_CHARACTERS:
        raise SlackError("msg_too_long")
    fresh, _ = _composed(state, channel, args)
    before = message_json(state, message)
    message.text, message.blocks, message.markdown = fresh.text, fresh.blocks, fresh.markdown
    if args.has("metadata"):
        message.metadata = args.object("metadata", "invalid_metadata_format")
    message.edited = state.now()
    state.touch(message)
    state.tell(events.changed(state, channel, message, before))
    text = {"channel": channel.id, "ts": message.ts, "text": message.text}
    return text | {"message": message_json(state, message)}


def delete(state: State, args: Args) -> Json:
    """https://docs.slack.dev/reference/methods/chat.delete"""
    channel = writable(state, args)
    message = own_message(state, channel, args.need("ts"), "cant_delete_message")
    remove(state, channel, message)
    return {"channel": channel.id, "ts": message.ts}


def get_permalink(state: State, args: Args) -> Json:
    """https://docs.slack.dev/reference/methods/chat.getPermalink"""
    channel = seen(state, args.text("channel"))
    message = message_at(channel, args.need("message_ts"))
    link = f"https://{state.domain}.slack.com/archives/{channel.id}/p{message.ts.replace('.', '')}"
    if message.thread_ts:
        link += f"?thread_ts={message.thread_ts}&cid={channel.id}"
    return {"channel": channel.id, "permalink": link}


def add(state: State, channel: Channel, message: Message) -> Acks:
    """Puts a message into its channel and tells of it."""
    state.add_message(message)
    return state.tell(*events.posted(state, channel, message))


def remove(state: State, channel: Channel, message: Message) -> Acks:
    before = message_json(state, message)
    state.remove(message)
    return state.tell(events.deleted(state, channel, before))


def content(text: str, markdown: str, blocks: list[Json]) -> tuple[str, list[Json]]:
    """Text and blocks as they are kept, or the error Slack has for them."""
    if markdown and (text or blocks):
        raise SlackError("markdown_text_conflict")
    if len(markdown) > MARKDOWN_CHARACTERS:
        raise SlackError("msg_too_long")
    if not (text.strip() or markdown.strip() or blocks):
        raise SlackError("no_text")
    return (markdown or text)[:POST_CHARACTERS], accept_message_blocks(blocks)


def _composed(state: State, channel: Channel, args: Args) -> tuple[Message, Json]:
    """The message the call asks for, not yet in the channel, and a warning when it was cut."""
    blocks = args.array("blocks", "invalid_blocks_format")
    text, markdown = args.text("text"), args.text("markdown_text")
    kept, accepted = content(text, markdown, blocks)
    thread = thread_of(channel, args.text("thread_ts"))
    message = Message(state.now(), channel.id, state.bot.id, kept, accepted, thread)
    message.markdown, message.bot = bool(markdown), True
    return message, _cut_warning() if len(text) > POST_CHARACTERS else {}


def _cut_warning() -> Json:
    said = "[WARN] Your message was truncated but still posted. The `text` field accepts up to "
    metadata = {
        "warnings": ["message_truncated"],
        "messages": [f"{said}{POST_CHARACTERS:,} characters."],
    }
    return {"warning": "message_truncated", "response_metadata": metadata}
