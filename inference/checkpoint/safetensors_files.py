"""Headers of safetensors files, one or sharded. Reads no weights.

The library does not say where in a file a tensor lies, which the ranks need to know.

Format: https://github.com/huggingface/safetensors#format
"""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from inference.checkpoint.fields import read_json
from inference.checkpoint.stored_tensor import BF16, F16, F32, StoredTensor, by_name
from inference.errors import ModelError

KINDS = {"F32": (F32, 4), "F16": (F16, 2), "BF16": (BF16, 2)}
INDEX = "model.safetensors.index.json"
MAX_HEADER = 100_000_000


def read_directory(directory: Path) -> dict[str, StoredTensor]:
    """Read where all tensors of the model in a directory lie. Raises ModelError."""
    if (directory / INDEX).is_file():
        places = read_json(directory / INDEX).fields("weight_map")
        if places is None or not all(isinstance(name, str) for name in places.values.values()):
            raise ModelError(
                f"{directory / INDEX} does not say where tensors lie; download it again."
            )
        files = sorted({Path(str(name)).name for name in places.values.values()})
        tensors = [tensor for name in files for tensor in read_file(directory / name).values()]
        return by_name(directory, tensors)
    if (directory / "model.safetensors").is_file():
        return read_file(directory / "model.safetensors")
    raise ModelError(
        f"{directory} has no model.safetensors and no {INDEX}; weights in other formats, such as "
        "pytorch_model.bin, must be saved as safetensors first."
    )


def read_file(path: Path) -> dict[str, StoredTensor]:
    """Read where the tensors of one file lie. Raises ModelError."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if not 2 <= length <= MAX_HEADER:
                raise ValueError("no file has a header of this length")
            # A dictionary would keep only the last of two tensors with one name.
            header = json.loads(file.read(length), object_pairs_hook=list)
        return by_name(path, _tensors(path, header, 8 + length))
    except FileNotFoundError as error:
        raise ModelError(f"{path} is missing; copy the whole model.") from error
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror or error}.") from error
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise ModelError(f"{path} is not a whole safetensors file; download it again.") from error


def _tensors(path: Path, header: list[tuple[str, object]], start: int) -> Iterator[StoredTensor]:
    for name, value in header:
        if name == "__metadata__":
            continue
        entry = dict(cast("list[tuple[str, Any]]", value))
        kind, size = KINDS.get(entry["dtype"], (None, 0))
        if kind is None:
            raise ModelError(
                f"{path}: tensor {name!r} is stored as {entry['dtype']}; this worker reads "
                f"{', '.join(KINDS)}, and fewer bits from GGUF files."
            )
        shape = tuple(int(count) for count in entry["shape"])
        begin, end = entry["data_offsets"]
        if end - begin != math.prod(shape) * size:
            raise ModelError(f"{path}: tensor {name!r} does not have the length of its shape.")
        yield StoredTensor.whole(name, shape, kind, path, start + begin)
