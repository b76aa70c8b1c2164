"""Pages of a long list, by cursor. https://docs.slack.dev/apis/web-api/pagination"""

import base64
import binascii
from collections.abc import Sequence
from typing import TypeVar

from bot.workspace.api.args import MethodArgs
from bot.workspace.errors import ApiError
from bot.workspace.objects import Json

T = TypeVar("T")


def page(items: Sequence[T], args: MethodArgs, *, default: int) -> tuple[list[T], Json]:
    """Return the items of the page that `cursor` names, and the fields that lead to the next.

    Raises ApiError for a wrong cursor or limit.
    """
    start = _position(args.text("cursor"))
    end = start + args.number("limit", default, 1000)
    following = base64.urlsafe_b64encode(f"next:{end}".encode()).decode()
    cursor = following if end < len(items) else ""
    return list(items[start:end]), {"response_metadata": {"next_cursor": cursor}}


def _position(cursor: str) -> int:
    if not cursor:
        return 0
    try:
        return int(base64.urlsafe_b64decode(cursor).decode().removeprefix("next:"))
    except (binascii.Error, ValueError):
        raise ApiError("invalid_cursor") from None
