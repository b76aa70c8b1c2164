"""The parameters of a checkpoint into the model, each rank reading and dequantising only its part.

Knows nothing of formats (see checkpoint), and of Megatron nothing but the names of its modules.
"""

import ctypes
import mmap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from gguf.constants import GGMLQuantizationType
from gguf.quants import dequantize
from numpy.typing import NDArray

from inference.checkpoint.errors import ModelError
from inference.checkpoint.parameter_ref import ParameterRef, RowIndices
from inference.checkpoint.stored_tensor import StoredTensor, block_of
from inference.model.config import ModelConfig
from inference.model.linear import GROUP, INT4_ROWS, Int4, Int8

type_of = GGMLQuantizationType

Bytes = NDArray[np.uint8]
Matrix = torch.Tensor | Int4 | Int8
"""A part of the model."""
WeightForm = Literal["file", "int8", "full"]
"""How matrices are held: 4 and 8 bits where the file has few bits, 8 bits all, or in full."""
FOUR_BITS = (type_of.Q4_0, type_of.Q4_1, type_of.Q4_K)
# Kinds that are held in 8 bits.
EIGHT_BITS = (type_of.Q8_0, type_of.Q6_K)
# Read at once: a megabyte, and some more to make numbers of it.
BLOCK_NUMBERS = 250_000
LIBC = ctypes.CDLL(None)

LoadProgress = Callable[[int, int], None]
"""Called with the layers loaded so far, and how many there are."""


@dataclass(frozen=True, slots=True, eq=False)
class WeightSlot:
    """A module of the model as one rank holds it. path: its name in Megatron's model.

    sources: parameters without .weight and .bias, and which of their rows, one below the other.
    columns: only these of the weight; a bias belongs to all. padding: rows of zeros behind.
    """

    path: str
    sources: tuple[tuple[str, RowIndices | None], ...]
    columns: slice | None = None
    padding: int = 0

    @property
    def is_linear(self) -> bool:
        return self.path.rpartition(".")[2].startswith(("linear", "output"))

    @property
    def is_matrix(self) -> bool:
        """Or a vector, which is never rounded."""
        return not self.path.endswith("layernorm")


@dataclass(frozen=True, slots=True)
class SlotWeights:
    """What fills a slot; a bias is in fp32."""

    weight: Matrix
    bias: torch.Tensor | None


class WeightLoader:
    """The parameters of a checkpoint or of an adapter, dequantised on demand."""

    def __init__(
        self, tensors: Mapping[str, StoredTensor], refs: Mapping[str, ParameterRef]
    ) -> None:
        """They must have been checked."""
        self.tensors, self.refs = tensors, refs
        self._files: dict[Path, mmap.mmap] = {}

    def load(
        self, slot: WeightSlot, form: WeightForm, dtype: torch.dtype = torch.float32
    ) -> SlotWeights:
        """What fills the slot. Pages of files that were read are given back; of what is not held
        in the end, some megabytes are there at a time.
        """
        match self.held_as(slot, form):
            case "int4":
                weight: Matrix = self._int4(slot)
            case "int8":
                weight = self._int8(slot)
            case _:
                weight = self._full(slot, dtype if slot.is_matrix else torch.float32)
        part = SlotWeights(weight, self._bias(slot))
        self._give_back()
        return part

    def _give_back(self) -> None:
        """Pages of the files, and what the C library keeps of memory that is free again: between
        the weights it would be half as much as they are.
        """
        for file in self._files.values():
            file.madvise(mmap.MADV_DONTNEED)
        if hasattr(LIBC, "malloc_trim"):
            LIBC.malloc_trim(0)

    def held_as(self, slot: WeightSlot, form: WeightForm) -> Literal["int4", "int8", "full"]:
        """Vectors and the embedding are never quantised."""
        if form == "full" or not slot.is_linear:
            return "full"
        refs = [self.refs[f"{name}.weight"] for name, _ in slot.sources]
        kinds = {type_of(self.tensors[ref.name].kind) for ref in refs}
        few = form == "file" and not any(ref.transposed for ref in refs)
        if few and kinds <= set(FOUR_BITS) and self._fits_int4(slot):
            return "int4"
        # Files of one name have more bits for some: what is made of both is held in the greater.
        mixed = bool(kinds & set(EIGHT_BITS)) and kinds <= {*FOUR_BITS, *EIGHT_BITS}
        return "int8" if form == "int8" or (few and mixed) else "full"

    def held_bytes(self, slot: WeightSlot, form: WeightForm, number_size: int) -> int:
        """What the slot takes when it is filled."""
        rows, columns = self.size(slot)
        bias = rows * number_size if self._has(slot, "bias") else 0
        if not slot.is_matrix:
            return rows * 4 * (2 if bias else 1)
        match self.held_as(slot, form):
            case "int4":
                # Four bits, and a scale and a zero in bf16 for each group.
                return bias + rows * columns // 2 + rows * columns // GROUP * 4
            case "int8":
                return bias + rows * (columns + 2)
        return bias + rows * columns * number_size

    def size(self, slot: WeightSlot) -> tuple[int, int]:
        """Rows and columns of the weight, padding included."""
        refs = [self.refs[f"{name}.weight"] for name, _ in slot.sources]
        sizes = [_logical(ref) for ref in refs]
        rows = sum(
            size[0] if chosen is None else len(chosen)
            for size, (_, chosen) in zip(sizes, slot.sources, strict=True)
        )
        columns = range(sizes[0][1])[slot.columns] if slot.columns else range(sizes[0][1])
        return rows + slot.padding, len(columns)

    def parameter(self, name: str, rows: RowIndices | None, columns: slice | None) -> torch.Tensor:
        """[rows, columns] of a parameter, fp32, in the order asked for."""
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

    def _full(self, slot: WeightSlot, dtype: torch.dtype) -> torch.Tensor:
        full = torch.zeros(self.size(slot), dtype=dtype)
        for first, block in self._row_blocks(slot):
            full[first : first + len(block)] = block
        return full if slot.is_matrix else full[:, 0]

    def _int8(self, slot: WeightSlot) -> Int8:
        rows, columns = self.size(slot)
        whole = Int8(torch.zeros(rows, columns, dtype=torch.int8), torch.zeros(rows))
        for first, block in self._row_blocks(slot):
            part, place = Int8.of(block), slice(first, first + len(block))
            whole.values[place], whole.scales[place] = part.values, part.scales
        return whole

    def _row_blocks(self, slot: WeightSlot) -> Iterator[tuple[int, torch.Tensor]]:
        """The weight in fp32, some rows at a time: the first of them, and [rows, columns]."""
        step, first = max(1, BLOCK_NUMBERS // self.size(slot)[1]), 0
        for name, rows in slot.sources:
            chosen = np.arange(_logical(self.refs[f"{name}.weight"])[0]) if rows is None else rows
            for at in range(0, len(chosen), step):
                some = chosen[at : at + step]
                yield first, self.parameter(f"{name}.weight", some, slot.columns)
                first += len(some)

    def _bias(self, slot: WeightSlot) -> torch.Tensor | None:
        if not self._has(slot, "bias"):
            return None
        parts = [self.parameter(f"{name}.bias", rows, None) for name, rows in slot.sources]
        return torch.cat(parts)[:, 0]

    def _has(self, slot: WeightSlot, part: str) -> bool:
        return f"{slot.sources[0][0]}.{part}" in self.refs

    def _int4(self, slot: WeightSlot) -> Int4:
        return Int4.cat([self._blocks(name, rows, slot.columns) for name, rows in slot.sources])

    def _blocks(self, name: str, rows: RowIndices | None, columns: slice | None) -> Int4:
        """Rows or columns of a matrix that is in blocks of 4 bits."""
        ref = self.refs[f"{name}.weight"]
        tensor = self.tensors[ref.name]
        kind = type_of(tensor.kind)
        _, size = block_of(kind)
        raw = self._raw(tensor, _chosen(ref, rows), columns or slice(None))
        blocks = raw.reshape(len(raw), -1, size)
        return _q4_k(blocks) if kind is type_of.Q4_K else _q4(blocks, kind)

    def _fits_int4(self, slot: WeightSlot) -> bool:
        """Whether torch's kernel takes it, and no block is cut."""
        rows, _ = self.size(slot)
        if rows % INT4_ROWS:
            return False
        tensors = [self.tensors[self.refs[f"{name}.weight"].name] for name, _ in slot.sources]
        start, stop, _ = (slot.columns or slice(None)).indices(tensors[0].columns)
        return all(not (start % block or stop % block) for block in map(_block, tensors))

    def _numbers(
        self, tensor: StoredTensor, rows: RowIndices, columns: slice | None
    ) -> NDArray[np.float32]:
        """In fp32, [rows, columns]."""
        kind = type_of(tensor.kind)
        start, stop, _ = (columns or slice(None)).indices(tensor.columns)
        block = _block(tensor)
        first, last = start - start % block, -(-stop // block) * block
        raw = self._raw(tensor, rows, slice(first, last))
        full: NDArray[np.float32] = dequantize(raw, kind)
        return full if (first, last) == (start, stop) else full[:, start - first : stop - first]

    def _raw(self, tensor: StoredTensor, rows: RowIndices, columns: slice) -> Bytes:
        """The stored bytes of whole blocks, [rows, bytes], put together from the pieces."""
        block, size = block_of(tensor.kind)
        start, stop, _ = columns.indices(tensor.columns)
        out = np.empty((len(rows), (stop - start) // block * size), np.uint8)
        for piece in tensor.pieces:
            low, high = max(start, piece.column), min(stop, piece.column + piece.columns)
            inside = (rows >= piece.row) & (rows < piece.row + piece.rows)
            if low >= high or not inside.any():
                continue
            width = piece.columns // block * size
            data = np.frombuffer(self._file(piece.path), np.uint8, piece.rows * width, piece.offset)
            source = data.reshape(piece.rows, width)
            there, here = (
                slice((low - first) // block * size, (high - first) // block * size)
                for first in (piece.column, start)
            )
            if inside.all():
                out[:, here] = source[rows - piece.row, there]
            else:
                out[inside, here] = source[rows[inside] - piece.row, there]
        return out

    def _file(self, path: Path) -> mmap.mmap:
        if path not in self._files:
            with path.open("rb") as file:
                self._files[path] = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        return self._files[path]


def weight_slots(config: ModelConfig, rank: int, tp: int) -> Iterator[WeightSlot]:
    """Everything that rank `rank` of `tp` holds; the largest first, so that what is left over in
    reading them is small. The output layer is there for tied models too.
    """
    per_rank = config.padded_vocab(tp) // tp
    # The last ranks may have nothing but padding.
    first = min(rank * per_rank, config.vocab)
    vocab = np.arange(first, min(first + per_rank, config.vocab))
    padding = per_rank - len(vocab)
    output = "embedding" if config.tied else "output"
    yield WeightSlot("embedding.word_embeddings", (("embedding", vocab),), padding=padding)
    if config.learned_positions:
        yield WeightSlot("embedding.position_embeddings", (("positions", None),))
    yield WeightSlot("output_layer", ((output, vocab),), padding=padding)
    yield WeightSlot("decoder.final_layernorm", (("final_norm", None),))
    for layer in range(config.layers):
        for path, names, columns in _layer(config, rank, tp):
            sources = tuple((f"layers.{layer}.{name}", rows) for name, rows in names)
            yield WeightSlot(f"decoder.layers.{layer}.{path}", sources, columns)


def _layer(
    config: ModelConfig, rank: int, tp: int
) -> Iterator[tuple[str, list[tuple[str, RowIndices | None]], slice | None]]:
    """Path, sources and columns of the slots of a layer."""
    ffn, heads = config.ffn // tp, config.heads // tp * config.head_dim
    mine = np.arange(rank * ffn, (rank + 1) * ffn)
    gate: list[tuple[str, RowIndices | None]] = [("gate", mine)] if config.gated else []
    yield "mlp.linear_fc1", [*gate, ("up", mine)], None
    yield "mlp.linear_fc2", [("down", None)], slice(rank * ffn, (rank + 1) * ffn)
    yield "self_attention.linear_qkv", list(_qkv(config, rank, tp)), None
    columns = slice(rank * heads, (rank + 1) * heads)
    yield "self_attention.linear_proj", [("o", None)], columns
    yield "input_layernorm", [("attn_norm", None)], None
    yield "pre_mlp_layernorm", [("mlp_norm", None)], None
    if config.qk_norm:
        yield "self_attention.q_layernorm", [("q_norm", None)], None
        yield "self_attention.k_layernorm", [("k_norm", None)], None
    if config.post_norms:
        yield "post_attention_layernorm", [("post_attn_norm", None)], None
        yield "post_mlp_layernorm", [("post_mlp_norm", None)], None


def _qkv(config: ModelConfig, rank: int, tp: int) -> Iterator[tuple[str, RowIndices | None]]:
    """[q ... q, k, v] for each key/value head of this rank."""
    dim, per_group = config.head_dim, config.heads // config.kv_groups(tp)
    groups = config.kv_groups(tp) // tp
    for group in range(rank * groups, (rank + 1) * groups):
        # With fewer key/value heads than ranks, neighbouring ranks hold copies of one head.
        kv = group * config.kv_heads // config.kv_groups(tp)
        yield "q", np.arange(group * per_group * dim, (group + 1) * per_group * dim)
        yield "k", np.arange(kv * dim, (kv + 1) * dim)
        yield "v", np.arange(kv * dim, (kv + 1) * dim)


def _logical(ref: ParameterRef) -> tuple[int, int]:
    """Rows and columns of the parameter."""
    rows, columns = ref.size[::-1] if ref.transposed else ref.size
    return (rows if ref.rows is None else len(ref.rows)), columns


def _chosen(ref: ParameterRef, rows: RowIndices | None) -> RowIndices:
    """Rows of the stored tensor (columns, if transposed) for rows of the parameter."""
    if rows is None:
        return np.arange(_logical(ref)[0]) if ref.rows is None else ref.rows
    return rows if ref.rows is None else ref.rows[rows]


def _block(tensor: StoredTensor) -> int:
    return block_of(tensor.kind)[0]


def _q4(blocks: Bytes, kind: GGMLQuantizationType) -> Int4:
    """Q4_0 and Q4_1. blocks: [rows, groups, bytes of a block]: scale (and minimum) in fp16, then 16
    bytes, which hold the first half of the values in their low halves and the second in their high
    ones.
    """
    heads, nibbles = blocks[..., :-16].copy().view(np.float16), blocks[..., -16:]
    values = np.concatenate([nibbles & 15, nibbles >> 4], axis=-1).reshape(len(blocks), -1)
    scales = heads[..., 0].astype(np.float32)
    minima = heads[..., 1].astype(np.float32) if kind is type_of.Q4_1 else -8 * scales
    return Int4(*map(torch.from_numpy, (values, scales, minima)))


def _q4_k(blocks: Bytes) -> Int4:
    """Q4_K. blocks: [rows, blocks, 144]: scales of the scales and of the minima in fp16; 12 bytes
    with eight of each in 6 bits; four times 32 bytes, which hold one group in their low halves and
    the next in their high ones.

    https://github.com/ggml-org/llama.cpp/blob/master/ggml/src/ggml-common.h (block_q4_K)
    """
    rows, count, _ = blocks.shape
    outer = blocks[..., :4].copy().view(np.float16).astype(np.float32)
    low, middle, high = np.split(blocks[..., 4:16], 3, axis=-1)
    scales = np.concatenate([low & 63, (high & 15) | (low >> 6) << 4], axis=-1)
    minima = np.concatenate([middle & 63, (high >> 4) | (middle >> 6) << 4], axis=-1)
    nibbles = blocks[..., 16:].reshape(rows, count, 4, 1, 32)
    values = np.concatenate([nibbles & 15, nibbles >> 4], axis=-2).reshape(rows, -1)
    return Int4(
        torch.from_numpy(values),
        torch.from_numpy((scales * outer[..., :1]).reshape(rows, -1)),
        torch.from_numpy((minima * -outer[..., 1:]).reshape(rows, -1)),
    )


def check_memory(needed: int, tp: int, memory: int) -> None:
    """Raises ModelError if the weights of a rank alone take more than the `memory` bytes it has."""
    if needed > memory:
        raise ModelError(
            f"The model takes {needed / 1e9:,.1f} GB on each of {tp} rank(s), which has "
            f"{memory / 1e9:,.1f} GB at most; raise TP, or take a model of fewer bits."
        )


def rank_bytes(
    weights: WeightLoader, config: ModelConfig, tp: int, form: WeightForm, number_size: int
) -> int:
    """What the first rank of `tp`, which holds no less than others, needs for its weights."""
    return sum(weights.held_bytes(slot, form, number_size) for slot in weight_slots(config, 0, tp))
