"""Which parameters a rank holds, in which modules, and which of their rows and columns.

Knows nothing of files, and of Megatron nothing but the names of its modules.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from inference.checkpoint.parameter_ref import RowIndices
from inference.model.config import ModelConfig


@dataclass(frozen=True, slots=True, eq=False)
class WeightSlot:
    """A module of the model as one rank holds it. path: its name in Megatron's model.

    sources: parameters without .weight and .bias, and which of their rows, one below the other.
    columns: of the weight, which has only these; a bias belongs to all. padding: rows of zeros at
    the end.
    """

    path: str
    sources: tuple[tuple[str, RowIndices | None], ...]
    columns: slice | None = None
    padding: int = 0

    @property
    def is_linear(self) -> bool:
        return self.path.rpartition(".")[2].startswith(("linear", "output"))

    @property
    def is_matrix(self) -> bool:
        """Whether it is a matrix, and no vector, which is never rounded."""
        return not self.path.endswith("layernorm")


def weight_slots(config: ModelConfig, rank: int, tp: int) -> Iterator[WeightSlot]:
    """Yield all that rank `rank` of `tp` holds. The largest come first: memory that is left over
    from reading them is used again. Tied models have an output layer too.
    """
    per_rank = config.padded_vocab(tp) // tp
    # The last ranks may have nothing but padding.
    first = min(rank * per_rank, config.vocab)
    vocab = np.arange(first, min(first + per_rank, config.vocab))
    padding = per_rank - len(vocab)
    output = "embedding" if config.tied else "output"
    yield WeightSlot("embedding.word_embeddings", (("embedding", vocab),), padding=padding)
    if config.learned_positions:
        yield WeightSlot("embedding.position_embeddings", (("positions", None),))
    yield WeightSlot("output_layer", ((output, vocab),), padding=padding)
    yield WeightSlot("decoder.final_layernorm", (("final_norm", None),))
    for layer in range(config.layers):
        for path, names, columns in _layer(config, rank, tp):
            sources = tuple((f"layers.{layer}.{name}", rows) for name, rows in names)
            yield WeightSlot(f"decoder.layers.{layer}.{path}", sources, columns)


def _layer(
    config: ModelConfig, rank: int, tp: int
) -> Iterator[tuple[str, list[tuple[str, RowIndices | None]], slice | None]]:
    """Yield path, sources and columns of the slots of a layer."""
    ffn, heads = config.ffn // tp, config.heads // tp * config.head_dim
    mine = np.arange(rank * ffn, (rank + 1) * ffn)
    gate: list[tuple[str, RowIndices | None]] = [("gate", mine)] if config.gated else []
    yield "mlp.linear_fc1", [*gate, ("up", mine)], None
    yield "mlp.linear_fc2", [("down", None)], slice(rank * ffn, (rank + 1) * ffn)
    yield "self_attention.linear_qkv", list(_qkv(config, rank, tp)), None
    columns = slice(rank * heads, (rank + 1) * heads)
    yield "self_attention.linear_proj", [("o", None)], columns
    yield "input_layernorm", [("attn_norm", None)], None
    yield "pre_mlp_layernorm", [("mlp_norm", None)], None
    if config.qk_norm:
        yield "self_attention.q_layernorm", [("q_norm", None)], None
        yield "self_attention.k_layernorm", [("k_norm", None)], None
    if config.post_norms:
        yield "post_attention_layernorm", [("post_attn_norm", None)], None
        yield "post_mlp_layernorm", [("post_mlp_norm", None)], None


def _qkv(config: ModelConfig, rank: int, tp: int) -> Iterator[tuple[str, RowIndices | None]]:
    """Yield [q ... q, k, v] for each key/value head of this rank."""
    dim, per_group = config.head_dim, config.heads // config.kv_groups(tp)
    groups = config.kv_groups(tp) // tp
    for group in range(rank * groups, (rank + 1) * groups):
        # With fewer key/value heads than ranks, neighbouring ranks hold copies of one head.
        kv = group * config.kv_heads // config.kv_groups(tp)
        yield "q", np.arange(group * per_group * dim, (group + 1) * per_group * dim)
        yield "k", np.arange(kv * dim, (kv + 1) * dim)
        yield "v", np.arange(kv * dim, (kv + 1) * dim)
