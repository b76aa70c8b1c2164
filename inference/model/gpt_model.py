"""Megatron-core's GPTModel, with our arithmetic in its layers. No other file imports megatron.

Driven layer by layer, never through GPTModel.forward, whose inference path needs CUDA.
"""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial

import torch
import torch.distributed as dist
from torch import nn

from inference.model.attention import AttentionMetadata, LayerAttention, attend
from inference.model.config import AttentionPattern, ModelConfig
from inference.model.layers import HeadNorm, RowFunction, activation
from inference.model.linear import ParallelLinear

# Megatron compiles functions on import, and we call none of them. Without the compiler, which it
# would import for that, a rank starts in two thirds of the time.
_compile, torch.compile = torch.compile, lambda function: function  # type: ignore[assignment]
try:
    from megatron.core import parallel_state
    from megatron.core.models.gpt import GPTModel
    from megatron.core.models.gpt.gpt_layer_specs import get_gpt_layer_local_spec
    from megatron.core.transformer.identity_op import IdentityOp
    from megatron.core.transformer.transformer_config import TransformerConfig
    from megatron.core.transformer.transformer_layer import TransformerLayer
finally:
    torch.compile = _compile


class DecoderLayer(TransformerLayer):  # type: ignore[misc]
    """Megatron's layer, with a forward that does only what a decoder needs."""

    parts: tuple[
        RowFunction, ParallelLinear, ParallelLinear, RowFunction, ParallelLinear, ParallelLinear
    ]
    head_norm: HeadNorm | None = None
    post_norms: tuple[RowFunction, RowFunction] | None = None

    def forward(self, hidden: torch.Tensor, metadata: AttentionMetadata) -> torch.Tensor:
        """Compute the layer. hidden: [rows, hidden] fp32, added to in place."""
        norm, linear_qkv, linear_proj, mlp_norm, linear_fc1, linear_fc2 = self.parts
        qkv = linear_qkv(norm(hidden)).view(self.qkv_shape)
        if self.head_norm is not None:
            self.head_norm(qkv)
        mixed = linear_proj(attend(qkv, self.layer_attention, metadata))
        hidden.add_(mixed if self.post_norms is None else self.post_norms[0](mixed.float()))
        fed = linear_fc2(self.activate(linear_fc1(mlp_norm(hidden))))
        return hidden.add_(fed if self.post_norms is None else self.post_norms[1](fed.float()))

    # Megatron's __call__ looks for CUDA graphs, layer by layer.
    __call__ = forward

    def complete(self, config: ModelConfig, patterns: Sequence[AttentionPattern]) -> None:
        """Collect the modules when all are in place. To look one up in an nn.Module takes as long
        as a small operator, and forward runs for every layer of every step.
        """
        attention, mlp = self.self_attention, self.mlp
        self.parts = (
            self.input_layernorm,
            attention.linear_qkv,
            attention.linear_proj,
            self.pre_mlp_layernorm,
            mlp.linear_fc1,
            mlp.linear_fc2,
        )
        index = self.layer_number - 1
        pattern = patterns.index(config.patterns[index])
        self.layer_attention = LayerAttention(index, pattern, config.scale, config.attention_cap)
        self.activate = activation(config)
        groups = attention.num_query_groups_per_partition
        heads = attention.num_attention_heads_per_partition // groups
        self.qkv_shape = (-1, groups, heads + 2, config.head_dim)
        if config.qk_norm:
            self.head_norm = HeadNorm(attention.q_layernorm, attention.k_layernorm, heads)
        if config.post_norms:
            self.post_norms = self.post_attention_layernorm, self.post_mlp_layernorm


class SpecLinear(ParallelLinear):
    """A linear of Megatron's layer spec. It is built without weights; the loader fills it."""

    def __init__(
        self, size: int, out: int, *, input_is_parallel: bool = False, **_: object
    ) -> None:
        # Each rank holds some columns of these, and the result is the sum over the ranks.
        super().__init__(tensor_parallel_group() if input_is_parallel else None)


def join_ranks(tp: int, timeout: timedelta) -> None:
    """Make Megatron's groups; a rank that waits in one for longer than `timeout` raises
    RuntimeError. torch.distributed must be up.
    """
    parallel_state.initialize_model_parallel(
        tensor_model_parallel_size=tp, distributed_timeout_minutes=timeout / timedelta(minutes=1)
    )


def tensor_parallel_group() -> dist.ProcessGroup:
    """Return the group of all ranks. `join_ranks` must have been called."""
    group: dist.ProcessGroup = parallel_state.get_tensor_model_parallel_group()
    return group


def build_gpt(config: ModelConfig, dtype: torch.dtype, tp: int) -> GPTModel:
    """Build the model of a rank, with no memory for weights in its linears."""
    normalization = "RMSNorm" if config.norm == "rms" else "LayerNorm"
    spec = get_gpt_layer_local_spec(normalization=normalization, qk_layernorm=config.qk_norm)
    spec.module = DecoderLayer
    attention, mlp = spec.submodules.self_attention.submodules, spec.submodules.mlp
    # It is a spec in 0.16, and in 0.19 a function that is to be called.
    mlp = mlp.keywords["submodules"] if isinstance(mlp, partial) else mlp.submodules
    # Nobody calls the attention that Megatron would build.
    attention.core_attention = IdentityOp
    attention.linear_qkv = attention.linear_proj = SpecLinear
    mlp.linear_fc1 = mlp.linear_fc2 = SpecLinear
    gpt = GPTModel(
        config=_transformer_config(config, normalization, dtype, tp),
        transformer_layer_spec=spec,
        vocab_size=config.padded_vocab(tp),
        max_sequence_length=config.context,
        position_embedding_type="none",
        share_embeddings_and_output_weights=config.tied,
        parallel_output=True,
    )
    return gpt.eval().requires_grad_(False)


def _transformer_config(
    config: ModelConfig, normalization: str, dtype: torch.dtype, tp: int
) -> TransformerConfig:
    return TransformerConfig(
        num_layers=config.layers,
        hidden_size=config.hidden,
        num_attention_heads=config.heads,
        num_query_groups=config.kv_groups(tp),
        kv_channels=config.head_dim,
        ffn_hidden_size=config.ffn,
        layernorm_epsilon=config.norm_eps,
        normalization=normalization,
        activation_func=nn.functional.silu if config.activation == "silu" else nn.functional.gelu,
        gated_linear_unit=config.gated,
        add_bias_linear=config.mlp_bias,
        add_qkv_bias=config.qkv_bias,
        qk_layernorm=config.qk_norm,
        hidden_dropout=0.0,
        attention_dropout=0.0,
        tensor_model_parallel_size=tp,
        params_dtype=dtype,
        pipeline_dtype=dtype,
        bf16=dtype == torch.bfloat16,
        use_cpu_initialization=True,
        perform_initialization=False,
        gradient_accumulation_fusion=False,
        bias_dropout_fusion=False,
        bias_activation_fusion=False,
        masked_softmax_fusion=False,
    )
