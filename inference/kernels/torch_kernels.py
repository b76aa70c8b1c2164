"""The functions of a layer in plain torch: the reference, and for CPUs without a compiler."""

import torch
from torch.nn import functional as F  # noqa: N812

from inference.kernels.activation import Activation
from inference.kernels.layer_kernels import LayerAttention, Norm, StepRows
from inference.kernels.rotary import RotaryTable
from inference.kernels.torch_attention import attend_batch
from inference.kernels.torch_batches import (
    CAPPED_TILE,
    KV_BLOCK,
    QUERY_TILE,
    AttentionBatch,
    AttentionBatcher,
    equal_tails,
)

Rotation = tuple[torch.Tensor, torch.Tensor]


class TorchKernels:
    """`LayerKernels` in torch's own operators. It needs the chunks of each step.

    group: queries that share a key; windows: of all layers; capped: whether scores are limited.
    """

    tile_rows = 1

    def __init__(
        self,
        dtype: torch.dtype,
        group: int,
        head_dim: int,
        windows: frozenset[int | None],
        *,
        capped: bool,
    ) -> None:
        self.dtype = dtype
        tails = (KV_BLOCK,) if capped else equal_tails(head_dim, dtype)
        self.batcher = AttentionBatcher(
            group, windows, tails, CAPPED_TILE if capped else QUERY_TILE
        )
        # Of the step that is being computed: its layers share them.
        self._step: StepRows | None = None
        self._batches: tuple[AttentionBatch, ...] = ()
        self._rotations: dict[RotaryTable, Rotation] = {}

    def add_norm(
        self, hidden: torch.Tensor, added: torch.Tensor | None, post: Norm | None, norm: Norm
    ) -> torch.Tensor:
        if added is not None:
            hidden.add_(added if post is None else normalise(added.float(), post, torch.float32))
        return normalise(hidden, norm, self.dtype)

    def store(self, qkv: torch.Tensor, layer: LayerAttention, step: StepRows) -> None:
        self._begin(step)
        if (norm := layer.head_norm) is not None:
            both = qkv[:, :, :-1].float()
            scale = torch.linalg.vecdot(both, both).div_(both.shape[-1]).add_(norm.eps).rsqrt_()
            qkv[:, :, :-1] = (both * scale.unsqueeze(-1) * norm.weight).to(self.dtype)
        if layer.rotary is not None:
            rotate_(qkv[:, :, :-1], *self._rotation(layer.rotary, step))
        step.cache.by_slot[layer.index].index_copy_(0, step.slots, qkv[:, :, -2:])

    def attend(self, qkv: torch.Tensor, layer: LayerAttention, step: StepRows) -> torch.Tensor:
        self._begin(step)
        cached = step.cache.by_page[layer.index]
        outs = [attend_batch(qkv, cached, batch, layer) for batch in self._batches]
        if missing := qkv.shape[0] - self._batches[-1].rows.stop:
            # Rows that fill up the step stay copies of the last: all are written to one slot.
            outs.append(outs[-1][-1:].expand(missing, -1))
        return outs[0] if len(outs) == 1 else torch.cat(outs)

    def activate(self, rows: torch.Tensor, activation: Activation, gated: bool) -> torch.Tensor:
        if not gated:
            return apply(rows, activation)
        gate, up = rows.chunk(2, dim=-1)
        return apply(gate, activation).mul_(up)

    def _begin(self, step: StepRows) -> None:
        if step is self._step:
            return
        self._step, self._rotations = step, {}
        self._batches = self.batcher.batches(step.chunks, step.cache)

    def _rotation(self, table: RotaryTable, step: StepRows) -> Rotation:
        if table not in self._rotations:
            cos, sin = table.cos[step.positions], table.sin[step.positions]
            self._rotations[table] = cos[:, None, None], sin[:, None, None]
        return self._rotations[table]


def normalise(rows: torch.Tensor, norm: Norm, dtype: torch.dtype) -> torch.Tensor:
    """Return rows, [rows, hidden] fp32, normalised, in `dtype`."""
    if norm.bias is not None:
        return F.layer_norm(rows, norm.weight.shape, norm.weight, norm.bias, norm.eps).to(dtype)
    # In fewer operators than torch's.
    scale = torch.linalg.vecdot(rows, rows).div_(rows.shape[1]).add_(norm.eps).rsqrt_()
    out = torch.empty(rows.shape, dtype=dtype, device=rows.device)
    return torch.mul(rows * scale.unsqueeze(1), norm.weight, out=out)


def rotate_(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> None:
    """Rotate x in place. x: [rows, groups, heads, head_dim]."""
    swapped = x.roll(x.shape[-1] // 2, -1)
    x.mul_(cos).addcmul_(swapped, sin)


def apply(rows: torch.Tensor, activation: Activation) -> torch.Tensor:
    """Return the activation of each number."""
    if activation == "silu":
        return F.silu(rows)
    return F.gelu(rows, approximate="tanh" if activation == "gelu_tanh" else "none")
