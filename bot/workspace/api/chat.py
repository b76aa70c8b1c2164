"""chat.*: messages of the app. Streams have a module of their own."""

from bot.workspace import changes
from bot.workspace.api.access import (
    addressed_channel,
    find_message,
    is_streaming,
    own_message,
    refuse_restricted,
    thread_root_ts,
    visible_channel,
    writable_channel,
)
from bot.workspace.api.methods import MethodArgs, api_method
from bot.workspace.blocks import MAX_MARKDOWN, accept_message_blocks
from bot.workspace.errors import ApiError
from bot.workspace.objects import Json, PostedMessage, WorkspaceChannel
from bot.workspace.rate_limits import TIER_3, TIER_4, RateLimit
from bot.workspace.slack_json import message_json
from bot.workspace.state import State

MAX_POST_TEXT = 40_000
MAX_UPDATE_TEXT = 4_000


# One a second, with "short bursts" allowed.
@api_method("chat.postMessage", "chat:write", limit=RateLimit(3, 3.0, per_channel=True))
def post_message(state: State, args: MethodArgs) -> Json:
    channel = addressed_channel(state, args)
    if channel.kind == "im" and not state.features.messages:
        raise ApiError("messages_tab_disabled")
    message, warnings = _composed(state, channel, args)
    refuse_restricted(channel, message.thread_ts)
    message.metadata = args.metadata()
    changes.add_message(state, message)
    out = {"channel": channel.id, "ts": message.ts, "message": message_json(state, message)}
    return out | warnings


@api_method("chat.postEphemeral", "chat:write", limit=TIER_4)
def post_ephemeral(state: State, args: MethodArgs) -> Json:
    """Show a message to one person; below a message without replies it is taken, and not shown.

    https://docs.slack.dev/reference/methods/chat.postEphemeral
    """
    channel = writable_channel(state, args)
    if args.need("user") not in channel.members:
        raise ApiError("user_not_in_channel")
    message, warnings = _composed(state, channel, args)
    message.to = args.text("user")
    if message.thread_ts is None or channel.replies(message.thread_ts):
        state.whisper(message)
    return {"message_ts": message.ts} | warnings


@api_method("chat.update", "chat:write", limit=TIER_3)
def update(state: State, args: MethodArgs) -> Json:
    """Replace text and blocks; text without blocks removes the old blocks.

    What has blocks now is not marked as edited.
    """
    channel = writable_channel(state, args, archived="is_inactive")
    message = own_message(state, channel, args.need("ts"), "cant_update_message")
    if is_streaming(state, message):
        raise ApiError("streaming_state_conflict")
    if len(args.text("text")) > MAX_UPDATE_TEXT:
        raise ApiError("msg_too_long")
    fresh, _ = _composed(state, channel, args)
    with changes.edited_message(state, message):
        message.text, message.blocks, message.markdown = fresh.text, fresh.blocks, fresh.markdown
        if args.has("metadata"):
            message.metadata = args.metadata()
        message.edited = None if message.blocks else state.now()
    text = {"channel": channel.id, "ts": message.ts, "text": message.text}
    return text | {"message": message_json(state, message)}


@api_method("chat.delete", "chat:write", limit=TIER_3)
def delete(state: State, args: MethodArgs) -> Json:
    channel = writable_channel(state, args)
    message = own_message(state, channel, args.need("ts"), "cant_delete_message")
    changes.remove_message(state, message)
    return {"channel": channel.id, "ts": message.ts}


@api_method("chat.getPermalink")
def get_permalink(state: State, args: MethodArgs) -> Json:
    channel = visible_channel(state, args.text("channel"))
    message = find_message(channel, args.need("message_ts"))
    link = f"https://{state.domain}.slack.com/archives/{channel.id}/p{message.ts.replace('.', '')}"
    if message.thread_ts:
        link += f"?thread_ts={message.thread_ts}&cid={channel.id}"
    return {"channel": channel.id, "permalink": link}


def checked_content(text: str, markdown: str, blocks: list[Json]) -> tuple[str, list[Json]]:
    """Return text and blocks as Slack keeps them. Raises ApiError if it would refuse them."""
    if markdown and (text or blocks):
        raise ApiError("markdown_text_conflict")
    if len(markdown) > MAX_MARKDOWN:
        raise ApiError("msg_too_long")
    if not (text.strip() or markdown.strip() or blocks):
        raise ApiError("no_text")
    return (markdown or text)[:MAX_POST_TEXT], accept_message_blocks(blocks)


def _composed(
    state: State, channel: WorkspaceChannel, args: MethodArgs
) -> tuple[PostedMessage, Json]:
    """Return the message that the call asks for, in no channel yet, and a warning if it was cut."""
    blocks = args.list_of(dict, "blocks", "invalid_blocks_format")
    text, markdown = args.text("text"), args.text("markdown_text")
    kept, accepted = checked_content(text, markdown, blocks)
    thread = thread_root_ts(channel, args.text("thread_ts"))
    message = state.new_bot_message(channel.id, kept, accepted, thread)
    message.markdown = bool(markdown)
    if len(text) <= MAX_POST_TEXT:
        return message, {}
    said = (
        "[WARN] Your message was truncated but still posted. The `text` field accepts up to "
        f"{MAX_POST_TEXT:,} characters."
    )
    metadata = {"warnings": ["message_truncated"], "messages": [said]}
    return message, {"warning": "message_truncated", "response_metadata": metadata}
