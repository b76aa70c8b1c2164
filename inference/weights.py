"""Weights from a GGUF file into the model, each rank reading and dequantising only its own part.

Knows the names and layouts of llama-family GGUF files; knows nothing of Megatron but the names of
the parameters.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
import torch
from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType
from gguf.quants import dequantize
from numpy.typing import NDArray

from inference.gguf_file import GGUFFile, ModelError, TensorInfo
from inference.linear import GROUP, Int4, Int8
from inference.shape import ModelShape

type_of = GGMLQuantizationType

Rows = slice | NDArray[np.int64]
Matrix = torch.Tensor | Int4 | Int8
"""A part of the model; a tensor is in fp32."""
Form = Literal["file", "int8", "full"]
"""How matrices are held: 4 and 8 bits where the file has them, 8 bits all, or numbers in full."""

Progress = Callable[[int, int], None]
"""Called with the layers loaded so far, and how many there are."""


class Weights:
    """The tensors of a GGUF file, dequantised on demand."""

    def __init__(self, file: GGUFFile, shape: ModelShape) -> None:
        """Raises ModelError unless the file has the tensors of `shape`, whole and readable."""
        self.file = file
        self.bytes = np.memmap(file.path, dtype=np.uint8, mode="r")
        unknown = set(file.tensors)
        for name, dims in tensor_shapes(shape):
            self._check(name, dims)
            unknown.discard(name)
        if unknown:
            raise ModelError(
                f"{file.path} holds tensors that this worker does not understand: "
                f"{', '.join(sorted(unknown)[:3])}."
            )

    def rows(self, name: str, rows: Rows = slice(None)) -> torch.Tensor:
        """Rows of a matrix, or all of a vector, in fp32."""
        info = self.file.tensors[name]
        return self._dequantised(info, self._raw(info)[rows])

    def columns(self, name: str, start: int, stop: int) -> torch.Tensor:
        """Columns [start, stop) of a matrix in fp32."""
        info = self.file.tensors[name]
        block, size = GGML_QUANT_SIZES[type_of(info.kind)]
        raw = self._raw(info)
        if start % block or stop % block:
            return self._dequantised(info, raw)[:, start:stop]
        return self._dequantised(info, raw[:, start // block * size : stop // block * size])

    def int4(
        self, name: str, rows: Rows = slice(None), columns: slice = slice(None)
    ) -> Int4 | None:
        """Rows or columns of a matrix that is in blocks of 4 bits; None if it is not, or if the
        columns cut through a block."""
        info = self.file.tensors[name]
        kind = type_of(info.kind)
        if kind not in (type_of.Q4_0, type_of.Q4_1):
            return None
        start, stop, _ = columns.indices(info.shape[-1])
        if start % GROUP or stop % GROUP:
            return None
        blocks = self._raw(info)[rows].reshape(
            -1, info.shape[-1] // GROUP, GGML_QUANT_SIZES[kind][1]
        )
        return _int4(blocks[:, start // GROUP : stop // GROUP], kind)

    def is_int8(self, name: str) -> bool:
        return type_of(self.file.tensors[name].kind) is type_of.Q8_0

    def _check(self, name: str, dims: tuple[int, ...]) -> None:
        path = self.file.path
        if (info := self.file.tensors.get(name)) is None:
            raise ModelError(f"{path} has no tensor {name!r}.")
        if info.shape != dims:
            raise ModelError(
                f"{path}: tensor {name!r} is {_times(info.shape)} numbers large where the "
                f"model's header says {_times(dims)}."
            )
        if not can_dequantise(info.kind):
            raise ModelError(
                f"{path}: tensor {name!r} has the quantisation number {info.kind}, which this "
                "worker does not know; take a file in a common one, such as Q8_0."
            )
        block, size = GGML_QUANT_SIZES[type_of(info.kind)]
        if dims[-1] % block:
            raise ModelError(
                f"{path}: tensor {name!r} has rows of {dims[-1]} numbers, which its quantisation "
                f"in blocks of {block} does not divide."
            )
        end = info.offset + math.prod(dims) // block * size
        if end > len(self.bytes):
            raise ModelError(
                f"{path} is cut short: tensor {name!r} ends at byte {end:,}, "
                f"the file at {len(self.bytes):,}; download it again."
            )

    def _raw(self, info: TensorInfo) -> NDArray[np.uint8]:
        """The stored bytes, [rows, bytes of a row]."""
        block, size = GGML_QUANT_SIZES[type_of(info.kind)]
        row_bytes = info.shape[-1] // block * size
        row_count = int(np.prod(info.shape[:-1]))
        end = info.offset + row_count * row_bytes
        return self.bytes[info.offset : end].reshape(row_count, row_bytes)

    def _dequantised(self, info: TensorInfo, raw: NDArray[np.uint8]) -> torch.Tensor:
        # A copy of the bytes: torch wants memory that it may write to.
        array: NDArray[np.float32] = dequantize(raw.copy(), type_of(info.kind))
        return torch.from_numpy(array.reshape(-1) if len(info.shape) == 1 else array)


def _int4(blocks: NDArray[np.uint8], kind: GGMLQuantizationType) -> Int4:
    """blocks: [rows, groups, bytes of a block]: scale (and minimum) in fp16, then 16 bytes, which
    hold the first half of the values in their low halves and the second in their high ones."""
    heads, nibbles = blocks[..., :-16].copy().view(np.float16), blocks[..., -16:]
    values = np.concatenate([nibbles & 15, nibbles >> 4], axis=-1).reshape(len(blocks), -1)
    scales = heads[..., 0].astype(np.float32)
    minima = heads[..., 1].astype(np.float32) if kind is type_of.Q4_1 else -8 * scales
    return Int4(*map(torch.from_numpy, (values, scales, minima)))


@lru_cache
def can_dequantise(kind: int) -> bool:
    try:
        _, size = GGML_QUANT_SIZES[type_of(kind)]
        dequantize(np.zeros((1, size), np.uint8), type_of(kind))
    except (ValueError, KeyError, NotImplementedError):
        return False
    return True


def tensor_shapes(shape: ModelShape) -> Iterator[tuple[str, tuple[int, ...]]]:
    """What a llama-family file holds: names and shapes, outermost first."""
    hidden, ffn, vocab = shape.hidden, shape.ffn, shape.vocab
    heads, kv_heads = shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
    layer: dict[str, tuple[int, ...]] = {
        "attn_norm": (hidden,),
        "attn_q": (heads, hidden),
        "attn_k": (kv_heads, hidden),
        "attn_v": (kv_heads, hidden),
        "attn_output": (hidden, heads),
        "ffn_norm": (hidden,),
        "ffn_gate": (ffn, hidden),
        "ffn_up": (ffn, hidden),
        "ffn_down": (hidden, ffn),
    }
    yield "token_embd.weight", (vocab, hidden)
    yield "output_norm.weight", (hidden,)
    if not shape.tied:
        yield "output.weight", (vocab, hidden)
    for index in range(shape.layers):
        for name, dims in layer.items():
            yield f"blk.{index}.{name}.weight", dims


def load_parts(
    weights: Weights, shape: ModelShape, rank: int, tp: int, form: Form
) -> Iterator[tuple[str, Matrix]]:
    """Every parameter of the model by its Megatron name, as rank `rank` of `tp` holds it; the
    output layer is there for tied models too. Vectors and the embedding are never quantised.

    One parameter is held at a time, so loading needs little more memory than the model.
    """
    per_rank = shape.padded_vocab(tp) // tp
    vocab = slice(rank * per_rank, min((rank + 1) * per_rank, shape.vocab))
    embedding, output = "token_embd.weight", "token_embd.weight" if shape.tied else "output.weight"
    yield "embedding.word_embeddings.weight", _pad(weights.rows(embedding, vocab), per_rank)
    yield "decoder.final_layernorm.weight", weights.rows("output_norm.weight")
    whole = _pad(weights.rows(output, vocab), per_rank)
    in_8_bits = form == "int8" or (form == "file" and weights.is_int8(output))
    yield "output_layer.weight", Int8.of(whole) if in_8_bits else whole
    for layer in range(shape.layers):
        for name, part in _layer_parts(_Shard(weights, shape, rank, tp, layer, form)):
            yield f"decoder.layers.{layer}.{name}", part


@dataclass(frozen=True, slots=True)
class _Shard:
    """What a rank holds of a layer."""

    weights: Weights
    shape: ModelShape
    rank: int
    tp: int
    layer: int
    form: Form

    def vector(self, name: str) -> torch.Tensor:
        return self.weights.rows(self._tensor(name))

    def stacked(self, parts: Sequence[tuple[str, Rows]]) -> Matrix:
        """Rows of several matrices, one below the other."""
        named = [(self._tensor(name), rows) for name, rows in parts]
        blocks = [self.weights.int4(*part) for part in named] if self.form == "file" else [None]
        if all(blocks) and (whole := Int4.cat([block for block in blocks if block])).fits:
            return whole
        full = torch.cat([self.weights.rows(*part) for part in named])
        return Int8.of(full) if self._in_8_bits(*(name for name, _ in named)) else full

    def columns(self, name: str, count: int) -> Matrix:
        """This rank's `count` columns of a matrix."""
        name, start = self._tensor(name), self.rank * count
        if self.form == "file":
            blocks = self.weights.int4(name, columns=slice(start, start + count))
            if blocks is not None and blocks.fits:
                return blocks
        full = self.weights.columns(name, start, start + count)
        return Int8.of(full) if self._in_8_bits(name) else full

    def _in_8_bits(self, *names: str) -> bool:
        if self.form == "int8":
            return True
        return self.form == "file" and all(self.weights.is_int8(name) for name in names)

    def _tensor(self, name: str) -> str:
        return f"blk.{self.layer}.{name}.weight"


def _layer_parts(shard: _Shard) -> Iterator[tuple[str, Matrix]]:
    ffn = shard.shape.ffn // shard.tp
    mine = slice(shard.rank * ffn, (shard.rank + 1) * ffn)
    heads = shard.shape.heads // shard.tp * shard.shape.head_dim
    yield "input_layernorm.weight", shard.vector("attn_norm")
    yield "self_attention.linear_qkv.weight", shard.stacked(list(_qkv(shard)))
    yield "self_attention.linear_proj.weight", shard.columns("attn_output", heads)
    yield "pre_mlp_layernorm.weight", shard.vector("ffn_norm")
    yield "mlp.linear_fc1.weight", shard.stacked([("ffn_gate", mine), ("ffn_up", mine)])
    yield "mlp.linear_fc2.weight", shard.columns("ffn_down", ffn)


def _qkv(shard: _Shard) -> Iterator[tuple[str, Rows]]:
    """[q ... q, k, v] for each key/value head of this rank."""
    shape, tp = shard.shape, shard.tp
    dim, per_group = shape.head_dim, shape.heads // shape.kv_groups(tp)
    groups = shape.kv_groups(tp) // tp
    for group in range(shard.rank * groups, (shard.rank + 1) * groups):
        # With fewer key/value heads than ranks, neighbouring ranks hold copies of one head.
        kv = group * shape.kv_heads // shape.kv_groups(tp)
        yield "attn_q", _rotate_half_rows(range(group * per_group, (group + 1) * per_group), dim)
        yield "attn_k", _rotate_half_rows(range(kv, kv + 1), dim)
        yield "attn_v", slice(kv * dim, (kv + 1) * dim)


def _rotate_half_rows(heads: range, dim: int) -> NDArray[np.int64]:
    """Rows of these heads in rotate-half order; llama GGUF files interleave the two halves."""
    in_head = np.arange(dim).reshape(dim // 2, 2).T.reshape(-1)
    return np.concatenate([head * dim + in_head for head in heads])


def _times(dims: tuple[int, ...]) -> str:
    return " x ".join(map(str, dims))


def _pad(rows: torch.Tensor, count: int) -> torch.Tensor:
    return torch.nn.functional.pad(rows, (0, 0, 0, count - len(rows)))
