"""The numbers that define a llama-family model, read from its GGUF header."""

from __future__ import annotations

from dataclasses import dataclass

from inference.gguf_file import GGUFFile, ModelError


@dataclass(frozen=True, slots=True)
class ModelShape:
    """A llama-family decoder: RMSNorm, rotary positions, grouped queries, SwiGLU."""

    layers: int
    hidden: int
    heads: int
    kv_heads: int
    head_dim: int
    ffn: int
    vocab: int
    context: int
    norm_eps: float
    rope_base: float
    tied: bool

    def __post_init__(self) -> None:
        assert self.heads % self.kv_heads == 0
        assert self.head_dim % 2 == 0

    def kv_groups(self, tp: int) -> int:
        """Key/value heads over all ranks; with fewer heads than ranks each rank holds a copy."""
        return max(self.kv_heads, tp)

    def cache_bytes(self, tokens: int, tp: int, number_size: int) -> int:
        """What the keys and values of `tokens` tokens take on each of `tp` ranks."""
        heads = self.kv_groups(tp) // tp
        return 2 * self.layers * heads * self.head_dim * tokens * number_size

    def padded_vocab(self, tp: int) -> int:
        return -(-self.vocab // tp) * tp

    def splits(self, tp: int) -> bool:
        """Whether every rank of `tp` gets an equal share."""
        kv_fits = self.kv_heads % tp == 0 or tp % self.kv_heads == 0
        return self.heads % tp == 0 and self.ffn % tp == 0 and kv_fits


def shape_of(file: GGUFFile) -> ModelShape:
    """The shape of the model in `file`. Raises ModelError for anything but the llama family."""
    arch = file.text("general.architecture")
    if arch != "llama":
        raise ModelError(f"{file.path} holds a {arch!r} model; this worker serves 'llama' files.")
    if any(key.startswith("llama.rope.scaling") for key in file.metadata):
        raise ModelError(f"{file.path} asks for scaled rotary positions, which are not built yet.")
    heads = _count(file, "llama.attention.head_count")
    hidden = _count(file, "llama.embedding_length")
    kv_heads = _count(file, "llama.attention.head_count_kv", heads)
    head_dim = _count(file, "llama.attention.key_length", hidden // heads)
    if heads % kv_heads or head_dim % 2:
        raise ModelError(
            f"{file.path} has {heads} attention heads of {head_dim} numbers over {kv_heads} "
            "key/value heads, which do not fit together."
        )
    return ModelShape(
        layers=_count(file, "llama.block_count"),
        hidden=hidden,
        heads=heads,
        kv_heads=kv_heads,
        head_dim=head_dim,
        ffn=_count(file, "llama.feed_forward_length"),
        vocab=len(file.strings("tokenizer.ggml.tokens")),
        context=_count(file, "llama.context_length"),
        norm_eps=file.number("llama.attention.layer_norm_rms_epsilon"),
        rope_base=file.number("llama.rope.freq_base", 10000.0),
        tied="output.weight" not in file.tensors,
    )


def _count(file: GGUFFile, key: str, default: int | None = None) -> int:
    if (count := file.integer(key, default)) < 1:
        raise ModelError(f"{file.path} has {count} under {key!r}, where at least 1 is needed.")
    return count


def check_cache(shape: ModelShape, tp: int, tokens: int, number_size: int, memory: int) -> None:
    """Raises ModelError if the cache alone takes more than the `memory` bytes of a rank."""
    needed = shape.cache_bytes(tokens, tp, number_size)
    if needed <= memory:
        return
    raise ModelError(
        f"A cache of KV_TOKENS={tokens:,} takes {needed / 1e9:,.1f} GB on each of "
        f"{tp} rank(s), which has {memory / 1e9:,.1f} GB at most; lower KV_TOKENS."
    )


def check_split(shape: ModelShape, tp: int) -> None:
    """Raises ModelError if the model cannot be split over `tp` ranks."""
    if shape.splits(tp):
        return
    fits = ", ".join(str(n) for n in range(1, shape.heads + 1) if shape.splits(n))
    raise ModelError(
        f"TP={tp} does not divide this model ({shape.heads} attention heads, {shape.kv_heads} "
        f"key/value heads, {shape.ffn} feed-forward columns); set TP to one of: {fits}."
    )
