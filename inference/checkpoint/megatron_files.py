"""Megatron checkpoints in the format torch_dist, saved by any number of ranks. Reads no weights.

A directory: `.metadata` says which chunk of which tensor lies where in the `.distcp` files, each as
torch.save writes it; `common.pt` has the arguments of the run.
https://docs.nvidia.com/megatron-core/developer-guide/latest/api-guide/dist_checkpointing.html
"""

import mmap
import re
import struct
import zipfile
from itertools import accumulate
from operator import mul
from pathlib import Path
from typing import BinaryIO, cast

from inference.checkpoint.fields import Fields, read_json
from inference.checkpoint.pickles import Inert, read_pickle
from inference.checkpoint.stored_tensor import BF16, F16, F32, StoredPart, StoredTensor
from inference.errors import ModelError, model_errors

LATEST = "latest_checkpointed_iteration.txt"
KINDS = {"torch.float32": (F32, 4), "torch.float16": (F16, 2), "torch.bfloat16": (BF16, 2)}
WEIGHTS = re.compile(r"(module\.)?((embedding|decoder|output_layer)\..*)")
STACKED = re.compile(r"decoder\.layers\.[a-z]")


def is_megatron(directory: Path) -> bool:
    return (directory / ".metadata").is_file() or (directory / LATEST).is_file()


def latest_iteration(directory: Path) -> Path:
    """Return the directory of the last iteration of a run, or the directory itself if it is one.

    Raises ModelError.
    """
    if not (directory / LATEST).is_file():
        return directory
    with model_errors(directory / LATEST, "the number of the last iteration"):
        last = (directory / LATEST).read_text().strip()
        found = directory / ("release" if last == "release" else f"iter_{int(last):07d}")
    if not (found / ".metadata").is_file():
        raise ModelError(f"{found} is missing or is no torch_dist checkpoint; copy it whole.")
    return found


def read_tensors(directory: Path) -> dict[str, StoredTensor]:
    """Read where the tensors of the model lie, not those of the optimizer. Raises ModelError."""
    backend = read_json(directory / "metadata.json").text("sharded_backend")
    if backend != "torch_dist":
        raise ModelError(f"{directory} is in the format {backend!r}; save it as torch_dist.")
    with model_errors(directory / ".metadata", "the table of tensors"):
        table = read_pickle((directory / ".metadata").read_bytes())
        places = _places(directory, table.get("storage_data"))
        tensors = table.get("state_dict_metadata").items()
        found = [_stored(name, tensor, places) for name, tensor in tensors]
    return {tensor.name: tensor for tensor in found if tensor is not None}


def read_arguments(directory: Path) -> Fields | None:
    """Read the arguments of the training run, if they were saved. Raises ModelError."""
    path = directory / "common.pt"
    if not path.is_file():
        return None
    with model_errors(path, "the arguments of the run"), zipfile.ZipFile(path) as archive:
        common = read_pickle(archive.read(_entry(archive, "data.pkl")))
        arguments = common.get("args") if isinstance(common, dict) else None
        if not isinstance(arguments, Inert) or not isinstance(arguments.state, dict):
            return None
        return Fields(path, arguments.state)


_ChunkPlaces = dict[tuple[str, tuple[int, ...]], tuple[Path, int, int]]
"""File, offset and length of each chunk, as torch.save has written it, by the name of its tensor
and where in that it begins.
"""


def _places(directory: Path, storage: dict[Inert, Inert]) -> _ChunkPlaces:
    places: _ChunkPlaces = {}
    for index, place in storage.items():
        start = index.get("offset")
        if isinstance(start, Inert):
            if place.get("transform_descriptors"):
                raise ModelError(f"{directory} is compressed; save it without that.")
            path = directory / Path(place.get("relative_path")).name
            key = index.get("fqn"), start.numbers
            places[key] = path, place.get("offset"), place.get("length")
    return places


def _stored(name: str, tensor: Inert, places: _ChunkPlaces) -> StoredTensor | None:
    """Return the tensor, or None if it is no weight of the model."""
    match = WEIGHTS.fullmatch(name)
    if match is None or tensor.get("chunks") is None:
        return None
    plain = match.group(2)
    dtype = tensor.get("properties").state[0].kind
    if dtype not in KINDS:
        raise ValueError(f"tensor {plain!r} is stored as {dtype}, which is not read")
    kind, size = KINDS[dtype]
    shape = tensor.get("size").numbers
    # The vectors of all layers are in one tensor; here as one long vector.
    flat = len(shape) == 2 and STACKED.match(plain) is not None
    vectors = flat or len(shape) == 1
    _, height, _ = _as_stack(shape, 1, vectors)
    parts: list[StoredPart] = []
    for chunk in tensor.get("chunks"):
        start, sizes = chunk.get("offsets").numbers, chunk.get("sizes").numbers
        path, offset, length = places[name, start]
        at = _data_offset(path, offset, length, sizes)
        layer, row, column = _as_stack(start, 0, vectors)
        layers, rows, columns = _as_stack(sizes, 1, vectors)
        for i in range(layers):
            first, place = (layer + i) * height + row, at + i * rows * columns * size
            parts.append(StoredPart(path, place, first, rows, column, columns))
    return StoredTensor(plain, (shape[0] * shape[1],) if flat else shape, kind, tuple(parts))


def _as_stack(dims: tuple[int, ...], fill: int, vectors: bool) -> tuple[int, ...]:
    """Return layer, row and column: a matrix is a stack of one, a vector has rows of one number."""
    dims = (*dims, fill) if vectors else dims
    return (fill, *dims) if len(dims) == 2 else dims


def _data_offset(path: Path, offset: int, length: int, sizes: tuple[int, ...]) -> int:
    """Return where in the file the numbers of a chunk begin."""
    # A map begins at a page; zipfile does not mind what stands before an archive.
    before = offset % mmap.ALLOCATIONGRANULARITY
    with (
        path.open("rb") as file,
        _MappedFile(
            file.fileno(), before + length, access=mmap.ACCESS_READ, offset=offset - before
        ) as data,
        zipfile.ZipFile(cast(BinaryIO, data)) as archive,
    ):
        _check_plain(archive.read(_entry(archive, "data.pkl")), sizes)
        header = archive.getinfo(_entry(archive, "data/0")).header_offset
        # A local header of 30 bytes ends with two lengths: of a name and of a filling after it.
        name, extra = struct.unpack_from("<HH", data, header + 26)
    return offset - before + header + 30 + int(name) + int(extra)


class _MappedFile(mmap.mmap):
    """Some bytes of a file, as a file."""

    def seekable(self) -> bool:
        """Say what Python's own says since 3.13, and zipfile asks."""
        return True


def _entry(archive: zipfile.ZipFile, name: str) -> str:
    """Return the full name of an entry: all are in one folder, whose name differs from file to
    file.
    """
    (entry,) = (entry for entry in archive.namelist() if entry.partition("/")[2] == name)
    if archive.getinfo(entry).compress_type != zipfile.ZIP_STORED:
        raise ValueError("a chunk is compressed")
    return entry


def _check_plain(pickled: bytes, sizes: tuple[int, ...]) -> None:
    """Raise ValueError unless the numbers lie row by row, from the beginning."""
    start, shape, strides = read_pickle(pickled).args[1:4]
    steps = list(accumulate(reversed(sizes), mul, initial=1))[-2::-1]
    straight = all(
        count == 1 or stride == step
        for count, stride, step in zip(sizes, strides, steps, strict=True)
    )
    if start or tuple(shape) != sizes or not straight:
        raise ValueError("a chunk does not lie row by row")
