"""Models in Hugging Face's directories: their shape by config.json, and where parameters lie.

Names and defaults are those of `transformers` (https://huggingface.co/docs/transformers).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from inference.checkpoint.errors import ModelError
from inference.checkpoint.fields import Fields
from inference.checkpoint.parameter_ref import Ref, Refs, Rows, direct
from inference.checkpoint.stored_tensor import Stored
from inference.model.config import Activation, ModelShape, View, check_heads, parameter_shapes
from inference.model.rope import Rope, yarn_attention_factor

ACTIVATIONS: dict[str, Activation] = {
    "silu": "silu",
    "swish": "silu",
    "gelu": "gelu",
    "gelu_new": "gelu_tanh",
    "gelu_fast": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
}
LLAMA_NAMES = {
    "embedding": "model.embed_tokens",
    "final_norm": "model.norm",
    "output": "lm_head",
    "layers.{}.attn_norm": "model.layers.{}.input_layernorm",
    "layers.{}.q": "model.layers.{}.self_attn.q_proj",
    "layers.{}.k": "model.layers.{}.self_attn.k_proj",
    "layers.{}.v": "model.layers.{}.self_attn.v_proj",
    "layers.{}.o": "model.layers.{}.self_attn.o_proj",
    "layers.{}.q_norm": "model.layers.{}.self_attn.q_norm",
    "layers.{}.k_norm": "model.layers.{}.self_attn.k_norm",
    "layers.{}.mlp_norm": "model.layers.{}.post_attention_layernorm",
    "layers.{}.gate": "model.layers.{}.mlp.gate_proj",
    "layers.{}.up": "model.layers.{}.mlp.up_proj",
    "layers.{}.down": "model.layers.{}.mlp.down_proj",
}
GEMMA_NAMES = LLAMA_NAMES | {
    "layers.{}.post_attn_norm": "model.layers.{}.post_attention_layernorm",
    "layers.{}.mlp_norm": "model.layers.{}.pre_feedforward_layernorm",
    "layers.{}.post_mlp_norm": "model.layers.{}.post_feedforward_layernorm",
}
GPT2_NAMES = {
    "embedding": "wte",
    "positions": "wpe",
    "final_norm": "ln_f",
    "layers.{}.attn_norm": "h.{}.ln_1",
    "layers.{}.o": "h.{}.attn.c_proj",
    "layers.{}.mlp_norm": "h.{}.ln_2",
    "layers.{}.up": "h.{}.mlp.c_fc",
    "layers.{}.down": "h.{}.mlp.c_proj",
}
# These are computed, or are copies.
NOT_WEIGHTS = re.compile(
    r".*\.rotary_emb\.inv_freq|(transformer\.)?h\.\d+\.attn\.(masked_)?bias|lm_head\.weight"
)


def hf_shape(config: Fields) -> ModelShape:
    """The shape of the model that config.json describes. Raises ModelError."""
    family = config.text("model_type")
    if family not in FAMILIES:
        raise ModelError(
            f"{config.path} describes a {family!r} model; this worker serves "
            f"{', '.join(sorted(FAMILIES))}."
        )
    if config.fields("quantization_config") is not None:
        raise ModelError(
            f"{config.path} describes quantised weights, which are read from GGUF files alone; "
            "take the model in bf16, or as GGUF."
        )
    return FAMILIES[family](config)


def hf_refs(shape: ModelShape, tensors: Mapping[str, Stored]) -> Refs:
    if shape.family == "gpt2":
        return _gpt2_refs(shape, "transformer." if "transformer.wte.weight" in tensors else "")
    gemma = shape.family.startswith("gemma")
    names = GEMMA_NAMES if gemma else LLAMA_NAMES
    # Gemma's norms multiply with 1 + weight.
    return direct(names, parameter_shapes(shape), plus=1.0 if gemma else 0.0)


def modules(shape: ModelShape) -> dict[str, tuple[str, Rows | None]]:
    """For each linear of the layers its module in transformers' model, and its rows in that."""
    found: dict[str, tuple[str, Rows | None]] = {}
    names = GPT2_NAMES if shape.family == "gpt2" else LLAMA_NAMES
    linears = ["q", "k", "v", "o", *(["gate"] if shape.gated else []), "up", "down"]
    for layer in range(shape.layers):
        for i, linear in enumerate(linears):
            plain, rows = f"layers.{{}}.{linear}", None
            if plain in names:
                module = names[plain].format(layer)
            else:
                module = f"h.{layer}.attn.c_attn"
                rows = np.arange(i * shape.hidden, (i + 1) * shape.hidden)
            module = f"transformer.{module}" if shape.family == "gpt2" else module
            found[f"layers.{layer}.{linear}"] = (module, rows)
    return found


def _llama(config: Fields) -> ModelShape:
    return _with_attention_bias(config, _decoder(config, _same_views(config)))


def _mistral(config: Fields) -> ModelShape:
    window = config.integer("sliding_window", 0) or None
    return _decoder(config, _same_views(config, window))


def _qwen2(config: Fields) -> ModelShape:
    return replace(_decoder(config, _qwen_views(config)), qkv_bias=True)


def _qwen3(config: Fields) -> ModelShape:
    shape = _decoder(config, _qwen_views(config, head_dim=128), head_dim=128)
    return _with_attention_bias(config, replace(shape, qk_norm=True))


def _smollm3(config: Fields) -> ModelShape:
    layers, every = config.count("num_hidden_layers"), config.count("no_rope_layer_interval", 4)
    turns = config.get("no_rope_layers") or [(i + 1) % every != 0 for i in range(layers)]
    window = config.integer("sliding_window", 0) if config.flag("use_sliding_window") else 0
    if not isinstance(turns, list) or len(turns) < layers or window:
        raise ModelError(f"{config.path} describes layers that this worker does not know.")
    rope = _rope(config, config.values, _head_dim(config), 2_000_000.0)
    views = tuple(View(rope if turn else None) for turn in turns[:layers])
    return _with_attention_bias(config, _decoder(config, views, tied=True))


def _gemma2(config: Fields) -> ModelShape:
    types = _layer_types(config, lambda i: (i + 1) % 2 != 0)
    rope = _rope(config, config.values, _head_dim(config, 256))
    window = config.count("sliding_window", 4096)
    views = tuple(View(rope, window if sliding else None) for sliding in types)
    return _gemma(config, views, attention_cap=50.0, logit_cap=30.0)


def _gemma3(config: Fields) -> ModelShape:
    every = config.count("sliding_window_pattern", 6)
    types = _layer_types(config, lambda i: (i + 1) % every != 0)
    window = config.count("sliding_window", 4096)
    full, sliding = _gemma3_ropes(config, _head_dim(config, 256))
    views = tuple(View(sliding, window) if slides else View(full) for slides in types)
    return replace(_gemma(config, views), qk_norm=True)


def _gemma(
    config: Fields, views: tuple[View, ...], attention_cap: float = 0.0, logit_cap: float = 0.0
) -> ModelShape:
    """Absent caps are those given, ones of null are none."""
    if config.flag("use_bidirectional_attention"):
        raise ModelError(f"{config.path} describes a model that looks ahead, which cannot write.")
    shape = _decoder(config, views, head_dim=256, tied=True, activation="gelu_pytorch_tanh")
    return _with_attention_bias(
        config,
        replace(
            shape,
            post_norms=True,
            embedding_scale=shape.hidden**0.5,
            attention_scale=config.number("query_pre_attn_scalar", 256) ** -0.5,
            attention_cap=_cap(config, "attn_logit_softcapping", attention_cap),
            logit_cap=_cap(config, "final_logit_softcapping", logit_cap),
        ),
    )


def _with_attention_bias(config: Fields, shape: ModelShape) -> ModelShape:
    bias = config.flag("attention_bias")
    return replace(shape, qkv_bias=bias, proj_bias=bias)


def _gpt2(config: Fields) -> ModelShape:
    hidden, heads = config.count("n_embd", 768), config.count("n_head", 12)
    layers = config.count("n_layer", 12)
    if hidden % heads:
        raise ModelError(f"{config.path}: {heads} heads do not divide {hidden} numbers.")
    for key, wanted in (("scale_attn_weights", True), ("scale_attn_by_inverse_layer_idx", False)):
        if config.flag(key, wanted) != wanted:
            raise ModelError(f"{config.path} sets {key}, which this worker does not serve.")
    return ModelShape(
        family="gpt2",
        layers=layers,
        hidden=hidden,
        heads=heads,
        kv_heads=heads,
        head_dim=hidden // heads,
        ffn=config.count("n_inner", 4 * hidden),
        vocab=config.count("vocab_size"),
        context=config.count("n_positions", 1024),
        norm_eps=config.number("layer_norm_epsilon", 1e-5),
        tied=True,
        views=(View(None),) * layers,
        norm="layer",
        activation=_activation(config, "gelu_new", "activation_function"),
        gated=False,
        qkv_bias=True,
        proj_bias=True,
        mlp_bias=True,
        learned_positions=True,
    )


Family = Callable[[Fields], ModelShape]
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
    config: Fields,
    views: tuple[View, ...],
    *,
    head_dim: int | None = None,
    tied: bool = False,
    activation: str = "silu",
) -> ModelShape:
    """What all but GPT-2 have in common; the last three are a family's defaults."""
    heads = config.count("num_attention_heads")
    kv_heads, head_dim = config.count("num_key_value_heads", heads), _head_dim(config, head_dim)
    check_heads(config.path, heads, kv_heads, head_dim)
    key = "hidden_activation" if config.get("hidden_activation") else "hidden_act"
    return ModelShape(
        family=config.text("model_type"),
        layers=config.count("num_hidden_layers"),
        hidden=config.count("hidden_size"),
        heads=heads,
        kv_heads=kv_heads,
        head_dim=head_dim,
        ffn=config.count("intermediate_size"),
        vocab=config.count("vocab_size"),
        context=_context(config, views),
        norm_eps=config.number("rms_norm_eps", 1e-6),
        tied=config.flag("tie_word_embeddings", tied),
        views=views,
        activation=_activation(config, activation, key),
        mlp_bias=config.flag("mlp_bias"),
    )


def _context(config: Fields, views: tuple[View, ...]) -> int:
    """Tokens that a text may have: config.json has those before the stretching, in most kinds."""
    context = config.count("max_position_embeddings")
    rope = next((view.rope for view in views if view.rope is not None), None)
    if rope is None or config.text("model_type") == "gemma3_text":
        return context
    if rope.kind in ("linear", "dynamic"):
        return int(context * rope.factor)
    return max(context, int(rope.original * rope.factor)) if rope.kind == "yarn" else context


def _activation(config: Fields, default: str, key: str) -> Activation:
    name = config.text(key, default)
    if name not in ACTIVATIONS:
        raise ModelError(f"{config.path} asks for the activation {name!r}, which is not served.")
    return ACTIVATIONS[name]


def _cap(config: Fields, key: str, default: float) -> float | None:
    if key in config.values and config.get(key) is None:
        return None
    return config.number(key, default) or None


def _head_dim(config: Fields, default: int | None = None) -> int:
    plain = config.count("hidden_size") // config.count("num_attention_heads")
    return config.count("head_dim", default or plain)


def _same_views(config: Fields, window: int | None = None) -> tuple[View, ...]:
    view = View(_rope(config, config.values, _head_dim(config)), window)
    return (view,) * config.count("num_hidden_layers")


def _qwen_views(config: Fields, head_dim: int | None = None) -> tuple[View, ...]:
    rope = _rope(config, config.values, _head_dim(config, head_dim))
    window = config.count("sliding_window", 4096) if config.flag("use_sliding_window") else None
    first = config.integer("max_window_layers", 28)
    types = _layer_types(config, lambda layer: window is not None and layer >= first)
    return tuple(View(rope, window if sliding else None) for sliding in types)


def _layer_types(config: Fields, slides: Callable[[int], bool]) -> list[bool]:
    """Which layers see a window only; `slides` says it where config.json does not."""
    layers, types = config.count("num_hidden_layers"), config.get("layer_types")
    if types is None:
        return [slides(layer) for layer in range(layers)]
    known = {"sliding_attention": True, "full_attention": False}
    if not isinstance(types, list) or len(types) != layers or not all(t in known for t in types):
        raise ModelError(f"{config.path} has layer_types that this worker does not know.")
    return [known[kind] for kind in types]


def _gemma3_ropes(config: Fields, dim: int) -> tuple[Rope, Rope]:
    """Of layers that see all, and of those that see a window."""
    both = config.fields("rope_parameters")
    if both is None:
        local: dict[str, object] = {"rope_theta": config.get("rope_local_base_freq")}
        return _rope(config, config.values, dim, 1e6), _rope(config, local, dim, 1e4)
    full, slid = (
        part.values if (part := both.fields(name)) else {}
        for name in ("full_attention", "sliding_attention")
    )
    return _rope(config, full, dim, 1e6), _rope(config, slid, dim, 1e4)


def _scaling(values: Mapping[str, object]) -> Mapping[str, object]:
    scaling = values.get("rope_scaling") or values.get("rope_parameters")
    return scaling if isinstance(scaling, dict) else {}


def _rope(
    config: Fields, values: Mapping[str, object], dim: int, default_base: float = 10000.0
) -> Rope:
    """values: hold rope_theta and the stretching, which newer files have in rope_parameters."""
    fields = Fields(config.path, {**values, **_scaling(values)})
    base = fields.number("rope_theta", default_base)
    context = config.count("max_position_embeddings")
    if fields.number("partial_rotary_factor", 1.0) != 1:
        raise ModelError(f"{config.path} turns only a part of each head, which is not served.")
    kind = fields.text("rope_type", fields.text("type", "default"))
    if kind == "default":
        return Rope(dim, base)
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
    raise ModelError(f"{config.path} stretches rotary positions by {kind!r}, which is not served.")


def _gpt2_refs(shape: ModelShape, prefix: str) -> Refs:
    """Its matrices stand transposed, and queries, keys and values in one."""
    names = {plain: prefix + name for plain, name in GPT2_NAMES.items()}
    refs = direct(names, parameter_shapes(shape))
    for key, ref in refs.items():
        if key.endswith((".o.weight", ".up.weight", ".down.weight")):
            refs[key] = Ref(ref.name, (ref.size[1], ref.size[0]), transposed=True)
    hidden = shape.hidden
    for layer in range(shape.layers):
        for i, part in enumerate("qkv"):
            name, rows = f"{prefix}h.{layer}.attn.c_attn", np.arange(i * hidden, (i + 1) * hidden)
            weight = Ref(f"{name}.weight", (hidden, 3 * hidden), rows, transposed=True)
            refs[f"layers.{layer}.{part}.weight"] = weight
            refs[f"layers.{layer}.{part}.bias"] = Ref(f"{name}.bias", (3 * hidden, 1), rows)
    return refs
