"""The embedding of tokens, each rank with a part of the vocabulary. Plain torch."""

import torch
import torch.distributed as dist
from torch import nn

from inference.model.linear import sum_over_ranks


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
            rows.masked_fill_(elsewhere[:, None], 0.0)
            # One rank has the row and the others zeros: any order gives the same.
            rows = sum_over_ranks(rows, self.group, in_order=False)
        return rows if self.scale == 1.0 else rows.mul_(self.scale)
