"""GGUF files: the metadata and where each tensor lies. Reads no weights.

A reader of our own: it opens a model of 270 tensors and 49,000 tokens in 0.1 s, gguf.GGUFReader in
5 s.

Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md (versions 2 and 3, little-endian).
"""

import mmap
import struct
from dataclasses import dataclass
from pathlib import Path

from inference.checkpoint.fields import Fields
from inference.checkpoint.stored_tensor import StoredTensor, by_name
from inference.errors import ModelError

MAGIC = b"GGUF"
STRING = 8
ARRAY = 9
FORMATS = dict(enumerate("BbHhIif?")) | {10: "Q", 11: "q", 12: "d"}
SCALARS = {kind: struct.Struct(f"<{form}") for kind, form in FORMATS.items()}


@dataclass(frozen=True, slots=True)
class GGUFFile:
    """The header of a GGUF file."""

    path: Path
    metadata: Fields
    tensors: dict[str, StoredTensor]


def read_gguf(path: Path) -> GGUFFile:
    """Read the header of the GGUF file at `path`. Raises ModelError."""
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
        tensors = [
            StoredTensor.whole(name, shape, kind, path, start + offset)
            for name, shape, kind, offset in infos
        ]
        return GGUFFile(path, Fields(path, metadata), by_name(path, tensors))

    def tensor(self) -> tuple[str, tuple[int, ...], int, int]:
        """Read name, shape, kind, and offset from where the tensors begin."""
        name = self.string()
        dims = [self.u64() for _ in range(self.u32())]
        return name, tuple(reversed(dims)), self.u32(), self.u64()

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
