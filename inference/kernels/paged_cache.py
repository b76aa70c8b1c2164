"""The KV cache of a rank: the numbers themselves. Who holds which page, `engine.kv_cache` knows."""

from collections.abc import Sequence

import torch


class KVCache:
    """Keys and values of one rank: [layers, pages, page_size, kv_heads, 2, head_dim].

    Allocated once and whole, so that a worker that has started cannot run out of memory later.
    """

    def __init__(
        self, shape: tuple[int, int, int, int, int], dtype: torch.dtype, device: torch.device
    ) -> None:
        """shape: layers, pages, page_size, kv_heads, head_dim."""
        layers, pages, page_size, kv_heads, head_dim = shape
        self.page_count, self.page_size = pages, page_size
        self.data = torch.zeros(
            layers, pages, page_size, kv_heads, 2, head_dim, dtype=dtype, device=device
        )
        self.by_page = [layer.flatten(1) for layer in self.data]
        self.by_slot = [layer.flatten(0, 1) for layer in self.data]

    def copy(self, pairs: Sequence[tuple[int, int]]) -> None:
        """Copy pages, (from, to), one after the other."""
        for source, target in pairs:
            self.data[:, target] = self.data[:, source]
