"""The configs of models in Hugging Face's directories, by config.json.

Names and defaults are those of `transformers` (https://huggingface.co/docs/transformers).
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

from inference.checkpoint.fields import Fields
from inference.errors import ModelError
from inference.kernels.activation import Activation
from inference.kernels.rope import Rope, yarn_attention_factor
from inference.model.config import AttentionPattern, ModelConfig, check_heads

ACTIVATIONS: dict[str, Activation] = {
    "silu": "silu",
    "swish": "silu",
    "gelu": "gelu",
    "gelu_new": "gelu_tanh",
    "gelu_fast": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
}


def hf_config(hf: Fields) -> ModelConfig:
    """Return the config of the model that config.json describes. Raises ModelError."""
    family = hf.text("model_type")
    if family not in FAMILIES:
        raise ModelError(
            f"{hf.path} describes a {family!r} model; this worker serves "
            f"{', '.join(sorted(FAMILIES))}."
        )
    if hf.fields("quantization_config") is not None:
        raise ModelError(
            f"{hf.path} describes quantised weights, which are read from GGUF files alone; "
            "take the model in bf16, or as GGUF."
        )
    return FAMILIES[family](hf)


def _llama(hf: Fields) -> ModelConfig:
    return _with_attention_bias(hf, _decoder(hf, _same_patterns(hf)))


def _mistral(hf: Fields) -> ModelConfig:
    window = hf.integer("sliding_window", 0) or None
    return _decoder(hf, _same_patterns(hf, window))


def _qwen2(hf: Fields) -> ModelConfig:
    return replace(_decoder(hf, _qwen_patterns(hf)), qkv_bias=True)


def _qwen3(hf: Fields) -> ModelConfig:
    config = _decoder(hf, _qwen_patterns(hf, head_dim=128), head_dim=128)
    return _with_attention_bias(hf, replace(config, qk_norm=True))


def _smollm3(hf: Fields) -> ModelConfig:
    layers, every = hf.count("num_hidden_layers"), hf.count("no_rope_layer_interval", 4)
    turns = hf.get("no_rope_layers") or [(i + 1) % every != 0 for i in range(layers)]
    window = hf.integer("sliding_window", 0) if hf.flag("use_sliding_window") else 0
    if not isinstance(turns, list) or len(turns) < layers or window:
        raise ModelError(f"{hf.path} describes layers that this worker does not know.")
    rope = _read_rope(hf, hf.values, _head_dim(hf), 2_000_000.0)
    patterns = tuple(AttentionPattern(rope if turn else None) for turn in turns[:layers])
    return _with_attention_bias(hf, _decoder(hf, patterns, tied=True))


def _gemma2(hf: Fields) -> ModelConfig:
    types = _layer_types(hf, lambda i: (i + 1) % 2 != 0)
    rope = _read_rope(hf, hf.values, _head_dim(hf, 256))
    window = hf.count("sliding_window", 4096)
    patterns = tuple(AttentionPattern(rope, window if sliding else None) for sliding in types)
    return _gemma(hf, patterns, attention_cap=50.0, logit_cap=30.0)


def _gemma3(hf: Fields) -> ModelConfig:
    every = hf.count("sliding_window_pattern", 6)
    types = _layer_types(hf, lambda i: (i + 1) % every != 0)
    window = hf.count("sliding_window", 4096)
    full, sliding = _gemma3_ropes(hf, _head_dim(hf, 256))
    patterns = tuple(
        AttentionPattern(sliding, window) if slides else AttentionPattern(full) for slides in types
    )
    return replace(_gemma(hf, patterns), qk_norm=True)


def _gemma(
    hf: Fields,
    patterns: tuple[AttentionPattern, ...],
    attention_cap: float = 0.0,
    logit_cap: float = 0.0,
) -> ModelConfig:
    """Return the config of a Gemma. The caps are defaults; null in config.json means none."""
    if hf.flag("use_bidirectional_attention"):
        raise ModelError(f"{hf.path} describes a model that looks ahead, which cannot write.")
    config = _decoder(hf, patterns, head_dim=256, tied=True, activation="gelu_pytorch_tanh")
    return _with_attention_bias(
        hf,
        replace(
            config,
            post_norms=True,
            embedding_scale=config.hidden**0.5,
            attention_scale=hf.number("query_pre_attn_scalar", 256) ** -0.5,
            attention_cap=_cap(hf, "attn_logit_softcapping", attention_cap),
            logit_cap=_cap(hf, "final_logit_softcapping", logit_cap),
        ),
    )


def _with_attention_bias(hf: Fields, config: ModelConfig) -> ModelConfig:
    bias = hf.flag("attention_bias")
    return replace(config, qkv_bias=bias, proj_bias=bias)


def _gpt2(hf: Fields) -> ModelConfig:
    hidden, heads = hf.count("n_embd", 768), hf.count("n_head", 12)
    layers = hf.count("n_layer", 12)
    if hidden % heads:
        raise ModelError(f"{hf.path}: {heads} heads do not divide {hidden} numbers.")
    for key, wanted in (("scale_attn_weights", True), ("scale_attn_by_inverse_layer_idx", False)):
        if hf.flag(key, wanted) != wanted:
            raise ModelError(f"{hf.path} sets {key}, which this worker does not serve.")
    return ModelConfig(
        family="gpt2",
        layers=layers,
        hidden=hidden,
        heads=heads,
        kv_heads=heads,
        head_dim=hidden // heads,
        ffn=hf.count("n_inner", 4 * hidden),
        vocab=hf.count("vocab_size"),
        context=hf.count("n_positions", 1024),
        norm_eps=hf.number("layer_norm_epsilon", 1e-5),
        tied=True,
        patterns=(AttentionPattern(None),) * layers,
        norm="layer",
        activation=_activation(hf, "gelu_new", "activation_function"),
        gated=False,
        qkv_bias=True,
        proj_bias=True,
        mlp_bias=True,
        learned_positions=True,
    )


Family = Callable[[Fields], ModelConfig]
FAMILIES: dict[str, Family] = {
    "llama": _llama,
    "mistral": _mistral,
    "qwen2": _qwen2,
    "qwen3": _qwen3,
    "smollm3": _smollm3,
    "gemma2": _gemma2,
    "gemma3_text": _gemma3,
    "gpt2": _gpt2,
}


def _decoder(
    hf: Fields,
    patterns: tuple[AttentionPattern, ...],
    *,
    head_dim: int | None = None,
    tied: bool = False,
    activation: str = "silu",
) -> ModelConfig:
    """Return what all but GPT-2 have in common; the last three are the defaults of a family."""
    heads = hf.count("num_attention_heads")
    kv_heads, head_dim = hf.count("num_key_value_heads", heads), _head_dim(hf, head_dim)
    check_heads(hf.path, heads, kv_heads, head_dim)
    key = "hidden_activation" if hf.get("hidden_activation") else "hidden_act"
    return ModelConfig(
        family=hf.text("model_type"),
        layers=hf.count("num_hidden_layers"),
        hidden=hf.count("hidden_size"),
        heads=heads,
        kv_heads=kv_heads,
        head_dim=head_dim,
        ffn=hf.count("intermediate_size"),
        vocab=hf.count("vocab_size"),
        context=_context(hf, patterns),
        norm_eps=hf.number("rms_norm_eps", 1e-6),
        tied=hf.flag("tie_word_embeddings", tied),
        patterns=patterns,
        activation=_activation(hf, activation, key),
        mlp_bias=hf.flag("mlp_bias"),
    )


def _context(hf: Fields, patterns: tuple[AttentionPattern, ...]) -> int:
    """Return how many tokens a text may have. Most kinds of ropes give the number before the
    stretching in config.json.
    """
    context = hf.count("max_position_embeddings")
    rope = next((pattern.rope for pattern in patterns if pattern.rope is not None), None)
    if rope is None or hf.text("model_type") == "gemma3_text":
        return context
    if rope.kind in ("linear", "dynamic"):
        return int(context * rope.factor)
    return max(context, int(rope.original * rope.factor)) if rope.kind == "yarn" else context


def _activation(hf: Fields, default: str, key: str) -> Activation:
    name = hf.text(key, default)
    if name not in ACTIVATIONS:
        raise ModelError(f"{hf.path} asks for the activation {name!r}, which is not served.")
    return ACTIVATIONS[name]


def _cap(hf: Fields, key: str, default: float) -> float | None:
    if key in hf.values and hf.get(key) is None:
        return None
    return hf.number(key, default) or None


def _head_dim(hf: Fields, default: int | None = None) -> int:
    plain = hf.count("hidden_size") // hf.count("num_attention_heads")
    return hf.count("head_dim", default or plain)


def _same_patterns(hf: Fields, window: int | None = None) -> tuple[AttentionPattern, ...]:
    pattern = AttentionPattern(_read_rope(hf, hf.values, _head_dim(hf)), window)
    return (pattern,) * hf.count("num_hidden_layers")


def _qwen_patterns(hf: Fields, head_dim: int | None = None) -> tuple[AttentionPattern, ...]:
    rope = _read_rope(hf, hf.values, _head_dim(hf, head_dim))
    window = hf.count("sliding_window", 4096) if hf.flag("use_sliding_window") else None
    first = hf.integer("max_window_layers", 28)
    types = _layer_types(hf, lambda layer: window is not None and layer >= first)
    return tuple(AttentionPattern(rope, window if sliding else None) for sliding in types)


def _layer_types(hf: Fields, slides: Callable[[int], bool]) -> list[bool]:
    """Say which layers see only a window; `slides` says it if config.json does not."""
    layers, types = hf.count("num_hidden_layers"), hf.get("layer_types")
    if types is None:
        return [slides(layer) for layer in range(layers)]
    known = {"sliding_attention": True, "full_attention": False}
    if not isinstance(types, list) or len(types) != layers or not all(t in known for t in types):
        raise ModelError(f"{hf.path} has layer_types that this worker does not know.")
    return [known[kind] for kind in types]


def _read_rope(
    hf: Fields, values: Mapping[str, object], dim: int, default_base: float = 10000.0
) -> Rope:
    """Read a rope from `values`: rope_theta and the stretching, which newer files have in
    rope_parameters. Raises ModelError.
    """
    scaling = values.get("rope_scaling") or values.get("rope_parameters")
    fields = Fields(hf.path, {**values, **(scaling if isinstance(scaling, dict) else {})})
    base = fields.number("rope_theta", default_base)
    context = hf.count("max_position_embeddings")
    if fields.number("partial_rotary_factor", 1.0) != 1:
        raise ModelError(f"{hf.path} turns only a part of each head, which is not served.")
    kind = fields.text("rope_type", fields.text("type", "default"))
    return Rope(dim, base) if kind == "default" else _stretched(fields, kind, dim, base, context)


def _stretched(fields: Fields, kind: str, dim: int, base: float, context: int) -> Rope:
    factor = fields.number("factor")
    original = fields.count("original_max_position_embeddings", context)
    match kind:
        case "linear":
            return Rope(dim, base, "linear", factor)
        case "dynamic":
            return Rope(dim, base, "dynamic", factor, context)
        case "llama3":
            low, high = fields.number("low_freq_factor"), fields.number("high_freq_factor")
            return Rope(
                dim, base, "llama3", factor, original, low_freq_factor=low, high_freq_factor=high
            )
        case "yarn":
            attention = yarn_attention_factor(
                factor, fields.number("mscale", 0.0), fields.number("mscale_all_dim", 0.0)
            )
            return Rope(
                dim,
                base,
                "yarn",
                factor,
                original,
                fields.number("beta_fast", 32.0),
                fields.number("beta_slow", 1.0),
                fields.flag("truncate", True),
                attention_factor=fields.number("attention_factor", attention),
            )
    raise ModelError(f"{fields.path} stretches rotary positions by {kind!r}, which is not served.")


def _gemma3_ropes(hf: Fields, dim: int) -> tuple[Rope, Rope]:
    """Return the rope of layers that see all, and of those that see a window."""
    both = hf.fields("rope_parameters")
    if both is None:
        local: dict[str, object] = {"rope_theta": hf.get("rope_local_base_freq")}
        return _read_rope(hf, hf.values, dim, 1e6), _read_rope(hf, local, dim, 1e4)
    full, slid = (
        part.values if (part := both.fields(name)) else {}
        for name in ("full_attention", "sliding_attention")
    )
    return _read_rope(hf, full, dim, 1e6), _read_rope(hf, slid, dim, 1e4)
