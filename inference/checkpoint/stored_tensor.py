"""Where tensors lie in files of any format. No torch here: the supervisor reads headers too."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType

from inference.errors import ModelError

# Numbers of the GGUF format; they name the kinds of other formats too.
F32 = 0
F16 = 1
BF16 = 30


@dataclass(frozen=True, slots=True)
class StoredPart:
    """A part of a tensor that lies in one place of a file, row by row: `rows` rows from `row` on,
    `columns` columns from `column` on. offset: of its first byte in the file.
    """

    path: Path
    offset: int
    row: int
    rows: int
    column: int
    columns: int


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """A tensor in files. shape: outermost first, as in numpy; kind: a number of the GGUF format.

    rows and columns are those of a matrix: a vector has rows of one number, and a stack has its
    matrices one below the other.
    """

    name: str
    shape: tuple[int, ...]
    kind: int
    parts: tuple[StoredPart, ...]

    @classmethod
    def whole(
        cls, name: str, shape: tuple[int, ...], kind: int, path: Path, offset: int
    ) -> "StoredTensor":
        """Return a tensor that lies in one place."""
        rows, columns = as_matrix(shape)
        return cls(name, shape, kind, (StoredPart(path, offset, 0, rows, 0, columns),))

    @property
    def size(self) -> int:
        """Bytes."""
        block, size = block_of(self.kind)
        return self.rows * self.columns // block * size

    @property
    def rows(self) -> int:
        return as_matrix(self.shape)[0]

    @property
    def columns(self) -> int:
        return as_matrix(self.shape)[1]


def block_of(kind: int) -> tuple[int, int]:
    """Return how many numbers and bytes a block of this kind has."""
    numbers, size = GGML_QUANT_SIZES[GGMLQuantizationType(kind)]
    return numbers, size


def as_matrix(shape: tuple[int, ...]) -> tuple[int, int]:
    if len(shape) < 2:
        return math.prod(shape), 1
    return math.prod(shape[:-1]), shape[-1]


def by_name(path: Path, tensors: Iterable[StoredTensor]) -> dict[str, StoredTensor]:
    """Return the tensors by name. Raises ModelError if two have the same name."""
    named: dict[str, StoredTensor] = {}
    for tensor in tensors:
        if tensor.name in named:
            raise ModelError(f"{path} holds the tensor {tensor.name!r} twice; download it again.")
        named[tensor.name] = tensor
    return named
