"""Megatron-core's GPTModel, with our arithmetic in its layers. No other file imports megatron.

Driven layer by layer, never through GPTModel.forward, whose inference path needs CUDA.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial
from unittest.mock import patch

import torch
import torch.distributed as dist
from torch import nn

from inference.checkpoint.lora import Adapter
from inference.model.adapters import AdapterWeights, LoraMatrices
from inference.model.attention import (
    AttentionMetadata,
    LayerAttention,
    RotaryTable,
    Rotation,
    attend,
)
from inference.model.config import AttentionPattern, ModelConfig
from inference.model.device import Device
from inference.model.layers import (
    HeadNorm,
    LayerNorm,
    RMSNorm,
    RowFunction,
    VocabParallelEmbedding,
    activation,
)
from inference.model.linear import (
    GPU_SIZE,
    ActiveAdapters,
    Int4,
    ParallelLinear,
    Product,
    RowSizes,
    full_product,
    gather_ranks,
    int4_product,
    int8_product,
    measure,
)
from inference.model.weights import (
    LoadProgress,
    Matrix,
    SlotWeights,
    WeightLoader,
    WeightSlot,
    weight_slots,
)

# Megatron compiles functions as it is imported, and none of them is called here. Without the
# compiler, which would be imported for them, a rank starts in two thirds of the time.
with patch.object(torch, "compile", lambda function: function):
    from megatron.core import parallel_state
    from megatron.core.models.gpt import GPTModel
    from megatron.core.models.gpt.gpt_layer_specs import get_gpt_layer_local_spec
    from megatron.core.transformer.transformer_config import TransformerConfig
    from megatron.core.transformer.transformer_layer import TransformerLayer


class DecoderLayer(TransformerLayer):  # type: ignore[misc]
    """Megatron's layer, with a forward that does only what a decoder needs."""

    parts: tuple[
        RowFunction, ParallelLinear, ParallelLinear, RowFunction, ParallelLinear, ParallelLinear
    ]
    head_norm: HeadNorm | None = None
    post_norms: tuple[RowFunction, RowFunction] | None = None

    def forward(self, hidden: torch.Tensor, step: AttentionMetadata) -> torch.Tensor:
        """hidden: [rows, hidden] fp32, added to in place."""
        norm, linear_qkv, linear_proj, mlp_norm, linear_fc1, linear_fc2 = self.parts
        qkv = linear_qkv(norm(hidden)).view(self.qkv_shape)
        if self.head_norm is not None:
            self.head_norm(qkv)
        mixed = linear_proj(attend(qkv, self.place, step))
        hidden.add_(mixed if self.post_norms is None else self.post_norms[0](mixed.float()))
        fed = linear_fc2(self.activate(linear_fc1(mlp_norm(hidden))))
        return hidden.add_(fed if self.post_norms is None else self.post_norms[1](fed.float()))

    # Megatron's __call__ looks for CUDA graphs, layer by layer.
    __call__ = forward

    def complete(self, config: ModelConfig, patterns: Sequence[AttentionPattern]) -> None:
        """When all modules are in place. Looking one up in an nn.Module takes as long as a small
        operator, and forward runs for every layer of every step.
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
        layer = self.layer_number - 1
        pattern = patterns.index(config.patterns[layer])
        self.place = LayerAttention(layer, pattern, config.scale, config.attention_cap)
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
        # Of these each rank holds some columns, and the result is the sum over the ranks.
        group = parallel_state.get_tensor_model_parallel_group() if input_is_parallel else None
        super().__init__(group)


class NoCoreAttention(nn.Module):
    """Stands where Megatron would build an attention that is never called."""

    def __init__(self, **_: object) -> None:
        super().__init__()


def join_ranks(tp: int, timeout: timedelta) -> None:
    """Makes Megatron's groups; a rank that waits in one for longer than `timeout` raises
    RuntimeError. torch.distributed must be up.
    """
    parallel_state.initialize_model_parallel(
        tensor_model_parallel_size=tp,
        distributed_timeout_minutes=timeout / timedelta(minutes=1),
    )


class ModelShard:
    """The part of the model that this rank holds. `join_ranks` must have been called, and `measure`
    before it is used.
    """

    row_sizes: RowSizes

    def __init__(
        self,
        weights: WeightLoader,
        config: ModelConfig,
        device: Device,
        progress: LoadProgress,
        adapters: Sequence[Adapter] = (),
    ) -> None:
        self.rank, self.tp = dist.get_rank(), dist.get_world_size()
        self.config, self.dtype = config, device.dtype
        self.device = torch.device(device.name)
        self.group = parallel_state.get_tensor_model_parallel_group()
        self.patterns: list[AttentionPattern] = list(dict.fromkeys(config.patterns))
        self.active = ActiveAdapters()
        self.positions: torch.Tensor | None = None
        self.gpt = _build(config, device.dtype, self.tp)
        self._load(weights, [AdapterWeights(one) for one in adapters], device, progress)
        tables = {
            rope: RotaryTable(rope, config.context, self.dtype, self.device)
            for rope in dict.fromkeys(pattern.rope for pattern in self.patterns)
            if rope is not None
        }
        self.tables = [tables[pattern.rope] if pattern.rope else None for pattern in self.patterns]

    @property
    def kv_heads(self) -> int:
        """Key/value heads that this rank caches."""
        return self.config.kv_groups(self.tp) // self.tp

    def rotations(self, positions: torch.Tensor) -> tuple[Rotation | None, ...]:
        """Of each view. positions: [rows] int64."""
        found = {table: table.at(positions) for table in set(self.tables) if table is not None}
        return tuple(None if table is None else found[table] for table in self.tables)

    def measure(self, deterministic: bool) -> None:
        """Finds out how many rows to compute at once. Speaks to the other ranks: all call it."""
        kinds: dict[tuple[str, str], list[ParallelLinear]] = {}
        for path, module in self.gpt.named_modules():
            if isinstance(module, ParallelLinear):
                for name, linear in module.all_products():
                    kinds.setdefault((path.rpartition(".")[2], name), []).append(linear)
        on_gpu = self.device.type == "cuda"
        self.row_sizes = (
            RowSizes((GPU_SIZE,), (1.0,))
            if on_gpu
            else measure(list(kinds.values()), self.dtype, deterministic)
        )

    @torch.inference_mode()
    def forward(
        self,
        token_ids: torch.Tensor,
        positions: torch.Tensor,
        step: AttentionMetadata,
        rows: torch.Tensor,
    ) -> torch.Tensor:
        """Logits after `rows`: [len(rows), vocab], fp32, on every rank.

        token_ids, positions: [rows of the step] int64. They, and `rows`, are as many as `row_sizes`
        says.
        """
        hidden = self.gpt.embedding.word_embeddings(token_ids)
        if self.positions is not None:
            hidden.add_(self.positions[positions])
        for layer in self.gpt.decoder.layers:
            hidden = layer(hidden, step)
        if not rows.shape[0]:
            return torch.empty(0, self.config.vocab, device=self.device)
        hidden = self.gpt.decoder.final_layernorm(hidden[rows])
        logits = self._gather(self.gpt.output_layer(hidden).float())[:, : self.config.vocab]
        cap = self.config.logit_cap
        return logits if cap is None else (logits / cap).tanh_().mul_(cap)

    def _gather(self, part: torch.Tensor) -> torch.Tensor:
        if self.tp == 1:
            return part
        return torch.cat(list(gather_ranks(part, self.group)), dim=-1)

    def _load(
        self,
        weights: WeightLoader,
        adapters: Sequence[AdapterWeights],
        device: Device,
        progress: LoadProgress,
    ) -> None:
        """Fills the linears, and puts modules of ours where Megatron has others, which are never
        written to and take no memory.
        """
        done = 0
        for slot in weight_slots(self.config, self.rank, self.tp):
            part = weights.load(slot, device.form, self.dtype)
            parent, _, last = slot.path.rpartition(".")
            if slot.path == "embedding.position_embeddings":
                assert isinstance(part.weight, torch.Tensor)
                self.positions = part.weight.to(self.device, self.dtype)
            elif last.startswith("linear"):
                pairs = {one.adapter.name: one.pair(slot) for one in adapters}
                self._fill_linear(self.gpt.get_submodule(slot.path), part, pairs, device)
            else:
                setattr(self.gpt.get_submodule(parent), last, self._module(slot, part, device))
            if last == "linear_fc1":
                done += 1
                progress(done, self.config.layers)
        for layer in self.gpt.decoder.layers:
            layer.complete(self.config, self.patterns)

    def _fill_linear(
        self,
        linear: ParallelLinear,
        part: SlotWeights,
        pairs: Mapping[str, LoraMatrices | None],
        device: Device,
    ) -> None:
        _fill(linear, part, device)
        linear.active = self.active
        for name, pair in pairs.items():
            if pair is not None:
                both = (SlotWeights(matrix, None) for matrix in (pair.down, pair.up))
                linear.adapt(name, *(_fill(ParallelLinear(), one, device) for one in both))

    def _module(self, slot: WeightSlot, part: SlotWeights, device: Device) -> nn.Module:
        if slot.is_linear:
            return _fill(ParallelLinear(), part, device)
        assert isinstance(part.weight, torch.Tensor)
        weight = part.weight.to(self.device)
        if slot.path == "embedding.word_embeddings":
            return VocabParallelEmbedding(
                weight.to(self.dtype), self.group, self.config.embedding_scale
            )
        # What is added to the fp32 rows stays fp32.
        post = "post_" in slot.path
        dtype = torch.float32 if post else self.dtype
        if part.bias is None:
            return RMSNorm(weight, self.config.norm_eps, dtype)
        return LayerNorm(weight, part.bias.to(self.device), self.config.norm_eps, dtype)


def _fill(linear: ParallelLinear, part: SlotWeights, device: Device) -> ParallelLinear:
    bias = None if part.bias is None else part.bias.to(device.name, device.dtype)
    return linear.fill(_products(part.weight, device), part.weight.shape[1], bias)


def _products(part: Matrix, device: Device) -> list[Product]:
    """The ways to compute a product with this part of the model, the most exact first."""
    if isinstance(part, torch.Tensor):
        return [full_product(part.to(device.name, device.dtype))]
    few = int4_product(part) if isinstance(part, Int4) else int8_product(part)
    # With many rows numbers in full are faster; they are not the same to the last bit.
    return [few] if device.deterministic else [few, full_product(part.full().to(device.dtype))]


def _build(config: ModelConfig, dtype: torch.dtype, tp: int) -> GPTModel:
    normalization = "RMSNorm" if config.norm == "rms" else "LayerNorm"
    spec = get_gpt_layer_local_spec(normalization=normalization, qk_layernorm=config.qk_norm)
    spec.module = DecoderLayer
    attention, mlp = spec.submodules.self_attention.submodules, spec.submodules.mlp
    # A spec in 0.16, in 0.19 a function that is to be called.
    mlp = mlp.keywords["submodules"] if isinstance(mlp, partial) else mlp.submodules
    attention.core_attention = NoCoreAttention
    attention.linear_qkv = attention.linear_proj = SpecLinear
    mlp.linear_fc1 = mlp.linear_fc2 = SpecLinear
    gpt = GPTModel(
        config=_config(config, normalization, dtype, tp),
        transformer_layer_spec=spec,
        vocab_size=config.padded_vocab(tp),
        max_sequence_length=config.context,
        position_embedding_type="none",
        share_embeddings_and_output_weights=config.tied,
        parallel_output=True,
    )
    return gpt.eval().requires_grad_(False)


def _config(
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
