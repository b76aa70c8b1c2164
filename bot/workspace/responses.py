"""What the app answers to a command or a click, in the ack or later at a response_url.

https://docs.slack.dev/interactivity/handling-user-interaction#message_responses
"""

import time

from aiohttp import web

from bot.workspace import events
from bot.workspace.api import chat
from bot.workspace.errors import ApiError
from bot.workspace.objects import Json, PostedMessage, ResponseUrl
from bot.workspace.slack_json import message_json
from bot.workspace.state import State

MAX_USES = 5


async def receive_response(state: State, request: web.Request) -> web.Response:
    """Answer a POST to a response_url."""
    target = state.response_urls.get(request.path)
    if target is None or time.monotonic() > target.expires:
        return web.Response(status=404, text="expired_url")
    if target.uses >= MAX_USES:
        return web.Response(status=404, text="used_url")
    target.uses += 1
    try:
        body = await request.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        return web.Response(status=400, text="invalid_payload")
    try:
        post_response(state, target, body)
    except ApiError as error:
        return web.Response(status=400, text=error.error)
    return web.Response(text="ok")


def post_response(state: State, target: ResponseUrl, body: Json) -> PostedMessage | None:
    """Show an answer, to the person alone unless it says "in_channel", and return its message.

    Returns None if the answer deleted a message. Raises ApiError for text or blocks that Slack
    would refuse.
    """
    original = target.message
    if original is not None and body.get("delete_original"):
        _delete(state, original)
        return None
    text, blocks = chat.checked_content(str(body.get("text") or ""), "", body.get("blocks") or [])
    if original is not None and body.get("replace_original"):
        return _replace(state, original, text, blocks)
    thread = body.get("thread_ts") or (original.thread_ts if original else None)
    message = state.new_bot_message(target.channel, text, blocks, thread)
    if body.get("response_type") == "in_channel":
        chat.add_message(state, state.channels[target.channel], message)
        return message
    message.to = target.user
    state.whisper(message)
    return message


def _replace(state: State, original: PostedMessage, text: str, blocks: list[Json]) -> PostedMessage:
    before = message_json(state, original)
    original.text, original.blocks, original.markdown = text, blocks, False
    state.touch(original)
    if original.to is None:
        channel = state.channels[original.channel]
        state.send_events(events.changed(state, channel, original, before))
    return original


def _delete(state: State, original: PostedMessage) -> None:
    if original.to is not None:
        state.delete_message(original)
    else:
        chat.remove_message(state, state.channels[original.channel], original)
