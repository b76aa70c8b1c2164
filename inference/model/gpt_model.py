"""Megatron-core's GPTModel, with our arithmetic in its layers. No other file imports megatron.

Driven layer by layer, never through GPTModel.forward, whose inference path needs CUDA.
"""

from datetime import timedelta
from functools import partial

import torch
import torch.distributed as dist
from torch import nn

from inference.kernels.cpp_stack import StackedLayer
from inference.kernels.layer_kernels import LayerAttention, LayerKernels, Norm, StepRows
from inference.model.config import ModelConfig
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

    parts: tuple[Norm, ParallelLinear, ParallelLinear, Norm, ParallelLinear, ParallelLinear]
    kernels: LayerKernels
    layer_attention: LayerAttention
    posts: tuple[Norm | None, Norm | None]

    def forward(
        self, hidden: torch.Tensor, added: torch.Tensor | None, step: StepRows
    ) -> torch.Tensor:
        """Compute the layer. hidden: [rows, hidden] fp32, added to in place; added: what the layer
        before gave, which is not in hidden yet. Returns the same of this layer.
        """
        norm, linear_qkv, linear_proj, mlp_norm, linear_fc1, linear_fc2 = self.parts
        post_of_previous, post_of_attention = self.posts
        kernels, attention = self.kernels, self.layer_attention
        qkv = linear_qkv(kernels.add_norm(hidden, added, post_of_previous, norm))
        qkv = qkv.view(self.qkv_shape)
        kernels.store(qkv, attention, step)
        mixed = linear_proj(kernels.attend(qkv, attention, step))
        normed = kernels.add_norm(hidden, mixed, post_of_attention, mlp_norm)
        return linear_fc2(kernels.activate(linear_fc1(normed), *self.activation))

    def stacked(self) -> StackedLayer | None:
        """Return the layer for `CppStack`, if all its products are made there alone."""
        norm, qkv, proj, mlp_norm, fc1, fc2 = self.parts
        packed = [one.packed for one in (qkv, proj, fc1, fc2)]
        linears = tuple(one for one in packed if one is not None)
        if len(linears) < len(packed):
            return None
        _, kv_heads, heads, head_dim = self.qkv_shape
        shape = kv_heads, heads - 2, head_dim
        return StackedLayer(
            (norm, mlp_norm), self.posts, linears, self.layer_attention, shape, self.activation
        )

    # Megatron's __call__ looks for CUDA graphs, layer by layer.
    __call__ = forward

    def complete(
        self,
        config: ModelConfig,
        attention: LayerAttention,
        kernels: LayerKernels,
        post: Norm | None,
    ) -> None:
        """Collect the modules when all are in place. To look one up in an nn.Module takes as long
        as a small operator, and forward runs for every layer of every step.

        post: the norm of what the layer before gives.
        """
        of_attention, mlp = self.self_attention, self.mlp
        self.parts = (
            self.input_layernorm,
            of_attention.linear_qkv,
            of_attention.linear_proj,
            self.pre_mlp_layernorm,
            mlp.linear_fc1,
            mlp.linear_fc2,
        )
        self.kernels, self.layer_attention = kernels, attention
        self.activation = config.activation, config.gated
        groups = of_attention.num_query_groups_per_partition
        heads = of_attention.num_attention_heads_per_partition // groups
        self.qkv_shape = (-1, groups, heads + 2, config.head_dim)
        self.posts = post, self.post_attention_layernorm if config.post_norms else None


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
