"""Answers to a command or a click: in the ack itself, or later to a response_url.

https://docs.slack.dev/interactivity/handling-user-interaction#message_responses
"""

import time

from aiohttp import web

from bot.workspace import events
from bot.workspace.api import chat
from bot.workspace.errors import ApiError
from bot.workspace.slack_json import message_json
from bot.workspace.state import Json, PostedMessage, ResponseUrl, State

MOST_USES = 5


async def receive_response(state: State, request: web.Request) -> web.Response:
    """A POST to a response_url."""
    target = state.response_urls.get(request.path)
    if target is None or time.monotonic() > target.expires:
        return web.Response(status=404, text="expired_url")
    if target.uses >= MOST_USES:
        return web.Response(status=404, text="used_url")
    target.uses += 1
    try:
        body = await request.json()
    except ValueError:
        return web.Response(status=400, text="invalid_payload")
    return _answered(state, target, body)


def _answered(state: State, target: ResponseUrl, body: object) -> web.Response:
    if not isinstance(body, dict):
        return web.Response(status=400, text="invalid_payload")
    try:
        post_response(state, target, body)
    except ApiError as error:
        return web.Response(status=400, text=error.error)
    return web.Response(text="ok")


def post_response(state: State, target: ResponseUrl, body: Json) -> PostedMessage | None:
    """Shows an answer: to the person alone unless it says "in_channel"; None when it deleted.

    Raises ApiError for text or blocks that Slack would refuse.
    """
    original = target.message
    if original is not None and body.get("delete_original"):
        _delete(state, original)
        return None
    text, blocks = chat.checked_content(str(body.get("text") or ""), "", body.get("blocks") or [])
    if original is not None and body.get("replace_original"):
        return _replace(state, original, text, blocks)
    thread = body.get("thread_ts") or (original.thread_ts if original else None)
    message = PostedMessage(
        state.now(), target.channel, state.bot.id, text, blocks, thread, bot=True
    )
    if body.get("response_type") == "in_channel":
        chat.post(state, state.channels[target.channel], message)
        return message
    message.to = target.user
    return state.whisper(message)


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
        chat.delete_and_tell(state, state.channels[original.channel], original)
