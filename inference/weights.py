"""Weights from a GGUF file into the model, each rank reading and dequantising only its own part.

Knows the names and layouts of llama-family GGUF files; knows nothing of Megatron but the names of
the parameters.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import lru_cache

import numpy as np
import torch
from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType
from gguf.quants import dequantize
from numpy.typing import NDArray

from inference.gguf_file import GGUFFile, ModelError, TensorInfo
from inference.shape import ModelShape

type_of = GGMLQuantizationType

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

    def rows(self, name: str, rows: slice | NDArray[np.int64] = slice(None)) -> torch.Tensor:
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
    weights: Weights, shape: ModelShape, rank: int, tp: int
) -> Iterator[tuple[str, torch.Tensor]]:
    """Every parameter of the model by its Megatron name, as rank `rank` of `tp` holds it, in fp32.

    One parameter is held at a time, so loading needs little more memory than the model.
    """
    per_rank = shape.padded_vocab(tp) // tp
    vocab = slice(rank * per_rank, min((rank + 1) * per_rank, shape.vocab))
    yield (
        "embedding.word_embeddings.weight",
        _pad(weights.rows("token_embd.weight", vocab), per_rank),
    )
    yield "decoder.final_layernorm.weight", weights.rows("output_norm.weight")
    if not shape.tied:
        yield "output_layer.weight", _pad(weights.rows("output.weight", vocab), per_rank)
    for layer in range(shape.layers):
        for name, tensor in _layer_parts(weights, shape, rank, tp, f"blk.{layer}."):
            yield f"decoder.layers.{layer}.{name}", tensor


def _layer_parts(
    weights: Weights, shape: ModelShape, rank: int, tp: int, block: str
) -> Iterator[tuple[str, torch.Tensor]]:
    ffn = shape.ffn // tp
    mine = slice(rank * ffn, (rank + 1) * ffn)
    heads = shape.heads // tp * shape.head_dim
    yield "input_layernorm.weight", weights.rows(block + "attn_norm.weight")
    yield "self_attention.linear_qkv.weight", _qkv(weights, shape, rank, tp, block)
    yield (
        "self_attention.linear_proj.weight",
        weights.columns(block + "attn_output.weight", rank * heads, (rank + 1) * heads),
    )
    yield "pre_mlp_layernorm.weight", weights.rows(block + "ffn_norm.weight")
    gate = weights.rows(block + "ffn_gate.weight", mine)
    up = weights.rows(block + "ffn_up.weight", mine)
    yield "mlp.linear_fc1.weight", torch.cat([gate, up])
    yield (
        "mlp.linear_fc2.weight",
        weights.columns(block + "ffn_down.weight", rank * ffn, (rank + 1) * ffn),
    )


def _qkv(weights: Weights, shape: ModelShape, rank: int, tp: int, block: str) -> torch.Tensor:
    """[q ... q, k, v] for each key/value head of this rank."""
    dim, per_group = shape.head_dim, shape.heads // shape.kv_groups(tp)
    groups = shape.kv_groups(tp) // tp
    parts = []
    for group in range(rank * groups, (rank + 1) * groups):
        # With fewer key/value heads than ranks, neighbouring ranks hold copies of one head.
        kv = group * shape.kv_heads // shape.kv_groups(tp)
        q_rows = _rotate_half_rows(range(group * per_group, (group + 1) * per_group), dim)
        kv_rows = _rotate_half_rows(range(kv, kv + 1), dim)
        parts.append(weights.rows(block + "attn_q.weight", q_rows))
        parts.append(weights.rows(block + "attn_k.weight", kv_rows))
        parts.append(weights.rows(block + "attn_v.weight", slice(kv * dim, (kv + 1) * dim)))
    return torch.cat(parts)


def _rotate_half_rows(heads: range, dim: int) -> NDArray[np.int64]:
    """Rows of these heads in rotate-half order; llama GGUF files interleave the two halves."""
    in_head = np.arange(dim).reshape(dim // 2, 2).T.reshape(-1)
    return np.concatenate([head * dim + in_head for head in heads])


def _times(dims: tuple[int, ...]) -> str:
    return " x ".join(map(str, dims))


def _pad(rows: torch.Tensor, count: int) -> torch.Tensor:
    return torch.nn.functional.pad(rows, (0, 0, 0, count - len(rows)))
