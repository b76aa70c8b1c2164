"""Tiny models with random weights of each family, as transformers writes them."""

from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoModelForCausalLM,
    Gemma2Config,
    Gemma3TextConfig,
    GPT2Config,
    LlamaConfig,
    MistralConfig,
    PretrainedConfig,
    PreTrainedModel,
    Qwen2Config,
    Qwen3Config,
    SmolLM3Config,
)

VOCAB = 331
SMALL: dict[str, Any] = {
    "vocab_size": VOCAB,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
    "initializer_range": 0.15,
    "pad_token_id": None,
    "bos_token_id": 1,
    "eos_token_id": 2,
}


def rope(kind: str, **more: object) -> dict[str, Any]:
    return {"rope_parameters": {"rope_type": kind, "rope_theta": 10000.0} | more}


LLAMA3 = {
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}
YARN = {"factor": 4.0, "original_max_position_embeddings": 128}
FAMILIES: dict[str, PretrainedConfig] = {
    "llama2": LlamaConfig(**SMALL),
    # One key/value head: at TP=2 each rank has a copy.
    "llama3": LlamaConfig(
        **SMALL | {"num_key_value_heads": 1}, **rope("llama3", **LLAMA3), tie_word_embeddings=True
    ),
    "llama_biased": LlamaConfig(
        **SMALL | {"num_key_value_heads": 4}, attention_bias=True, mlp_bias=True
    ),
    "llama_linear": LlamaConfig(**SMALL, **rope("linear", factor=2.0)),
    "llama_dynamic": LlamaConfig(**SMALL, **rope("dynamic", factor=2.0)),
    "mistral": MistralConfig(**SMALL, head_dim=24, sliding_window=20),
    "qwen2": Qwen2Config(**SMALL, tie_word_embeddings=True),
    "qwen2_yarn": Qwen2Config(**SMALL, **rope("yarn", **YARN)),
    "qwen2_windows": Qwen2Config(
        **SMALL, use_sliding_window=True, sliding_window=20, max_window_layers=1
    ),
    "qwen3": Qwen3Config(**SMALL, head_dim=32),
    "smollm3": SmolLM3Config(**SMALL, no_rope_layer_interval=2),
    "gemma2": Gemma2Config(
        **SMALL,
        head_dim=32,
        query_pre_attn_scalar=24,
        sliding_window=20,
        attn_logit_softcapping=5.0,
    ),
    "gemma3": Gemma3TextConfig(
        **SMALL | {"sliding_window_pattern": 2},
        head_dim=32,
        sliding_window=20,
        query_pre_attn_scalar=24,
    ),
    "gpt2": GPT2Config(
        vocab_size=VOCAB, n_embd=64, n_layer=2, n_head=4, n_positions=512, initializer_range=0.15
    ),
}


def make(name: str, directory: Path) -> PreTrainedModel:
    """Write the model of this name into `directory`, and return it."""
    torch.manual_seed(sum(map(ord, name)))
    model = from_config(FAMILIES[name])
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 1:
                # Norms and biases are made as ones and zeros, which would hide a mistake.
                parameter.add_(torch.randn_like(parameter) * 0.2)
    model.save_pretrained(directory)
    return model


def from_config(config: PretrainedConfig) -> PreTrainedModel:
    """Make a model with random weights."""
    make_model: Any = AutoModelForCausalLM.from_config
    model: PreTrainedModel = make_model(config, attn_implementation="eager")
    model.train(False)
    return model


def reference_logits(model: PreTrainedModel, tokens: list[int]) -> torch.Tensor:
    """Return what transformers computes: [tokens, vocab], fp32."""
    with torch.inference_mode():
        logits: torch.Tensor = model(torch.tensor([tokens])).logits[0].float()
    return logits
