"""Arguments of a call: JSON, a form or a query, read the same way."""

import json
from typing import Any

from bot.workspace.errors import ApiError, invalid
from bot.workspace.state import Json

FALSE = {"", "0", "false", "False"}


class MethodArgs:
    """Named arguments; what is absent and what is null are the same. Raises ApiError."""

    def __init__(self, values: Json) -> None:
        self.values = {name: value for name, value in values.items() if value is not None}

    def text(self, name: str) -> str:
        """The argument as text, "" when absent."""
        return str(self.values.get(name, ""))

    def need(self, name: str) -> str:
        if not self.text(name):
            missing = f"[ERROR] missing required field: {name}"
            raise invalid("invalid_arguments", [missing])
        return self.text(name)

    def has(self, name: str) -> bool:
        return name in self.values

    def flag(self, name: str, default: bool = False) -> bool:
        return str(self.values[name]) not in FALSE if name in self.values else default

    def number(self, name: str, default: int, most: int) -> int:
        try:
            number = int(self.values.get(name, default))
        except (TypeError, ValueError):
            raise ApiError("invalid_limit") from None
        return max(1, min(number, most))

    def array(self, name: str, error: str) -> list[Json]:
        """A list of objects, or the JSON text of one; [] when absent."""
        value = self._parsed(name, error)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise ApiError(error)
        return value

    def strings(self, name: str, error: str) -> list[str]:
        """A list of strings, or the JSON text of one; [] when absent."""
        value = self._parsed(name, error)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise ApiError(error)
        return value

    def object(self, name: str, error: str) -> Json | None:
        value = self._parsed(name, error)
        if value is not None and not isinstance(value, dict):
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
