"""The table of rotary positions, from the frequencies of a model."""

import torch

from inference.kernels.rope import Rope


class RotaryTable:
    """Rotary position embedding (Su et al. 2021), rotate-half form, computed once in fp32.

    cos, sin: [positions, head_dim] in the number format of the model. The sine of the first half
    carries the minus sign of the rotation: x * cos + roll(x, head_dim / 2) * sin.
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
