"""Weights in few bits: as they are held in memory, and as the 4-bit blocks of a GGUF file."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from gguf.constants import GGMLQuantizationType
from numpy.typing import NDArray

GROUP = 32
# The kernel of torch for 4 bits takes so many rows of weights at once.
INT4_ROWS = 16


@dataclass(frozen=True, slots=True)
class Int4:
    """Rows of 4-bit numbers in groups of 32: weight = scale * value + minimum.

    values: [out, in] uint8, 0 to 15; scales, minima: [out, in / 32], fp32.
    """

    values: torch.Tensor
    scales: torch.Tensor
    minima: torch.Tensor

    @classmethod
    def cat(cls, parts: "Sequence[Int4]") -> "Int4":
        fields = ([p.values for p in parts], [p.scales for p in parts], [p.minima for p in parts])
        return cls(*(torch.cat(field) for field in fields))

    @property
    def shape(self) -> torch.Size:
        return self.values.shape

    def to(self, device: torch.device) -> "Int4":
        return Int4(self.values.to(device), self.scales.to(device), self.minima.to(device))

    def full(self) -> torch.Tensor:
        """Return [out, in], fp32."""
        values = self.values.view(len(self.values), -1, GROUP).float()
        full = values * self.scales[..., None] + self.minima[..., None]
        return full.view(self.shape)


@dataclass(frozen=True, slots=True)
class Int8:
    """Rows of 8-bit numbers with one scale each. values: [out, in] int8; scales: [out], fp32."""

    values: torch.Tensor
    scales: torch.Tensor

    @classmethod
    def of(cls, weight: torch.Tensor) -> "Int8":
        """Round a matrix in fp32 to the nearest."""
        scales = (weight.abs().amax(dim=-1) / 127).clamp(min=1e-30)
        return cls((weight / scales[:, None]).round().to(torch.int8), scales)

    @property
    def shape(self) -> torch.Size:
        return self.values.shape

    def to(self, device: torch.device) -> "Int8":
        return Int8(self.values.to(device), self.scales.to(device))

    def full(self) -> torch.Tensor:
        """Return [out, in], fp32."""
        return self.values.float() * self.scales[:, None]


def read_q4(blocks: NDArray[np.uint8], kind: GGMLQuantizationType) -> Int4:
    """Read Q4_0 and Q4_1. blocks: [rows, groups, bytes of a block]: scale (and minimum) in fp16,
    then 16 bytes with the first half of the values in their low bits and the second in their high
    bits.
    """
    heads, nibbles = blocks[..., :-16].copy().view(np.float16), blocks[..., -16:]
    values = np.concatenate([nibbles & 15, nibbles >> 4], axis=-1).reshape(len(blocks), -1)
    scales = heads[..., 0].astype(np.float32)
    has_minima = kind is GGMLQuantizationType.Q4_1
    minima = heads[..., 1].astype(np.float32) if has_minima else -8 * scales
    return Int4(*map(torch.from_numpy, (values, scales, minima)))


def read_q4_k(blocks: NDArray[np.uint8]) -> Int4:
    """Read Q4_K. blocks: [rows, blocks, 144]: scales of the scales and of the minima in fp16; 12
    bytes with eight of each in 6 bits; four times 32 bytes with one group in their low bits and the
    next in their high bits.

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
