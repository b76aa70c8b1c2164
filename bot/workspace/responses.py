"""What the app answers to a command or a click, in the ack or later at a response_url.

https://docs.slack.dev/interactivity/handling-user-interaction#message_responses
"""

import time

from aiohttp import web

from bot.workspace import changes
from bot.workspace.api.chat import checked_content
from bot.workspace.errors import ApiError
from bot.workspace.objects import Json, PostedMessage, ResponseUrl, json_object
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
    body = json_object(await request.read())
    if body is None:
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
        changes.remove_message(state, original)
        return None
    text, blocks = checked_content(str(body.get("text") or ""), "", body.get("blocks") or [])
    if original is not None and body.get("replace_original"):
        with changes.edited_message(state, original):
            original.text, original.blocks, original.markdown = text, blocks, False
        return original
    to_all = body.get("response_type") == "in_channel"
    # What one person alone is answered stands in the channel, wherever they clicked.
    thread = body.get("thread_ts") if to_all else None
    message = state.new_bot_message(target.channel, text, blocks, thread)
    if to_all:
        changes.add_message(state, message)
        return message
    message.to = target.user
    state.whisper(message)
    return message
