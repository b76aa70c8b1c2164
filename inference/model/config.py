"""The numbers that define a decoder, and the parameters that it has. Knows no file format."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from inference.errors import ModelError
from inference.kernels.activation import Activation
from inference.kernels.rope import Rope


@dataclass(frozen=True, slots=True)
class AttentionPattern:
    """How the attention of a layer uses positions: how queries and keys turn (None: not at all),
    and how many of the last tokens it sees (None: all).
    """

    rope: Rope | None
    window: int | None = None


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """A decoder: norm, attention with grouped queries, norm, feed-forward; positions by rotation or
    learned.

    patterns: of each layer. The biases are those of queries, keys and values; of the output of
    attention; of the feed-forward. qk_norm: queries and keys are normalised, head by head.
    post_norms: the results of attention and feed-forward are normalised too. attention_scale: what
    scores are multiplied by. Caps limit scores and logits softly, by tanh.
    """

    family: str
    layers: int
    hidden: int
    heads: int
    kv_heads: int
    head_dim: int
    ffn: int
    vocab: int
    context: int
    norm_eps: float
    tied: bool
    patterns: tuple[AttentionPattern, ...]
    norm: Literal["rms", "layer"] = "rms"
    activation: Activation = "silu"
    gated: bool = True
    qkv_bias: bool = False
    proj_bias: bool = False
    mlp_bias: bool = False
    qk_norm: bool = False
    post_norms: bool = False
    learned_positions: bool = False
    embedding_scale: float = 1.0
    attention_scale: float | None = None
    attention_cap: float | None = None
    logit_cap: float | None = None

    def __post_init__(self) -> None:
        assert self.heads % self.kv_heads == 0
        assert len(self.patterns) == self.layers
        assert self.learned_positions == all(pattern.rope is None for pattern in self.patterns)

    @property
    def scale(self) -> float:
        """What the scores of attention are multiplied by."""
        return self.head_dim**-0.5 if self.attention_scale is None else self.attention_scale

    def kv_groups(self, tp: int) -> int:
        """Return the key/value heads of all ranks together; with fewer heads than ranks, ranks hold
        copies.
        """
        return max(self.kv_heads, tp)

    def cache_bytes(self, tokens: int, tp: int, number_size: int) -> int:
        """Return the bytes of the keys and values of `tokens` tokens on each of `tp` ranks."""
        heads = self.kv_groups(tp) // tp
        return 2 * self.layers * heads * self.head_dim * tokens * number_size

    def padded_vocab(self, tp: int) -> int:
        return -(-self.vocab // tp) * tp

    def splits(self, tp: int) -> bool:
        """Say whether the model can be split into equal shares for `tp` ranks."""
        kv_fits = self.kv_heads % tp == 0 or tp % self.kv_heads == 0
        return self.heads % tp == 0 and self.ffn % tp == 0 and kv_fits


def parameter_shapes(config: ModelConfig) -> Iterator[tuple[str, tuple[int, int]]]:
    """Yield all parameters of a model: our name for each, and its rows and columns. A vector has
    rows of one number. A tied model has no "output.weight".
    """
    yield "embedding.weight", (config.vocab, config.hidden)
    if config.learned_positions:
        yield "positions.weight", (config.context, config.hidden)
    yield from _norm("final_norm", config)
    if not config.tied:
        yield "output.weight", (config.vocab, config.hidden)
    for layer in range(config.layers):
        for name, dims in _layer_shapes(config):
            yield f"layers.{layer}.{name}", dims


def _layer_shapes(config: ModelConfig) -> Iterator[tuple[str, tuple[int, int]]]:
    hidden, ffn, dim = config.hidden, config.ffn, config.head_dim
    heads, kv_heads = config.heads * dim, config.kv_heads * dim
    yield from _norm("attn_norm", config)
    yield from _linear("q", heads, hidden, config.qkv_bias)
    yield from _linear("k", kv_heads, hidden, config.qkv_bias)
    yield from _linear("v", kv_heads, hidden, config.qkv_bias)
    yield from _linear("o", hidden, heads, config.proj_bias)
    if config.qk_norm:
        yield "q_norm.weight", (dim, 1)
        yield "k_norm.weight", (dim, 1)
    if config.post_norms:
        yield from _norm("post_attn_norm", config)
    yield from _norm("mlp_norm", config)
    if config.gated:
        yield from _linear("gate", ffn, hidden, config.mlp_bias)
    yield from _linear("up", ffn, hidden, config.mlp_bias)
    yield from _linear("down", hidden, ffn, config.mlp_bias)
    if config.post_norms:
        yield from _norm("post_mlp_norm", config)


def _linear(
    name: str, rows: int, columns: int, bias: bool
) -> Iterator[tuple[str, tuple[int, int]]]:
    yield f"{name}.weight", (rows, columns)
    if bias:
        yield f"{name}.bias", (rows, 1)


def _norm(name: str, config: ModelConfig) -> Iterator[tuple[str, tuple[int, int]]]:
    yield f"{name}.weight", (config.hidden, 1)
    if config.norm == "layer":
        yield f"{name}.bias", (config.hidden, 1)


def check_heads(path: Path, heads: int, kv_heads: int, head_dim: int) -> None:
    """Raise ModelError if the numbers of heads in a header do not fit together."""
    if heads % kv_heads or head_dim % 2:
        raise ModelError(
            f"{path} has {heads} attention heads of {head_dim} numbers over {kv_heads} key/value "
            "heads, which do not fit together."
        )


def check_cache(config: ModelConfig, tp: int, tokens: int, number_size: int, memory: int) -> None:
    """Raise ModelError if the cache alone takes more than the `memory` bytes of a rank."""
    needed = config.cache_bytes(tokens, tp, number_size)
    if needed <= memory:
        return
    raise ModelError(
        f"A cache of KV_TOKENS={tokens:,} takes {needed / 1e9:,.1f} GB on each of "
        f"{tp} rank(s), which has {memory / 1e9:,.1f} GB at most; lower KV_TOKENS."
    )


def check_split(config: ModelConfig, tp: int) -> None:
    """Raise ModelError if the model cannot be split over `tp` ranks."""
    if config.splits(tp):
        return
    fits = ", ".join(str(n) for n in range(1, config.heads + 1) if config.splits(n))
    raise ModelError(
        f"TP={tp} does not divide this model ({config.heads} attention heads, {config.kv_heads} "
        f"key/value heads, {config.ffn} feed-forward columns); set TP to one of: {fits}."
    )
