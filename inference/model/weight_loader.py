"""Reads the parameters of a checkpoint, each rank only its part, in the form in which it is held.

Knows nothing of formats of checkpoints.
"""

import ctypes
import mmap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from gguf.constants import GGMLQuantizationType
from gguf.quants import dequantize
from numpy.typing import NDArray

from inference.checkpoint.parameter_ref import ParameterRef, RowIndices
from inference.checkpoint.stored_tensor import StoredTensor, block_of
from inference.errors import ModelError
from inference.model.config import ModelConfig
from inference.model.quantized import GROUP, INT4_ROWS, Int4, Int8, read_q4, read_q4_k
from inference.model.staging import Staging
from inference.model.weight_slots import WeightSlot, weight_slots

type_of = GGMLQuantizationType

Bytes = NDArray[np.uint8]
Matrix = torch.Tensor | Int4 | Int8
WeightForm = Literal["file", "int8", "full"]
"""How matrices are held: 4 and 8 bits where the file has few bits, 8 bits all, or in full."""
FOUR_BITS = (type_of.Q4_0, type_of.Q4_1, type_of.Q4_K)
# Kinds that are held in 8 bits.
EIGHT_BITS = (type_of.Q8_0, type_of.Q6_K)
# Kinds that torch can compute with.
PLAIN = {
    type_of.F32: torch.float32,
    type_of.F16: torch.float16,
    type_of.BF16: torch.bfloat16,
}
# Read at once: a megabyte, and some more to make numbers of it.
BLOCK_NUMBERS = 250_000
# On its way to a GPU: so much that starting a copy takes no time beside it.
STAGED_NUMBERS = 8_000_000
CPU = torch.device("cpu")
# Scales and minima of few bits are held in bf16 on a CPU and in fp32 elsewhere.
FACTOR_SIZE = {"cpu": 2, "cuda": 4}
LIBC = ctypes.CDLL(None)


@dataclass(frozen=True, slots=True)
class SlotWeights:
    """The weight and the bias of a slot; a bias is in fp32."""

    weight: Matrix
    bias: torch.Tensor | None


class WeightLoader:
    """The parameters of a checkpoint or of an adapter, dequantised on demand."""

    def __init__(
        self, tensors: Mapping[str, StoredTensor], refs: Mapping[str, ParameterRef]
    ) -> None:
        self.tensors, self.refs = tensors, refs
        self._files: dict[Path, mmap.mmap] = {}
        self._staging: dict[torch.device, Staging] = {}

    def load(
        self,
        slot: WeightSlot,
        form: WeightForm,
        dtype: torch.dtype = torch.float32,
        device: torch.device = CPU,
    ) -> SlotWeights:
        """Read the weights of a slot to a device. Pages of files are given back after reading;
        beside the result this takes some megabytes at a time, and for a GPU some tens of them.
        """
        match self.held_as(slot, form):
            case "int4":
                parts = [self._blocks(name, rows, slot.columns) for name, rows in slot.sources]
                weight: Matrix = Int4.cat(parts).to(device)
            case "int8":
                weight = self._int8(slot, device)
            case _:
                weight = self._full(slot, dtype if slot.is_matrix else torch.float32, device)
        bias = None
        if self._has_bias(slot):
            biases = [self.parameter(f"{name}.bias", rows, None) for name, rows in slot.sources]
            bias = torch.cat(biases)[:, 0].to(device)
        for file in self._files.values():
            file.madvise(mmap.MADV_DONTNEED)
        # In the gaps between the weights the C library would keep half as much as they take.
        if hasattr(LIBC, "malloc_trim"):
            LIBC.malloc_trim(0)
        return SlotWeights(weight, bias)

    def held_as(self, slot: WeightSlot, form: WeightForm) -> Literal["int4", "int8", "full"]:
        """Return how the slot is held. Vectors and the embedding are never quantised."""
        if form == "full" or not slot.is_linear:
            return "full"
        refs = [self.refs[f"{name}.weight"] for name, _ in slot.sources]
        kinds = {type_of(self.tensors[ref.name].kind) for ref in refs}
        few = form == "file" and not any(ref.transposed for ref in refs)
        if few and kinds <= set(FOUR_BITS) and self._fits_int4(slot):
            return "int4"
        # Some kinds of files have more bits for some parameters. A slot of both has the greater.
        mixed = bool(kinds & set(EIGHT_BITS)) and kinds <= {*FOUR_BITS, *EIGHT_BITS}
        return "int8" if form == "int8" or (few and mixed) else "full"

    def held_bytes(
        self, slot: WeightSlot, form: WeightForm, number_size: int, device: str = "cpu"
    ) -> int:
        """Return the bytes that the slot takes in memory."""
        rows, columns = self.size(slot)
        bias = rows * number_size if self._has_bias(slot) else 0
        if not slot.is_matrix:
            return rows * 4 * (2 if bias else 1)
        match self.held_as(slot, form):
            case "int4":
                # Four bits, and a scale and a minimum for each group.
                factors = rows * columns // GROUP * 2
                return bias + rows * columns // 2 + factors * FACTOR_SIZE[device]
            case "int8":
                return bias + rows * (columns + FACTOR_SIZE[device])
        return bias + rows * columns * number_size

    def size(self, slot: WeightSlot) -> tuple[int, int]:
        """Return rows and columns of the weight, padding included."""
        refs = [self.refs[f"{name}.weight"] for name, _ in slot.sources]
        sizes = [_logical(ref) for ref in refs]
        rows = sum(
            size[0] if chosen is None else len(chosen)
            for size, (_, chosen) in zip(sizes, slot.sources, strict=True)
        )
        columns = range(sizes[0][1])[slot.columns] if slot.columns else range(sizes[0][1])
        return rows + slot.padding, len(columns)

    def parameter(self, name: str, rows: RowIndices | None, columns: slice | None) -> torch.Tensor:
        """Return [rows, columns] of a parameter, fp32, in the order of `rows`."""
        ref = self.refs[name]
        tensor = self.tensors[ref.name]
        wanted = _chosen(ref, rows)
        if ref.transposed:
            other = np.arange(tensor.rows)[columns or slice(None)]
            first = int(wanted.min())
            block = self._numbers(tensor, other, slice(first, int(wanted.max()) + 1))
            full = block[:, wanted - first].T
        else:
            full = self._numbers(tensor, wanted, columns)
        return torch.from_numpy(full + np.float32(ref.plus) if ref.plus else full)

    def _full(self, slot: WeightSlot, dtype: torch.dtype, device: torch.device) -> torch.Tensor:
        full = torch.empty(self.size(slot), dtype=dtype, device=device)
        full[len(full) - slot.padding :] = 0
        for first, name, rows in self._row_blocks(slot, device):
            target = full[first : first + len(rows)]
            if self._is_plain(self.refs[name]):
                self._copy(name, rows, slot.columns, target)
            else:
                target.copy_(self.parameter(name, rows, slot.columns))
        return full if slot.is_matrix else full[:, 0]

    def _int8(self, slot: WeightSlot, device: torch.device) -> Int8:
        rows, columns = self.size(slot)
        values = torch.zeros(rows, columns, dtype=torch.int8, device=device)
        whole = Int8(values, torch.zeros(rows, device=device))
        for first, name, some in self._row_blocks(slot, device):
            part = Int8.of(self.parameter(name, some, slot.columns).to(device))
            place = slice(first, first + len(some))
            whole.values[place], whole.scales[place] = part.values, part.scales
        return whole

    def _row_blocks(
        self, slot: WeightSlot, device: torch.device
    ) -> Iterator[tuple[int, str, RowIndices]]:
        """Yield some rows of the weight at a time: the first, the parameter, and which of its rows
        they are.
        """
        numbers = BLOCK_NUMBERS if device.type == "cpu" else STAGED_NUMBERS
        step, first = max(1, numbers // self.size(slot)[1]), 0
        for name, rows in slot.sources:
            chosen = np.arange(_logical(self.refs[f"{name}.weight"])[0]) if rows is None else rows
            for at in range(0, len(chosen), step):
                some = chosen[at : at + step]
                yield first, f"{name}.weight", some
                first += len(some)

    def _is_plain(self, ref: ParameterRef) -> bool:
        """Say whether the parameter lies in the file row by row, in numbers as torch has them."""
        kind = type_of(self.tensors[ref.name].kind)
        return kind in PLAIN and not (ref.transposed or ref.plus)

    def _copy(
        self, name: str, rows: RowIndices, columns: slice | None, target: torch.Tensor
    ) -> None:
        """Copy rows of a plain parameter from the file to the target, [rows, columns]."""
        ref = self.refs[name]
        tensor, chosen = self.tensors[ref.name], _chosen(ref, rows)
        stored, wanted = PLAIN[type_of(tensor.kind)], columns or slice(None)
        if (target.dtype, target.device.type) == (stored, "cpu"):
            self._read(tensor, chosen, wanted, target.view(torch.uint8).numpy())
            return
        if target.device not in self._staging:
            self._staging[target.device] = Staging(target.device)
        with self._staging[target.device].send(target, stored) as block:
            self._read(tensor, chosen, wanted, block.view(torch.uint8).numpy())

    def _has_bias(self, slot: WeightSlot) -> bool:
        return f"{slot.sources[0][0]}.bias" in self.refs

    def _blocks(self, name: str, rows: RowIndices | None, columns: slice | None) -> Int4:
        """Return rows or columns of a matrix in blocks of 4 bits."""
        ref = self.refs[f"{name}.weight"]
        tensor = self.tensors[ref.name]
        kind = type_of(tensor.kind)
        _, size = block_of(kind)
        raw = self._raw(tensor, _chosen(ref, rows), columns or slice(None))
        blocks = raw.reshape(len(raw), -1, size)
        return read_q4_k(blocks) if kind is type_of.Q4_K else read_q4(blocks, kind)

    def _fits_int4(self, slot: WeightSlot) -> bool:
        """Say whether the kernel of torch takes it, and no block is cut."""
        rows, _ = self.size(slot)
        if rows % INT4_ROWS:
            return False
        tensors = [self.tensors[self.refs[f"{name}.weight"].name] for name, _ in slot.sources]
        start, stop, _ = (slot.columns or slice(None)).indices(tensors[0].columns)
        blocks = [block_of(tensor.kind)[0] for tensor in tensors]
        return all(not (start % block or stop % block) for block in blocks)

    def _numbers(
        self, tensor: StoredTensor, rows: RowIndices, columns: slice | None
    ) -> NDArray[np.float32]:
        """Return [rows, columns] in fp32."""
        kind = type_of(tensor.kind)
        start, stop, _ = (columns or slice(None)).indices(tensor.columns)
        block, _ = block_of(tensor.kind)
        first, last = start - start % block, -(-stop // block) * block
        raw = self._raw(tensor, rows, slice(first, last))
        if kind in PLAIN:
            full: NDArray[np.float32] = torch.from_numpy(raw).view(PLAIN[kind]).float().numpy()
        else:
            full = dequantize(raw, kind)
        return full if (first, last) == (start, stop) else full[:, start - first : stop - first]

    def _raw(self, tensor: StoredTensor, rows: RowIndices, columns: slice) -> Bytes:
        """Return the stored bytes of whole blocks, [rows, bytes]."""
        block, size = block_of(tensor.kind)
        start, stop, _ = columns.indices(tensor.columns)
        out = np.empty((len(rows), (stop - start) // block * size), np.uint8)
        self._read(tensor, rows, columns, out)
        return out

    def _read(self, tensor: StoredTensor, rows: RowIndices, columns: slice, out: Bytes) -> None:
        """Copy the stored bytes of whole blocks from the parts to `out`, [rows, bytes]."""
        block, size = block_of(tensor.kind)
        start, stop, _ = columns.indices(tensor.columns)
        for part in tensor.parts:
            low, high = max(start, part.column), min(stop, part.column + part.columns)
            inside = (rows >= part.row) & (rows < part.row + part.rows)
            if low >= high or not inside.any():
                continue
            width = part.columns // block * size
            data = np.frombuffer(self._file(part.path), np.uint8, part.rows * width, part.offset)
            source = data.reshape(part.rows, width)
            there, here = (
                slice((low - first) // block * size, (high - first) // block * size)
                for first in (part.column, start)
            )
            if inside.all():
                out[:, here] = source[_as_slice(rows - part.row), there]
            else:
                out[inside, here] = source[rows[inside] - part.row, there]

    def _file(self, path: Path) -> mmap.mmap:
        if path not in self._files:
            with path.open("rb") as file:
                self._files[path] = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        return self._files[path]


def _logical(ref: ParameterRef) -> tuple[int, int]:
    """Return rows and columns of the parameter."""
    rows, columns = ref.size[::-1] if ref.transposed else ref.size
    return (rows if ref.rows is None else len(ref.rows)), columns


def _chosen(ref: ParameterRef, rows: RowIndices | None) -> RowIndices:
    """Return rows of the stored tensor (columns, if transposed) for rows of the parameter."""
    if rows is None:
        return np.arange(_logical(ref)[0]) if ref.rows is None else ref.rows
    return rows if ref.rows is None else ref.rows[rows]


def _as_slice(rows: RowIndices) -> slice | RowIndices:
    """Return rows that follow one another as a slice, which is copied in one piece."""
    first, last = int(rows[0]), int(rows[-1])
    follow = last - first + 1 == len(rows) and bool((np.diff(rows) == 1).all())
    return slice(first, last + 1) if follow else rows


def check_memory(needed: int, tp: int, memory: int) -> None:
    """Raise ModelError if the weights of a rank alone take more than the `memory` bytes it has."""
    if needed > memory:
        raise ModelError(
            f"The model takes {needed / 1e9:,.1f} GB on each of {tp} rank(s), which has "
            f"{memory / 1e9:,.1f} GB at most; raise TP, or take a model of fewer bits."
        )


def rank_bytes(
    loader: WeightLoader,
    config: ModelConfig,
    tp: int,
    form: WeightForm,
    number_size: int,
    *,
    device: str = "cpu",
) -> int:
    """Return what the first rank of `tp`, which holds the most, needs for its weights."""
    return sum(
        loader.held_bytes(slot, form, number_size, device)
        for slot in weight_slots(config, 0, tp)
        if not is_shared(loader, config, slot, form, device)
    )


def is_shared(
    loader: WeightLoader, config: ModelConfig, slot: WeightSlot, form: WeightForm, device: str
) -> bool:
    """Say whether the slot is an output layer that has the matrix of the embedding. On a CPU the
    product holds its own: oneDNN's order of full numbers has no rows to look up, and 8 bits with
    one scale a row are not what the file has.
    """
    tied = config.tied and slot.path == "output_layer"
    return tied and device != "cpu" and loader.held_as(slot, form) == "full"
