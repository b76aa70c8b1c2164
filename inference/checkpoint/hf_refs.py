"""Where the parameters lie in the tensors of Hugging Face's models.

Names are those of `transformers` (https://huggingface.co/docs/transformers).
"""

import re
from collections.abc import Mapping

import numpy as np

from inference.checkpoint.parameter_ref import ParameterRef, ParameterRefs, RowIndices, direct_refs
from inference.checkpoint.stored_tensor import StoredTensor
from inference.model.config import ModelConfig, parameter_shapes

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


def hf_refs(config: ModelConfig, tensors: Mapping[str, StoredTensor]) -> ParameterRefs:
    if config.family == "gpt2":
        return _gpt2_refs(config, "transformer." if "transformer.wte.weight" in tensors else "")
    gemma = config.family.startswith("gemma")
    names = GEMMA_NAMES if gemma else LLAMA_NAMES
    # The norms of Gemma multiply by 1 + weight.
    return direct_refs(names, parameter_shapes(config), plus=1.0 if gemma else 0.0)


def linear_modules(config: ModelConfig) -> dict[str, tuple[str, RowIndices | None]]:
    """Return for each linear of the layers its module in transformers, and its rows there."""
    found: dict[str, tuple[str, RowIndices | None]] = {}
    names = GPT2_NAMES if config.family == "gpt2" else LLAMA_NAMES
    linears = ["q", "k", "v", "o", *(["gate"] if config.gated else []), "up", "down"]
    for layer in range(config.layers):
        for i, linear in enumerate(linears):
            plain, rows = f"layers.{{}}.{linear}", None
            if plain in names:
                module = names[plain].format(layer)
            else:
                module = f"h.{layer}.attn.c_attn"
                rows = np.arange(i * config.hidden, (i + 1) * config.hidden)
            module = f"transformer.{module}" if config.family == "gpt2" else module
            found[f"layers.{layer}.{linear}"] = (module, rows)
    return found


def _gpt2_refs(config: ModelConfig, prefix: str) -> ParameterRefs:
    """Return refs into matrices that are transposed, with queries, keys and values in one."""
    names = {plain: prefix + name for plain, name in GPT2_NAMES.items()}
    refs = direct_refs(names, parameter_shapes(config))
    for key, ref in refs.items():
        if key.endswith((".o.weight", ".up.weight", ".down.weight")):
            refs[key] = ParameterRef(ref.name, (ref.size[1], ref.size[0]), transposed=True)
    hidden = config.hidden
    for layer in range(config.layers):
        for i, part in enumerate("qkv"):
            name, rows = f"{prefix}h.{layer}.attn.c_attn", np.arange(i * hidden, (i + 1) * hidden)
            weight = ParameterRef(f"{name}.weight", (hidden, 3 * hidden), rows, transposed=True)
            refs[f"layers.{layer}.{part}.weight"] = weight
            refs[f"layers.{layer}.{part}.bias"] = ParameterRef(
                f"{name}.bias", (3 * hidden, 1), rows
            )
    return refs
