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
    heads = file.integer("llama.attention.head_count")
    hidden = file.integer("llama.embedding_length")
    return ModelShape(
        layers=file.integer("llama.block_count"),
        hidden=hidden,
        heads=heads,
        kv_heads=file.integer("llama.attention.head_count_kv", heads),
        head_dim=file.integer("llama.attention.key_length", hidden // heads),
        ffn=file.integer("llama.feed_forward_length"),
        vocab=len(file.strings("tokenizer.ggml.tokens")),
        context=file.integer("llama.context_length"),
        norm_eps=file.number("llama.attention.layer_norm_rms_epsilon"),
        rope_base=file.number("llama.rope.freq_base", 10000.0),
        tied="output.weight" not in file.tensors,
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
