"""A llama-family model with random weights: fast, and writes nonsense."""

from dataclasses import dataclass, field
from pathlib import Path

import gguf
import numpy as np
from numpy.typing import NDArray

from inference.tokenization.vocabulary import BYTE_OF

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}"
    "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
LETTERS = "etaoinshrdlu"
PAIRS = [(a, b) for a in LETTERS for b in LETTERS]
HIDDEN, HEAD_DIM, LAYERS = 64, 8, 2


def write_tiny_gguf(
    path: Path,
    *,
    ends: bool = True,
    heads: int = 8,
    kv_heads: int = 4,
    ffn: int = 128,
    kind: gguf.GGMLQuantizationType = gguf.GGMLQuantizationType.F32,
) -> None:
    """Write the model, with a context of 4,096 tokens.

    `kind` says how the matrices of the layers are stored. Without `ends` no token ends a text.
    """
    end = ["<|endoftext|>", "<|im_end|>"] if ends else ["<|first|>", "<|last|>"]
    specials = [end[0], "<|im_start|>", end[1]]
    tokens = [*specials, *BYTE_OF, *(a + b for a, b in PAIRS)]
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(4096)
    writer.add_embedding_length(HIDDEN)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(ffn)
    writer.add_head_count(heads)
    writer.add_head_count_kv(kv_heads)
    writer.add_key_length(HEAD_DIM)
    writer.add_value_length(HEAD_DIM)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(10000.0)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types([3] * len(specials) + [1] * (len(tokens) - len(specials)))
    writer.add_token_merges([f"{a} {b}" for a, b in PAIRS])
    writer.add_bos_token_id(1)
    if ends:
        writer.add_eos_token_id(2)
    writer.add_chat_template(CHATML)
    weights = RandomWeights(heads, kv_heads, ffn)
    weights.add_embeddings(writer, tokens)
    for layer in range(LAYERS):
        weights.add_layer(writer, layer, kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


@dataclass
class RandomWeights:
    """The same weights each time, for the same shape."""

    heads: int
    kv_heads: int
    ffn: int
    random: np.random.Generator = field(default_factory=lambda: np.random.default_rng(7))

    def matrix(self, rows: int, columns: int, scale: float = 1.0) -> NDArray[np.float32]:
        values = self.random.standard_normal((rows, columns)) * scale / columns**0.5
        return np.asarray(values, np.float32)

    def add_embeddings(self, writer: gguf.GGUFWriter, tokens: list[str]) -> None:
        writer.add_tensor("token_embd.weight", self.matrix(len(tokens), HIDDEN, 8.0))
        output = self.matrix(len(tokens), HIDDEN, 3.0)
        # Bytes that are no characters of their own are rare, so that there is text to look at.
        output[[i for i, token in enumerate(tokens) if BYTE_OF.get(token, 0) >= 0x80]] = 0
        writer.add_tensor("output.weight", output)
        writer.add_tensor("output_norm.weight", np.ones(HIDDEN, np.float32))

    def add_layer(
        self, writer: gguf.GGUFWriter, layer: int, kind: gguf.GGMLQuantizationType
    ) -> None:
        block = f"blk.{layer}."
        writer.add_tensor(block + "attn_norm.weight", np.ones(HIDDEN, np.float32))
        writer.add_tensor(block + "ffn_norm.weight", np.ones(HIDDEN, np.float32))
        matrices = {
            "attn_q": self.matrix(self.heads * HEAD_DIM, HIDDEN, 2.0),
            "attn_k": self.matrix(self.kv_heads * HEAD_DIM, HIDDEN, 2.0),
            "attn_v": self.matrix(self.kv_heads * HEAD_DIM, HIDDEN),
            "attn_output": self.matrix(HIDDEN, self.heads * HEAD_DIM),
            "ffn_gate": self.matrix(self.ffn, HIDDEN),
            "ffn_up": self.matrix(self.ffn, HIDDEN),
            "ffn_down": self.matrix(HIDDEN, self.ffn),
        }
        for name, values in matrices.items():
            data = gguf.quants.quantize(values, kind)
            writer.add_tensor(f"{block}{name}.weight", data, raw_dtype=kind)
