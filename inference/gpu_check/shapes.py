"""Shapes of models, and how much is measured of them."""

from dataclasses import dataclass

from inference.kernels.rope import Rope
from inference.model.config import AttentionPattern, ModelConfig


def qwen3(
    *, layers: int, hidden: int, heads: int, kv_heads: int, dim: int, ffn: int, vocab: int
) -> ModelConfig:
    """Return a model of the family of Qwen3 (Yang et al. 2025): rotation, head norms, SwiGLU."""
    return ModelConfig(
        family="qwen3",
        layers=layers,
        hidden=hidden,
        heads=heads,
        kv_heads=kv_heads,
        head_dim=dim,
        ffn=ffn,
        vocab=vocab,
        context=40_960,
        norm_eps=1e-6,
        tied=False,
        patterns=(AttentionPattern(Rope(dim, 1_000_000.0)),) * layers,
        qk_norm=True,
    )


Point = tuple[int, int]
"""Texts at once, and tokens that each has already."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured. Tokens, but for these: shape; parity: a shape of few layers; copied:
    bytes; square: rows of the matrices of the matmul ceiling; rate: arrivals a second.
    """

    shape: ModelConfig
    parity: ModelConfig
    copied: int
    square: int
    decode_rows: tuple[int, ...]
    contexts: tuple[int, ...]
    steps: int
    prefills: tuple[int, ...]
    step_tokens: tuple[int, ...]
    peer_points: tuple[Point, ...]
    peer_tokens: int
    arrivals: int
    rate: float
    arriving: Point
    cache: int


LARGE = {"hidden": 4096, "heads": 32, "kv_heads": 8, "dim": 128, "ffn": 12_288, "vocab": 151_936}
TINY = {"hidden": 64, "heads": 4, "kv_heads": 2, "dim": 16, "ffn": 96, "vocab": 331}
# Qwen3-8B, and its first layers.
FULL = Sizes(
    shape=qwen3(layers=36, **LARGE),
    parity=qwen3(layers=4, **LARGE),
    copied=4 * 2**30,
    square=8192,
    decode_rows=(1, 2, 4, 8, 16, 32, 64),
    # A little less than the lengths that steps are captured for.
    contexts=(128, 2000, 8000),
    steps=24,
    prefills=(256, 1024, 2048, 8192, 32_768),
    step_tokens=(2048, 4096, 8192),
    peer_points=((1, 128), (1, 1900), (8, 1900), (32, 1900), (64, 128)),
    peer_tokens=64,
    arrivals=64,
    rate=16.0,
    arriving=(512, 128),
    cache=64 * (8192 + 128),
)
SMALL = Sizes(
    shape=qwen3(layers=2, **TINY),
    parity=qwen3(layers=2, **TINY),
    copied=2**24,
    square=256,
    decode_rows=(1, 4),
    contexts=(40,),
    steps=4,
    prefills=(48,),
    step_tokens=(32,),
    peer_points=((2, 20),),
    peer_tokens=4,
    arrivals=6,
    rate=100.0,
    arriving=(20, 6),
    cache=2048,
)
