"""What a layer computes between its products, and where the rows of a step stand.

Knows nothing of Megatron, of scheduling or of requests.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import nn

from inference.kernels.activation import Activation
from inference.kernels.paged_cache import KVCache
from inference.kernels.rotary import RotaryTable
from inference.kernels.upload import upload


class Norm(nn.Module):
    """RMSNorm (Zhang and Sennrich 2019), or with a bias LayerNorm (Ba et al. 2016), of fp32 rows.

    weight, bias: [hidden] fp32. It only holds them: `LayerKernels` compute. A module, because it
    stands in the place of one of Megatron's.
    """

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None, eps: float) -> None:
        super().__init__()
        self.weight, self.bias, self.eps = weight, bias, eps


@dataclass(frozen=True, slots=True)
class HeadNorm:
    """RMSNorm of each head of queries and keys (Dehghani et al. 2023; Qwen3, Gemma 3).

    weight: [group + 1, head_dim] fp32, of the queries that share a key, and of the key.
    """

    weight: torch.Tensor
    eps: float


@dataclass(frozen=True, slots=True)
class LayerAttention:
    """What attention needs to know of a layer.

    index: its number; scale: what scores are multiplied by; cap: what they are softly limited to,
    cap * tanh(score / cap) (Gemma Team 2024); window: how many of the last tokens it sees, its own
    included (None: all); rotary: how queries and keys turn (None: not at all).
    """

    index: int
    scale: float
    cap: float | None = None
    window: int | None = None
    rotary: RotaryTable | None = None
    head_norm: HeadNorm | None = None


@dataclass(frozen=True, slots=True)
class QueryChunk:
    """What a step computes of one sequence: `count` tokens, the first of them at `position`.
    pages: of all tokens of the sequence, in order.
    """

    count: int
    position: int
    pages: Sequence[int]

    def __post_init__(self) -> None:
        assert self.count > 0

    @property
    def length(self) -> int:
        return self.position + self.count

    @property
    def kind(self) -> tuple[int, int]:
        """What chunks that are computed together have in common: their count, and about their
        length. Chunks of one kind follow one another in a step.
        """
        return self.count, self.length.bit_length()


@dataclass(frozen=True, slots=True)
class StepRows:
    """Where the rows of a step stand: on the device, the same for all layers.

    positions: [rows] int64, of each row in its text. slots: [rows] int64, page * page_size + offset
    of its key and value in the cache. block_tables: [tables, pages] int32. table_of: [rows] int32,
    the block table of each row. tiles: [tiles, 2] int32, the first row and the number of rows that
    have one block table and positions one after another; every row is in one tile. longest: no row
    sees more tokens. chunks: the same as the host knows it; none in a static step. Rows that only
    fill up the step are copies of the last row, or read and write a page that nobody else has.
    """

    cache: KVCache
    positions: torch.Tensor
    slots: torch.Tensor
    block_tables: torch.Tensor
    table_of: torch.Tensor
    tiles: torch.Tensor
    longest: int
    chunks: Sequence[QueryChunk] = ()


def step_rows(
    chunks: Sequence[QueryChunk], cache: KVCache, tile_rows: int, padding: int = 0
) -> StepRows:
    """Return the rows of a step: those of each chunk, and the last one `padding` times more."""
    size, device = cache.page_size, cache.data.device
    places = [(i, p) for i, c in enumerate(chunks) for p in range(c.position, c.length)]
    places += places[-1:] * padding
    tiles, row = [], 0
    for chunk in chunks:
        end = row + chunk.count
        tiles += [(at, min(tile_rows, end - at)) for at in range(row, end, tile_rows)]
        row = end
    tiles += [(at, 1) for at in range(row, row + padding)]
    held = [chunk.pages[: -(-chunk.length // size)] for chunk in chunks]
    width = max(map(len, held))
    tables = [[*pages, *[0] * (width - len(pages))] for pages in held]
    slots = [chunks[i].pages[p // size] * size + p % size for i, p in places]
    return StepRows(
        cache,
        upload([p for _, p in places], device),
        upload(slots, device),
        upload(tables, device, torch.int32),
        upload([i for i, _ in places], device, torch.int32),
        upload(tiles, device, torch.int32),
        max(chunk.length for chunk in chunks),
        chunks,
    )


class LayerKernels(Protocol):
    """The functions of one device. A row's numbers depend on no other row."""

    tile_rows: int
    """How many rows a tile has at most."""

    def add_norm(
        self,
        hidden: torch.Tensor,
        added: torch.Tensor | None,
        post: Norm | None,
        norm: Norm,
    ) -> torch.Tensor:
        """Add to hidden, [rows, hidden] fp32, in place what a product has given, [rows, hidden],
        normalised by `post` if there is one; return the sum normalised, in the number format of
        the model.
        """
        ...

    def store(self, qkv: torch.Tensor, layer: LayerAttention, step: StepRows) -> None:
        """Normalise and turn queries and keys; write keys and values to the cache.

        qkv: [rows, kv_heads, group + 2, head_dim], for each key the queries that share it, then
        key and value; it is overwritten. First the heads' norm, then the rotation.
        """
        ...

    def attend(self, qkv: torch.Tensor, layer: LayerAttention, step: StepRows) -> torch.Tensor:
        """Compute causal attention of each row over the cached tokens of its text, its own
        included. qkv: as `store` left it. Returns [rows, kv_heads * group * head_dim].
        """
        ...

    def activate(self, rows: torch.Tensor, activation: Activation, gated: bool) -> torch.Tensor:
        """Return what stands between the two products of the feed-forward. Gated: the first half
        of the columns is activated and multiplied by the second half.
        """
        ...
