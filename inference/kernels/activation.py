"""The functions that may stand in a feed-forward. No torch: the supervisor knows them by name."""

from typing import Literal

Activation = Literal["silu", "gelu", "gelu_tanh"]
