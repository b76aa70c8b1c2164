"""The block that Slack makes of what a person types.

"All messages sent by end-users will have this format", says
https://docs.slack.dev/reference/block-kit/blocks/rich-text-block
"""

import html
import re
from collections.abc import Iterator
from zlib import crc32

from bot.workspace.objects import Json

TOKEN = re.compile(
    r"<@(?P<user>[UW]\w+)>"
    r"|<#(?P<channel>C\w+)(?:\|[^>]*)?>"
    r"|<!(?P<range>channel|here|everyone)>"
    r"|<(?P<url>https?://[^|>]+)>"
)


def typed_block(text: str, ts: str) -> Json:
    """Build the block of a message, from its text as Slack writes it and its ts."""
    section = {"type": "rich_text_section", "elements": list(_elements(text))}
    # The same id each time the message is read, as Slack has it.
    return {"type": "rich_text", "block_id": f"{crc32(ts.encode()):x}"[:5], "elements": [section]}


def _elements(text: str) -> Iterator[Json]:
    end = 0
    for token in TOKEN.finditer(text):
        yield from _plain(text[end : token.start()])
        end = token.end()
        yield _element(token)
    yield from _plain(text[end:])


def _plain(text: str) -> Iterator[Json]:
    if text:
        yield {"type": "text", "text": html.unescape(text)}


def _element(token: re.Match[str]) -> Json:
    if user := token["user"]:
        return {"type": "user", "user_id": user}
    if channel := token["channel"]:
        return {"type": "channel", "channel_id": channel}
    if token["range"]:
        return {"type": "broadcast", "range": token["range"]}
    return {"type": "link", "url": html.unescape(token["url"])}
