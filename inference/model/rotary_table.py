"""Cosine and sine of rotary positions, computed once, and the rotation by them. Plain torch."""

import torch

from inference.model.rope import Rope

Rotation = tuple[torch.Tensor, torch.Tensor]


class RotaryTable:
    """Rotary position embedding (Su et al. 2021), rotate-half form, computed once in fp32.

    The sine of the first half carries the minus sign of the rotation.
    """

    def __init__(
        self, rope: Rope, positions: int, dtype: torch.dtype, device: torch.device
    ) -> None:
        angles = torch.outer(
            torch.arange(positions, dtype=torch.float32), torch.tensor(rope.frequencies())
        )
        if rope.kind == "dynamic":
            stretch = torch.tensor([rope.stretch(position) for position in range(positions)])
            angles *= stretch[:, None] ** (torch.arange(0, -rope.dim, -2) / rope.dim)
        cos, sin = (rope.attention_factor * of for of in (angles.cos(), angles.sin()))
        self.cos = torch.cat([cos, cos], dim=-1).to(device, dtype)
        self.sin = torch.cat([-sin, sin], dim=-1).to(device, dtype)

    def at(self, positions: torch.Tensor) -> Rotation:
        """Return cosine and sine, [rows, 1, 1, head_dim]. Raises IndexError if a position exceeds
        the table.
        """
        return self.cos[positions][:, None, None], self.sin[positions][:, None, None]


def rotate_(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> None:
    """Rotate x in place. x: [rows, groups, heads, head_dim]."""
    swapped = x.roll(x.shape[-1] // 2, -1)
    x.mul_(cos).addcmul_(swapped, sin)
