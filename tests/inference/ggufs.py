"""Small GGUF files with random weights, of each family and kind, and the same as transformers has
them.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import torch
from gguf import GGMLQuantizationType
from numpy.typing import NDArray
from transformers import (
    LlamaConfig,
    PretrainedConfig,
    PreTrainedModel,
    Qwen2Config,
    Qwen3Config,
)

from tests.inference.families import LLAMA3, SMALL, VOCAB, from_config, rope

Blocks = NDArray[np.uint8]

# Kinds of 256 numbers a block need rows of that.
WIDE = SMALL | {"hidden_size": 256, "intermediate_size": 512}
CONFIGS: dict[str, PretrainedConfig] = {
    "llama": LlamaConfig(**WIDE, **rope("llama3", **LLAMA3)),
    "qwen2": Qwen2Config(**WIDE, tie_word_embeddings=True),
    "qwen3": Qwen3Config(**WIDE, head_dim=64),
}
KINDS = ["F32", "F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q4_K", "Q6_K"]
NAMES = {
    "model.embed_tokens": "token_embd",
    "model.norm": "output_norm",
    "lm_head": "output",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}


def write(family: str, kind: str, path: Path) -> PreTrainedModel:
    """Write a file, and return the model that is in it."""
    config: Any = CONFIGS[family]
    torch.manual_seed(len(family))
    model = from_config(config)
    writer = gguf.GGUFWriter(path, family)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(10000.0)
    if family == "qwen3":
        writer.add_key_length(config.head_dim)
    writer.add_token_list([f"<{i}>" for i in range(VOCAB)])
    if family == "llama":
        writer.add_tensor("rope_freqs.weight", factors_of(model))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            store(writer, family, name, parameter, GGMLQuantizationType[kind], config)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return model


def factors_of(model: Any) -> NDArray[np.float32]:
    """Return what llama.cpp's converter writes for llama3's stretching."""
    stretched: torch.Tensor = model.model.rotary_emb.inv_freq.double()
    plain = 10000.0 ** (-torch.arange(len(stretched), dtype=torch.float64) / len(stretched))
    factors: NDArray[np.float32] = (plain / stretched).float().numpy()
    return factors


def store(
    writer: gguf.GGUFWriter,
    family: str,
    name: str,
    parameter: torch.Tensor,
    kind: GGMLQuantizationType,
    config: Any,
) -> None:
    """Round a parameter to what can be stored, and store it."""
    if parameter.dim() == 1:
        parameter.add_(torch.randn_like(parameter) * 0.2)
        writer.add_tensor(gguf_name(name), parameter.numpy())
        return
    data = RAW[kind.name](parameter) if kind.name in RAW else None
    if data is None:
        data = gguf.quants.quantize(parameter.numpy(), kind)
    parameter.copy_(torch.from_numpy(gguf.quants.dequantize(data, kind)))
    if family == "llama" and ("q_proj" in name or "k_proj" in name):
        heads = config.num_attention_heads if "q_proj" in name else config.num_key_value_heads
        # Rows move as a whole, and with them their blocks.
        data = data.reshape(heads, 2, -1, data.shape[1]).swapaxes(1, 2).reshape(data.shape)
    writer.add_tensor(gguf_name(name), data, raw_dtype=kind)


def gguf_name(name: str) -> str:
    plain, _, part = name.rpartition(".")
    if not plain.startswith("model.layers."):
        return f"{NAMES[plain]}.{part}"
    _, _, layer, rest = plain.split(".", 3)
    return f"blk.{layer}.{NAMES[rest]}.{part}"


def q4_k(matrix: torch.Tensor) -> Blocks:
    """Return blocks of random numbers: the library reads this kind and does not write it."""
    blocks = _random_blocks(matrix, 144)
    blocks[..., :4] = np.frombuffer(np.array([0.0003, 0.0023], np.float16).tobytes(), np.uint8)
    return blocks.reshape(len(matrix), -1)


def q6_k(matrix: torch.Tensor) -> Blocks:
    blocks = _random_blocks(matrix, 210)
    blocks[..., -2:] = np.frombuffer(np.float16(0.00008).tobytes(), np.uint8)
    return blocks.reshape(len(matrix), -1)


def _random_blocks(matrix: torch.Tensor, size: int) -> Blocks:
    random = np.random.default_rng(matrix.numel())
    return random.integers(0, 256, (len(matrix), matrix.shape[1] // 256, size), np.uint8)


RAW: dict[str, Callable[[torch.Tensor], Blocks]] = {"Q4_K": q4_k, "Q6_K": q6_k}
