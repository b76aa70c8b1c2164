"""Megatron-core's GPTModel, with our arithmetic in its layers. No other file imports megatron.

Driven layer by layer, never through GPTModel.forward, whose inference path needs CUDA.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

import torch
import torch.distributed as dist
from megatron.core import parallel_state
from megatron.core.models.gpt import GPTModel
from megatron.core.models.gpt.gpt_layer_specs import get_gpt_layer_local_spec
from megatron.core.transformer.transformer_config import TransformerConfig
from megatron.core.transformer.transformer_layer import TransformerLayer
from torch import nn

from inference.attention import RotaryTable, Step, attend
from inference.device import Device
from inference.linear import (
    GPU_SIZE,
    Int4,
    Linear,
    Product,
    RowSizes,
    full_product,
    gather_ranks,
    int4_product,
    int8_product,
    measure,
    sum_over_ranks,
)
from inference.shape import ModelShape
from inference.weights import Matrix, Progress, Weights, load_parts

# Of these each rank holds some columns, and the result is the sum over the ranks.
ROW_PARALLEL = ("linear_proj", "linear_fc2")


class DecoderLayer(TransformerLayer):  # type: ignore[misc]
    """Megatron's layer, with a forward that does only what a decoder of this family needs."""

    parts: tuple[Norm, Linear, Linear, Norm, Linear, Linear]

    def forward(self, hidden: torch.Tensor, step: Step) -> torch.Tensor:
        """hidden: [rows, hidden] fp32, added to in place."""
        norm, linear_qkv, linear_proj, mlp_norm, linear_fc1, linear_fc2 = self.parts
        qkv = linear_qkv(norm(hidden)).view(self.qkv_shape)
        hidden.add_(linear_proj(attend(qkv, self.index, step)))
        gate, up = linear_fc1(mlp_norm(hidden)).chunk(2, dim=-1)
        return hidden.add_(linear_fc2(nn.functional.silu(gate).mul_(up)))

    # Megatron's __call__ looks for CUDA graphs, layer by layer.
    __call__ = forward

    def complete(self) -> None:
        """When all modules are in place. Looking one up in an nn.Module takes as long as a small
        operator, and forward runs for every layer of every step."""
        attention, mlp = self.self_attention, self.mlp
        self.parts = (
            self.input_layernorm,
            attention.linear_qkv,
            attention.linear_proj,
            self.pre_mlp_layernorm,
            mlp.linear_fc1,
            mlp.linear_fc2,
        )
        self.index = self.layer_number - 1
        groups = attention.num_query_groups_per_partition
        self.qkv_shape = (-1, groups, *self._heads(groups))

    def _heads(self, groups: int) -> tuple[int, int]:
        """Heads of a group, key and value included, and their size."""
        heads = self.self_attention.num_attention_heads_per_partition
        return heads // groups + 2, self.config.kv_channels


class NoCoreAttention(nn.Module):
    """Stands where Megatron would build an attention that is never called."""

    def __init__(self, **_: object) -> None:
        super().__init__()


class Norm(nn.Module):
    """RMSNorm (Zhang and Sennrich 2019) of fp32 rows, in fewer operators than torch's."""

    def __init__(self, weight: torch.Tensor, eps: float, dtype: torch.dtype) -> None:
        """weight: [hidden], fp32."""
        super().__init__()
        hidden = len(weight)
        # 1 / sqrt(mean + eps) = sqrt(hidden) / sqrt(sum + hidden * eps)
        self.weight = weight * hidden**0.5
        self.eps = torch.tensor(hidden * eps, device=weight.device)
        self.dtype = dtype

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """rows: [rows, hidden], fp32; returns them normalised, in the model's number format."""
        scale = torch.linalg.vecdot(rows, rows).add_(self.eps).rsqrt_()
        out = torch.empty(rows.shape, dtype=self.dtype, device=rows.device)
        return torch.mul(rows * scale.unsqueeze(1), self.weight, out=out)

    # No hooks: there are none, and looking for them takes as long as a small operator.
    __call__ = forward


class Embedding(nn.Module):
    """Rows of the vocabulary, of which this rank holds a part."""

    def __init__(self, weight: torch.Tensor, group: dist.ProcessGroup) -> None:
        super().__init__()
        self.weight, self.group = weight, group
        self.start = group.rank() * len(weight)

    def forward(self, token_ids: torch.Tensor) -> torch.Tensor:
        """token_ids: [rows] int64; returns [rows, hidden], fp32."""
        if self.group.size() == 1:
            return self.weight[token_ids].float()
        mine = token_ids - self.start
        elsewhere = (mine < 0) | (mine >= len(self.weight))
        rows = self.weight[mine.masked_fill_(elsewhere, 0)].float()
        return sum_over_ranks(rows.masked_fill_(elsewhere[:, None], 0.0), self.group)


def join_ranks(tp: int, timeout: timedelta) -> None:
    """Makes Megatron's groups; a rank that waits in one for longer than `timeout` raises
    RuntimeError. torch.distributed must be up."""
    parallel_state.initialize_model_parallel(
        tensor_model_parallel_size=tp,
        distributed_timeout_minutes=timeout / timedelta(minutes=1),
    )


class Model:
    """The part of the model that this rank holds. `join_ranks` must have been called, and `measure`
    before it is used."""

    row_sizes: RowSizes

    def __init__(
        self, weights: Weights, shape: ModelShape, device: Device, progress: Progress
    ) -> None:
        self.rank, self.tp = dist.get_rank(), dist.get_world_size()
        self.shape, self.dtype = shape, device.dtype
        self.device = torch.device(device.name)
        self.group = parallel_state.get_tensor_model_parallel_group()
        self.gpt = _build(shape, device.dtype, self.tp)
        self._load(load_parts(weights, shape, self.rank, self.tp, device.form), device, progress)
        self.rotary = RotaryTable(
            shape.head_dim, shape.rope_base, shape.context, self.dtype, self.device
        )

    @property
    def kv_heads(self) -> int:
        """Key/value heads that this rank caches."""
        return self.shape.kv_groups(self.tp) // self.tp

    def measure(self, deterministic: bool) -> None:
        """Finds out how many rows to compute at once. Speaks to the other ranks: all call it."""
        kinds: dict[str, list[Linear]] = {}
        for name, module in self.gpt.named_modules():
            if isinstance(module, Linear):
                kinds.setdefault(name.rpartition(".")[2], []).append(module)
        on_gpu = self.device.type == "cuda"
        self.row_sizes = (
            RowSizes((GPU_SIZE,), (1.0,))
            if on_gpu
            else measure(list(kinds.values()), self.dtype, deterministic)
        )

    @torch.inference_mode()
    def forward(self, token_ids: torch.Tensor, step: Step, rows: torch.Tensor) -> torch.Tensor:
        """Logits after `rows`: [len(rows), vocab], fp32, on every rank.

        token_ids: [rows of the step] int64. Both are as many as `row_sizes` says.
        """
        hidden = self.gpt.embedding.word_embeddings(token_ids)
        for layer in self.gpt.decoder.layers:
            hidden = layer(hidden, step)
        if not rows.shape[0]:
            return torch.empty(0, self.shape.vocab, device=self.device)
        hidden = self.gpt.decoder.final_layernorm(hidden[rows])
        logits: torch.Tensor = self.gpt.output_layer(hidden).float()
        return self._gather(logits)[:, : self.shape.vocab]

    def _gather(self, part: torch.Tensor) -> torch.Tensor:
        if self.tp == 1:
            return part
        return torch.cat(list(gather_ranks(part, self.group)), dim=-1)

    def _load(
        self, parts: Iterable[tuple[str, Matrix]], device: Device, progress: Progress
    ) -> None:
        """Puts a module of ours where Megatron has one, parameter by parameter. Megatron's own, of
        which 0.16 and 0.19 have different specs, are never written to and take no memory."""
        for name, part in parts:
            path = name.removesuffix(".weight")
            parent, _, last = path.rpartition(".")
            setattr(self.gpt.get_submodule(parent), last, self._module(last, part, device))
            if last == "linear_fc2":
                self.gpt.get_submodule(parent.removesuffix(".mlp")).complete()
                progress(int(name.split(".")[2]) + 1, self.shape.layers)

    def _module(self, name: str, part: Matrix, device: Device) -> nn.Module:
        if not isinstance(part, torch.Tensor) or name.startswith(("linear", "output")):
            group = self.group if name in ROW_PARALLEL else None
            return Linear(_products(part, device), part.shape[1], group)
        part = part.to(self.device)
        if name == "word_embeddings":
            return Embedding(part.to(self.dtype), self.group)
        return Norm(part, self.shape.norm_eps, self.dtype)


def _products(part: Matrix, device: Device) -> list[Product]:
    """The ways to compute a product with this part of the model, the most exact first."""
    if isinstance(part, torch.Tensor):
        return [full_product(part.to(device.name, device.dtype))]
    few = int4_product(part) if isinstance(part, Int4) else int8_product(part)
    # With many rows numbers in full are faster; they are not the same to the last bit.
    return [few] if device.deterministic else [few, full_product(part.full().to(device.dtype))]


def _build(shape: ModelShape, dtype: torch.dtype, tp: int) -> GPTModel:
    spec = get_gpt_layer_local_spec(normalization="RMSNorm")
    spec.module = DecoderLayer
    spec.submodules.self_attention.submodules.core_attention = NoCoreAttention
    gpt = GPTModel(
        config=_config(shape, dtype, tp),
        transformer_layer_spec=spec,
        vocab_size=shape.padded_vocab(tp),
        max_sequence_length=shape.context,
        position_embedding_type="none",
        share_embeddings_and_output_weights=shape.tied,
        parallel_output=True,
    )
    return gpt.eval().requires_grad_(False)


def _config(shape: ModelShape, dtype: torch.dtype, tp: int) -> TransformerConfig:
    return TransformerConfig(
        num_layers=shape.layers,
        hidden_size=shape.hidden,
        num_attention_heads=shape.heads,
        num_query_groups=shape.kv_groups(tp),
        kv_channels=shape.head_dim,
        ffn_hidden_size=shape.ffn,
        layernorm_epsilon=shape.norm_eps,
        normalization="RMSNorm",
        activation_func=nn.functional.silu,
        gated_linear_unit=True,
        add_bias_linear=False,
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
