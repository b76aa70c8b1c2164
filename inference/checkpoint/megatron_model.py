"""Models that Megatron has trained: their config by the arguments of the run, and where parameters
lie in its checkpoint.

Arguments: https://github.com/NVIDIA/Megatron-LM/blob/main/megatron/training/arguments.py
"""

from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from inference.checkpoint.fields import Fields
from inference.checkpoint.parameter_ref import ParameterRef, ParameterRefs, RowIndices, split_name
from inference.checkpoint.stored_tensor import StoredTensor
from inference.errors import ModelError
from inference.kernels.activation import Activation
from inference.kernels.rope import Rope
from inference.model.config import (
    AttentionPattern,
    ModelConfig,
    check_heads,
    parameter_shapes,
)

# Arguments that change the arithmetic and are not served, with the value that changes nothing.
PLAIN = {
    "num_experts": None,
    "multi_latent_attention": False,
    "squared_relu": False,
    "rotary_interleaved": False,
    "qk_l2_norm": False,
    "apply_residual_connection_post_layernorm": False,
    "window_size": None,
    "mrope_section": None,
}
# The layer norms are modules of their own, or fused with the linears by Transformer Engine.
NAMES = {
    "attn_norm": ("input_layernorm.", "self_attention.linear_qkv.layer_norm_"),
    "mlp_norm": ("pre_mlp_layernorm.", "mlp.linear_fc1.layer_norm_"),
    "q": ("self_attention.linear_qkv.",),
    "k": ("self_attention.linear_qkv.",),
    "v": ("self_attention.linear_qkv.",),
    "o": ("self_attention.linear_proj.",),
    "q_norm": ("self_attention.q_layernorm.",),
    "k_norm": ("self_attention.k_layernorm.",),
    "gate": ("mlp.linear_fc1.",),
    "up": ("mlp.linear_fc1.",),
    "down": ("mlp.linear_fc2.",),
}
TOP = {
    "embedding": "embedding.word_embeddings.",
    "positions": "embedding.position_embeddings.",
    "final_norm": "decoder.final_layernorm.",
    "output": "output_layer.",
}


def megatron_config(args: Fields, vocab: int) -> ModelConfig:
    """Return the config of the model that a run with these arguments has trained. vocab: how many
    tokens its tokenizer has. Raises ModelError.
    """
    for key, plain in PLAIN.items():
        if args.get(key) not in (plain, None):
            raise ModelError(f"{args.path}: the run had {key}, which this worker does not serve.")
    heads, hidden = args.count("num_attention_heads"), args.count("hidden_size")
    layers, head_dim = args.count("num_layers"), args.count("kv_channels", hidden // heads)
    grouped, bias = args.flag("group_query_attention"), args.flag("add_bias_linear", True)
    kv_heads = args.count("num_query_groups", heads) if grouped else heads
    check_heads(args.path, heads, kv_heads, head_dim)
    learned, gated = _learns_positions(args), args.flag("swiglu")
    pattern = AttentionPattern(None if learned else _rope(args, head_dim))
    return ModelConfig(
        family="megatron",
        layers=layers,
        hidden=hidden,
        heads=heads,
        kv_heads=kv_heads,
        head_dim=head_dim,
        ffn=args.count("ffn_hidden_size", 4 * hidden),
        vocab=vocab,
        context=args.count("max_position_embeddings"),
        norm_eps=args.number("norm_epsilon", args.number("layernorm_epsilon", 1e-5)),
        tied=not args.flag("untie_embeddings_and_output_weights"),
        patterns=(pattern,) * layers,
        norm="rms" if args.text("normalization", "LayerNorm") == "RMSNorm" else "layer",
        activation="silu" if gated else _activation(args),
        gated=gated,
        qkv_bias=bias or args.flag("add_qkv_bias"),
        proj_bias=bias,
        mlp_bias=bias,
        qk_norm=args.flag("qk_layernorm"),
        learned_positions=learned,
    )


def megatron_refs(
    config: ModelConfig, tensors: Mapping[str, StoredTensor], plus: float = 0.0
) -> ParameterRefs:
    """Return where the parameters lie. plus: is added to norms that were trained as 1 + weight."""
    refs = {}
    for parameter, (rows, columns) in parameter_shapes(config):
        layer, plain, part = split_name(parameter)
        part = part.removeprefix(".")
        of_norm = plus if "norm" in plain and part == "weight" else 0.0
        if plain in TOP:
            name = TOP[plain] + part
            # They are padded to a number that the ranks of the run could share.
            stored = tensors.get(name)
            padded = max(rows, stored.rows) if stored and plain in ("embedding", "output") else rows
            chosen = np.arange(rows) if padded > rows else None
            refs[parameter] = ParameterRef(name, (padded, columns), chosen, plus=of_norm)
        else:
            short = plain.removeprefix("layers.{}.")
            name, stacked = _name(short, part, layer, tensors)
            size, chosen = _place(short, config, (rows, columns))
            if stacked:
                first = layer * size[0]
                chosen = first + (np.arange(rows) if chosen is None else chosen)
                size = (config.layers * size[0], columns)
            refs[parameter] = ParameterRef(name, size, chosen, plus=of_norm)
    return refs


def _name(
    short: str, part: str, layer: int, tensors: Mapping[str, StoredTensor]
) -> tuple[str, bool]:
    """Return the tensor that holds a parameter of a layer, and whether it holds all layers."""
    for name in NAMES[short]:
        for place, stacked in (("decoder.layers.", True), (f"decoder.layers.{layer}.", False)):
            if place + name + part in tensors:
                return place + name + part, stacked
    return f"decoder.layers.{NAMES[short][0]}{part}", True


def _place(
    short: str, config: ModelConfig, size: tuple[int, int]
) -> tuple[tuple[int, int], RowIndices | None]:
    """Return the size of a layer's tensor that holds the parameter, and its rows in that tensor."""
    rows, columns = size
    if short in ("q", "k", "v"):
        whole = (config.heads + 2 * config.kv_heads) * config.head_dim
        chosen = _grouped_rows(short, config.heads, config.kv_heads, config.head_dim)
        return (whole, columns), chosen
    if short == "gate" or (short == "up" and config.gated):
        first = 0 if short == "gate" else rows
        return (2 * rows, columns), np.arange(first, first + rows)
    return size, None


@lru_cache
def _grouped_rows(part: str, heads: int, groups: int, dim: int) -> RowIndices:
    """Return the rows of queries, keys or values ("q", "k", "v") in a matrix that has, group by
    group, the heads of the group, its key and its value.
    """
    per_group = heads // groups
    first = {"q": 0, "k": per_group, "v": per_group + 1}[part]
    count = per_group if part == "q" else 1
    starts = np.arange(groups) * (per_group + 2) + first
    head_rows = starts[:, None] + np.arange(count)
    return (head_rows.reshape(-1, 1) * dim + np.arange(dim)).reshape(-1)


def _learns_positions(args: Fields) -> bool:
    kind = args.text("position_embedding_type", "learned_absolute")
    if args.flag("use_rotary_position_embeddings"):
        kind = "rope"
    if kind not in ("rope", "learned_absolute"):
        raise ModelError(f"{args.path}: the run had {kind!r} positions, which are not served.")
    return kind == "learned_absolute"


def _rope(args: Fields, dim: int) -> Rope:
    if args.number("rotary_percent", 1.0) != 1:
        raise ModelError(f"{args.path}: the run turned only a part of each head: not served.")
    base = args.number("rotary_base", 10000)
    if args.flag("use_rope_scaling"):
        return Rope(dim, base, "llama3", args.number("rope_scaling_factor", 8.0), 8192)
    factor = args.number("rotary_seq_len_interpolation_factor", 1)
    return Rope(dim, base) if factor == 1 else Rope(dim, base, "linear", factor)


def _activation(args: Fields) -> Activation:
    # The fused kernel of Megatron computes the approximation.
    fused = args.flag("bias_gelu_fusion", True) and args.flag("add_bias_linear", True)
    return "gelu_tanh" if fused or args.flag("openai_gelu") else "gelu"
