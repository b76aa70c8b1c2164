"""The layers between the products of a decoder: norms, activations, the embedding. Plain torch."""

from collections.abc import Callable
from functools import partial

import torch
import torch.distributed as dist
from torch import nn

from inference.model.config import ModelConfig
from inference.model.linear import sum_over_ranks

RowFunction = Callable[[torch.Tensor], torch.Tensor]


class RMSNorm(nn.Module):
    """RMSNorm (Zhang and Sennrich 2019) of fp32 rows, in fewer operators than torch's."""

    def __init__(self, weight: torch.Tensor, eps: float, dtype: torch.dtype) -> None:
        """weight: [hidden], fp32; dtype: of what it returns."""
        super().__init__()
        hidden = len(weight)
        # 1 / sqrt(mean + eps) = sqrt(hidden) / sqrt(sum + hidden * eps)
        self.weight = weight * hidden**0.5
        self.eps = torch.tensor(hidden * eps, device=weight.device)
        self.dtype = dtype

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """Normalise rows, [rows, hidden] fp32. Returns them in the number format of the model."""
        scale = torch.linalg.vecdot(rows, rows).add_(self.eps).rsqrt_()
        out = torch.empty(rows.shape, dtype=self.dtype, device=rows.device)
        return torch.mul(rows * scale.unsqueeze(1), self.weight, out=out)

    # No hooks: there are none, and the search for them takes as long as a small operator.
    __call__ = forward


class LayerNorm(nn.Module):
    """LayerNorm (Ba et al. 2016) of fp32 rows. weight, bias: [hidden], fp32."""

    def __init__(
        self, weight: torch.Tensor, bias: torch.Tensor, eps: float, dtype: torch.dtype
    ) -> None:
        super().__init__()
        self.weight, self.bias, self.eps, self.dtype = weight, bias, eps, dtype

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        normed = nn.functional.layer_norm(rows, self.weight.shape, self.weight, self.bias, self.eps)
        return normed.to(self.dtype)

    __call__ = forward


class HeadNorm:
    """RMSNorm of each head of queries and keys, in place (Dehghani et al. 2023; Qwen3, Gemma 3).

    query, key: norms with weights [head_dim]; heads: the number of queries that share a key.
    """

    def __init__(self, query: RMSNorm, key: RMSNorm, heads: int) -> None:
        self.weight = torch.stack([query.weight] * heads + [key.weight])
        self.eps, self.dtype = query.eps, query.dtype

    def __call__(self, qkv: torch.Tensor) -> None:
        """Normalise queries and keys in qkv: [rows, groups, heads + 2, head_dim], value last."""
        both = qkv[:, :, :-1].float()
        scale = torch.linalg.vecdot(both, both).add_(self.eps).rsqrt_().unsqueeze(-1)
        qkv[:, :, :-1] = (both * scale * self.weight).to(self.dtype)


class VocabParallelEmbedding(nn.Module):
    """The rows of this rank's part of the vocabulary, multiplied by `scale`."""

    def __init__(self, weight: torch.Tensor, group: dist.ProcessGroup, scale: float) -> None:
        super().__init__()
        self.weight, self.group, self.scale = weight, group, scale
        self.start = group.rank() * len(weight)

    def forward(self, token_ids: torch.Tensor) -> torch.Tensor:
        """Return [rows, hidden], fp32. token_ids: [rows] int64."""
        if self.group.size() == 1:
            rows = self.weight[token_ids].float()
        else:
            mine = token_ids - self.start
            elsewhere = (mine < 0) | (mine >= len(self.weight))
            rows = self.weight[mine.masked_fill_(elsewhere, 0)].float()
            rows = sum_over_ranks(rows.masked_fill_(elsewhere[:, None], 0.0), self.group)
        return rows if self.scale == 1.0 else rows.mul_(self.scale)


def activation(config: ModelConfig) -> RowFunction:
    """Return the function between the two products of the feed-forward."""
    approximate = "tanh" if config.activation == "gelu_tanh" else "none"
    act = (
        nn.functional.silu
        if config.activation == "silu"
        else partial(nn.functional.gelu, approximate=approximate)
    )
    if not config.gated:
        return act

    def gated(rows: torch.Tensor) -> torch.Tensor:
        gate, up = rows.chunk(2, dim=-1)
        return act(gate).mul_(up)

    return gated
