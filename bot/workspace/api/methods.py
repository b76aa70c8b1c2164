"""What every method of the Web API has: arguments, and an entry in the table."""

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from bot.workspace.errors import ApiError, missing_argument
from bot.workspace.objects import Json
from bot.workspace.rate_limits import RateLimit
from bot.workspace.state import State

T = TypeVar("T")

FALSE = {"", "0", "false", "False"}


class MethodArgs:
    """Named arguments; an absent one and a null are the same.

    Methods that read one raise ApiError if it has the wrong form.
    """

    def __init__(self, values: Json) -> None:
        self.values = {name: value for name, value in values.items() if value is not None}

    def text(self, name: str) -> str:
        """Return the argument as text, "" if it is absent."""
        return str(self.values.get(name, ""))

    def need(self, name: str) -> str:
        """Return the argument as text. Raises ApiError if it is absent or empty."""
        if not self.text(name):
            raise missing_argument(name)
        return self.text(name)

    def has(self, name: str) -> bool:
        return name in self.values

    def flag(self, name: str, default: bool = False) -> bool:
        return str(self.values[name]) not in FALSE if name in self.values else default

    def number(self, name: str, default: int, limit: int) -> int:
        """Return the argument as a number from 1 to `limit`."""
        try:
            number = int(self.values.get(name, default))
        except (TypeError, ValueError):
            raise ApiError("invalid_limit") from None
        return max(1, min(number, limit))

    def time(self, name: str, default: float) -> float:
        """Return a ts, or another Unix timestamp, as a number."""
        try:
            return float(self.values.get(name) or default)
        except (TypeError, ValueError):
            raise ApiError(f"invalid_ts_{name}") from None

    def metadata(self) -> Json | None:
        """Return a message's metadata, {} to take them away; None if there are none.

        https://docs.slack.dev/messaging/message-metadata
        """
        value = self.object("metadata", "invalid_metadata_format")
        if not value:
            return value
        kind, payload = value.get("event_type"), value.get("event_payload", "missing")
        # Bolt's own assistant sends null where it knows of no context.
        if not (isinstance(kind, str) and kind and isinstance(payload, dict | None)):
            raise ApiError("invalid_metadata_schema")
        return value

    def object(self, name: str, error: str) -> Json | None:
        """Return an object, given as it is or as JSON text; None if it is absent."""
        value = self._parsed(name, error)
        if value is not None and not isinstance(value, dict):
            raise ApiError(error)
        return value

    def page(self, items: Sequence[T], *, default: int) -> tuple[list[T], Json]:
        """Return the items of the page that `cursor` names, and the fields that lead to the next.

        https://docs.slack.dev/apis/web-api/pagination
        """
        asked = self.text("cursor") or base64.urlsafe_b64encode(b"next:0")
        try:
            start = int(base64.urlsafe_b64decode(asked).decode().removeprefix("next:"))
        except ValueError:
            raise ApiError("invalid_cursor") from None
        end = start + self.number("limit", default, 1000)
        following = base64.urlsafe_b64encode(f"next:{end}".encode()).decode()
        cursor = following if end < len(items) else ""
        return list(items[start:end]), {"response_metadata": {"next_cursor": cursor}}

    def list_of(self, kind: type[T], name: str, error: str) -> list[T]:
        """Return a list, given as it is or as JSON text; [] if it is absent."""
        value = self._parsed(name, error)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(item, kind) for item in value):
            raise ApiError(error)
        return value

    def _parsed(self, name: str, error: str) -> Any:
        value = self.values.get(name)
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except ValueError:
            raise ApiError(error) from None


MethodHandler = Callable[[State, MethodArgs], Json]


@dataclass(frozen=True, slots=True)
class ApiMethod:
    """What answers a method, the scopes of which the token needs one, and the rate limit."""

    handler: MethodHandler
    scopes: tuple[str, ...]
    limit: RateLimit | None
    app_token: bool


METHODS: dict[str, ApiMethod] = {}


def api_method(
    name: str, *scopes: str, limit: RateLimit | None = None, app_token: bool = False
) -> Callable[[MethodHandler], MethodHandler]:
    """Make a function answer a method. Its page is https://docs.slack.dev/reference/methods/NAME"""

    def add(handler: MethodHandler) -> MethodHandler:
        METHODS[name] = ApiMethod(handler, scopes, limit, app_token)
        return handler

    return add


def answer(state: State, name: str, args: MethodArgs) -> Json:
    """Return the answer to a call. Raises ApiError if Slack would refuse it."""
    method = METHODS[name]
    if method.scopes and not state.scopes.intersection(method.scopes):
        provided = ",".join(sorted(state.scopes))
        raise ApiError("missing_scope", needed=",".join(method.scopes), provided=provided)
    return {"ok": True} | method.handler(state, args)
