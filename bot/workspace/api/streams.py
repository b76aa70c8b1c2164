"""chat.startStream, appendStream, stopStream: a message that grows while people read it.

An agent's stream in a thread sets its session to processing as it starts, and to active as it
stops, unless the call that stops it names another status: https://docs.slack.dev/ai/agent-sessions
"""

from bot.workspace import changes
from bot.workspace.api import agents
from bot.workspace.api.access import (
    is_streaming,
    own_message,
    refuse_restricted,
    thread_root_ts,
    writable_channel,
)
from bot.workspace.api.methods import MethodArgs, api_method
from bot.workspace.blocks import MAX_MARKDOWN, accept_message_blocks
from bot.workspace.errors import ApiError
from bot.workspace.objects import Json, PostedMessage, SessionStatus, WorkspaceChannel
from bot.workspace.rate_limits import TIER_2, TIER_4
from bot.workspace.slack_json import message_json
from bot.workspace.state import State


@api_method("chat.startStream", "chat:write", limit=TIER_2)
def start(state: State, args: MethodArgs) -> Json:
    channel = writable_channel(state, args)
    # Outside DMs a stream may be a message of its own.
    asked = args.need("thread_ts") if channel.kind == "im" else args.text("thread_ts")
    thread = thread_root_ts(channel, asked)
    refuse_restricted(channel, thread)
    if channel.kind != "im":
        if not args.text("recipient_team_id"):
            raise ApiError("missing_recipient_team_id")
        if not args.text("recipient_user_id"):
            raise ApiError("missing_recipient_user_id")
        if args.text("recipient_user_id") not in state.users:
            raise ApiError("user_not_found")
    message = state.new_bot_message(channel.id, _appended(args), thread_ts=thread)
    message.markdown = message.streaming = True
    changes.add_message(state, message)
    _put_status(state, message, "processing")
    return {"channel": channel.id, "ts": message.ts}


@api_method("chat.appendStream", "chat:write", limit=TIER_4)
def append(state: State, args: MethodArgs) -> Json:
    channel, message = _running(state, args)
    text = _appended(args)
    if not text and not args.has("chunks"):
        raise ApiError("no_text")
    message.text += text
    state.touch(message)
    return {"channel": channel.id, "ts": message.ts}


@api_method("chat.stopStream", "chat:write", limit=TIER_2)
def stop(state: State, args: MethodArgs) -> Json:
    channel, message = _running(state, args)
    text = _appended(args)
    asks = args.has("session_status")
    session = agents.asked_status(state, args, "session_status") if asks else "active"
    blocks = accept_message_blocks(args.list_of(dict, "blocks", "invalid_blocks_format"))
    with changes.edited_message(state, message):
        message.text += text
        message.blocks, message.streaming = blocks, False
        message.metadata = args.metadata() or message.metadata
    _put_status(state, message, session)
    return {"channel": channel.id, "ts": message.ts, "message": message_json(state, message)}


def _put_status(state: State, message: PostedMessage, status: SessionStatus) -> None:
    if state.features.agent and message.thread_ts:
        agents.put_status(state, (message.channel, message.thread_ts), status)


def _running(state: State, args: MethodArgs) -> tuple[WorkspaceChannel, PostedMessage]:
    channel = writable_channel(state, args)
    message = own_message(state, channel, args.need("ts"), "message_not_owned_by_app")
    if not is_streaming(state, message):
        raise ApiError("message_not_in_streaming_state")
    return channel, message


def _appended(args: MethodArgs) -> str:
    """Return the text that the call brings, in `markdown_text` or in chunks of that type."""
    chunks = args.list_of(dict, "chunks", "invalid_chunks")
    if args.text("markdown_text") and chunks:
        raise ApiError("markdown_text_conflict")
    known = {"markdown_text", "task_update", "plan_update", "blocks"}
    if any(chunk.get("type") not in known for chunk in chunks):
        raise ApiError("invalid_chunks")
    texts = [str(c.get("text", "")) for c in chunks if c["type"] == "markdown_text"]
    text = args.text("markdown_text") + "".join(texts)
    if len(text) > MAX_MARKDOWN:
        raise ApiError("msg_too_long")
    return text
