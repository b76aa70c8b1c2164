"""Llama, Qwen2 and Qwen3 models in GGUF files: their config, and where their parameters lie.

Names and keys: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

from dataclasses import replace
from functools import lru_cache

import numpy as np

from inference.checkpoint.fields import Fields
from inference.checkpoint.gguf_file import GGUFFile
from inference.checkpoint.parameter_ref import ParameterRefs, RowIndices, direct_refs
from inference.checkpoint.stored_tensor import F32
from inference.errors import ModelError
from inference.kernels.rope import Rope, yarn_attention_factor
from inference.model.config import AttentionPattern, ModelConfig, check_heads, parameter_shapes

FAMILIES = ("llama", "qwen2", "qwen3")
# In models that are stretched as llama3 the frequencies are divided by these.
FACTORS = "rope_freqs.weight"
NAMES = {
    "embedding": "token_embd",
    "final_norm": "output_norm",
    "output": "output",
    "layers.{}.attn_norm": "blk.{}.attn_norm",
    "layers.{}.q": "blk.{}.attn_q",
    "layers.{}.k": "blk.{}.attn_k",
    "layers.{}.v": "blk.{}.attn_v",
    "layers.{}.o": "blk.{}.attn_output",
    "layers.{}.q_norm": "blk.{}.attn_q_norm",
    "layers.{}.k_norm": "blk.{}.attn_k_norm",
    "layers.{}.mlp_norm": "blk.{}.ffn_norm",
    "layers.{}.gate": "blk.{}.ffn_gate",
    "layers.{}.up": "blk.{}.ffn_up",
    "layers.{}.down": "blk.{}.ffn_down",
}


def gguf_config(file: GGUFFile) -> ModelConfig:
    """Return the config of the model in `file`. Raises ModelError."""
    arch = file.metadata.text("general.architecture")
    if arch not in FAMILIES:
        raise ModelError(
            f"{file.path} holds a {arch!r} model; of GGUF files this worker serves "
            f"{', '.join(FAMILIES)}."
        )
    keys = Fields(file.path, file.metadata.values, f"{arch}.")
    if keys.integer("expert_count", 0):
        raise ModelError(f"{file.path} is a mixture of experts, which this worker does not serve.")
    heads, hidden = keys.count("attention.head_count"), keys.count("embedding_length")
    kv_heads = keys.count("attention.head_count_kv", heads)
    head_dim = keys.count("attention.key_length", hidden // heads)
    check_heads(file.path, heads, kv_heads, head_dim)
    layers, context = keys.count("block_count"), keys.count("context_length")
    window = keys.integer("attention.sliding_window", 0) or None
    pattern = AttentionPattern(_rope(file, keys, head_dim, context), window)
    return ModelConfig(
        family=arch,
        layers=layers,
        hidden=hidden,
        heads=heads,
        kv_heads=kv_heads,
        head_dim=head_dim,
        ffn=keys.count("feed_forward_length"),
        vocab=len(file.metadata.strings("tokenizer.ggml.tokens")),
        context=context,
        norm_eps=keys.number("attention.layer_norm_rms_epsilon"),
        tied="output.weight" not in file.tensors,
        patterns=(pattern,) * layers,
        qkv_bias="blk.0.attn_q.bias" in file.tensors,
        proj_bias="blk.0.attn_output.bias" in file.tensors,
        mlp_bias="blk.0.ffn_up.bias" in file.tensors,
        qk_norm=arch == "qwen3",
    )


def gguf_refs(config: ModelConfig) -> ParameterRefs:
    refs = direct_refs(NAMES, parameter_shapes(config))
    if config.family == "llama":
        # Files of this family have queries and keys interleaved.
        for layer in range(config.layers):
            for name, heads in (("q", config.heads), ("k", config.kv_heads)):
                for part in (".weight", ".bias"):
                    if ref := refs.get(key := f"layers.{layer}.{name}{part}"):
                        rows = _rotate_half_rows(heads, config.head_dim)
                        refs[key] = replace(ref, rows=rows)
    return refs


@lru_cache
def _rotate_half_rows(heads: int, dim: int) -> RowIndices:
    """Return rows of `heads` heads in rotate-half order, if the two halves are interleaved."""
    in_head = np.arange(dim).reshape(dim // 2, 2).T.reshape(-1)
    return (np.arange(heads)[:, None] * dim + in_head).reshape(-1)


def _rope(file: GGUFFile, keys: Fields, dim: int, context: int) -> Rope:
    if keys.integer("rope.dimension_count", dim) != dim:
        raise ModelError(f"{file.path} turns only a part of each head, which is not served.")
    base = keys.number("rope.freq_base", 10000.0)
    if FACTORS in file.tensors:
        return Rope(dim, base, "factors", factors=_factors(file, dim))
    kind = keys.text("rope.scaling.type", "none")
    factor = keys.number("rope.scaling.factor", keys.number("rope.scale_linear", 1.0))
    if kind == "yarn":
        attention = keys.number("rope.scaling.attn_factor", 1.0) * yarn_attention_factor(factor)
        return Rope(
            dim,
            base,
            "yarn",
            factor,
            keys.count("rope.scaling.original_context_length", context),
            keys.number("rope.scaling.yarn_beta_fast", 32.0),
            keys.number("rope.scaling.yarn_beta_slow", 1.0),
            attention_factor=attention,
        )
    if kind not in ("none", "linear"):
        raise ModelError(f"{file.path} stretches positions by {kind!r}, which is not served.")
    return Rope(dim, base) if kind == "none" else Rope(dim, base, "linear", factor)


def _factors(file: GGUFFile, dim: int) -> tuple[float, ...]:
    tensor = file.tensors[FACTORS]
    if tensor.kind != F32 or tensor.rows != dim // 2:
        raise ModelError(f"{file.path}: tensor {FACTORS!r} is not {dim // 2} numbers in F32.")
    numbers = np.fromfile(file.path, "<f4", dim // 2, offset=tensor.parts[0].offset)
    return tuple(map(float, numbers))
