"""How fast rotary positions turn: plain, and stretched in the ways that long contexts use.

Pure numbers: no torch. Rotary position embedding: Su et al. 2021. Stretched: linear, Chen et al.
2023; dynamic, NTK-aware; YaRN, Peng et al. 2023; llama3, Dubey et al. 2024.
"""

import math
from dataclasses import dataclass
from typing import Literal

RopeKind = Literal["default", "linear", "dynamic", "yarn", "llama3", "factors"]


@dataclass(frozen=True, slots=True)
class Rope:
    """Rotary positions of heads with `dim` numbers.

    factor: how far the context is stretched; original: the context before that, in tokens; factors:
    what each frequency is divided by (kind "factors"). The other names are those of config.json.
    """

    dim: int
    base: float
    kind: RopeKind = "default"
    factor: float = 1.0
    original: int = 0
    beta_fast: float = 32.0
    beta_slow: float = 1.0
    truncate: bool = True
    low_freq_factor: float = 1.0
    high_freq_factor: float = 4.0
    attention_factor: float = 1.0
    factors: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        assert self.dim % 2 == 0
        assert self.base > 1
        assert self.factor > 0
        assert self.original > 0 or self.kind in ("default", "linear", "factors")
        assert self.kind != "factors" or len(self.factors) == self.dim // 2

    def frequencies(self) -> list[float]:
        """Return the radians a token for each pair of numbers, [dim / 2]."""
        plain = [self.base ** (-2 * i / self.dim) for i in range(self.dim // 2)]
        match self.kind:
            case "linear":
                return [frequency / self.factor for frequency in plain]
            case "factors":
                return [f / by for f, by in zip(plain, self.factors, strict=True)]
            case "llama3":
                return [self._llama3(frequency) for frequency in plain]
            case "yarn":
                return self._yarn(plain)
        return plain

    def stretch(self, position: int) -> float:
        """Return what dynamic stretching divides the frequencies by, to the power of 2i / dim. It
        begins after the original context and grows with each token, as if the text ended there: so
        cached keys stay right.
        """
        if self.kind != "dynamic" or position < self.original:
            return 1.0
        longer = self.factor * (position + 1) / self.original - (self.factor - 1)
        return float(longer ** (self.dim / (self.dim - 2)))

    def _llama3(self, frequency: float) -> float:
        """Keep fast frequencies, stretch slow ones, and interpolate between."""
        turns = self.original * frequency / (2 * math.pi)
        if turns > self.high_freq_factor:
            return frequency
        if turns < self.low_freq_factor:
            return frequency / self.factor
        smooth = (turns - self.low_freq_factor) / (self.high_freq_factor - self.low_freq_factor)
        return (1 - smooth) * frequency / self.factor + smooth * frequency

    def _yarn(self, plain: list[float]) -> list[float]:
        """Interpolate as llama3, but with limits by index instead of by turns."""
        low, high = self._pair(self.beta_fast), self._pair(self.beta_slow)
        if self.truncate:
            low, high = math.floor(low), math.ceil(high)
        low, high = max(low, 0), min(high, self.dim - 1)
        width = high - low or 0.001
        stretched = [min(max((i - low) / width, 0.0), 1.0) for i in range(len(plain))]
        return [
            f / self.factor * part + f * (1 - part)
            for f, part in zip(plain, stretched, strict=True)
        ]

    def _pair(self, turns: float) -> float:
        """Return the index of the pair that turns so often within the original context."""
        return (
            self.dim * math.log(self.original / (turns * 2 * math.pi)) / (2 * math.log(self.base))
        )


def yarn_attention_factor(factor: float, mscale: float = 1.0, mscale_all: float = 0.0) -> float:
    """Return what YaRN multiplies cosine and sine by, if a model does not say."""

    def of(scale: float) -> float:
        return 0.1 * scale * math.log(factor) + 1.0 if factor > 1 else 1.0

    return of(mscale) / of(mscale_all) if mscale and mscale_all else of(1.0)
