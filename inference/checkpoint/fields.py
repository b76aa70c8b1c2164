"""Named values of a header or a configuration, with one sentence for each that is not as needed.

Serves GGUF metadata, config.json, adapter_config.json and the arguments of a Megatron run.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from inference.errors import ModelError


@dataclass(frozen=True, slots=True)
class Fields:
    """Values by name, and the file that has them. prefix: put before all names that are asked for.
    A value of None counts as absent, as in config.json. All methods but `get` raise ModelError.
    """

    path: Path
    values: Mapping[str, object]
    prefix: str = ""

    def get(self, key: str) -> object:
        return self.values.get(self.prefix + key)

    def number(self, key: str, default: float | None = None) -> float:
        value = self._value(key, default)
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise self._missing("number", key)
        return value

    def integer(self, key: str, default: int | None = None) -> int:
        value = self.number(key, default)
        if value != value // 1:
            raise self._missing("whole number", key)
        return int(value)

    def count(self, key: str, default: int | None = None) -> int:
        """Return a whole number of at least 1."""
        if (count := self.integer(key, default)) < 1:
            name = self.prefix + key
            raise ModelError(f"{self.path} has {count} under {name!r}, where at least 1 is needed.")
        return count

    def flag(self, key: str, default: bool = False) -> bool:
        value = self._value(key, default)
        if not isinstance(value, bool | int):
            raise self._missing("true or false", key)
        return bool(value)

    def text(self, key: str, default: str | None = None) -> str:
        value = self._value(key, default)
        if not isinstance(value, str):
            raise self._missing("text", key)
        return value

    def strings(self, key: str) -> list[str]:
        value = self.get(key)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self._missing("list of texts", key)
        return value

    def fields(self, key: str) -> "Fields | None":
        """Return the values under `key`, if they have names of their own."""
        value = self.get(key)
        return Fields(self.path, value) if isinstance(value, dict) else None

    def _value(self, key: str, default: object) -> object:
        value = self.get(key)
        return default if value is None else value

    def _missing(self, what: str, key: str) -> ModelError:
        name = self.prefix + key
        return ModelError(f"{self.path} has no {what} under {name!r}, which the model needs.")


def read_json(path: Path) -> Fields:
    """Read the object in a JSON file. Raises ModelError."""
    try:
        values = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise ModelError(f"{path.parent} has no {path.name}; copy the whole model.") from error
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror or error}.") from error
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path} is not JSON; download it again.") from error
    if not isinstance(values, dict):
        raise ModelError(f"{path} holds no names and values; download it again.")
    return Fields(path, values)
