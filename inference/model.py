"""Megatron-core's GPTModel, with our attention in it. The only place that imports megatron.

Driven as embedding -> decoder -> output_layer, never through GPTModel.forward, whose inference
path needs CUDA.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta

import torch
import torch.distributed as dist
from megatron.core import parallel_state
from megatron.core.models.gpt import GPTModel
from megatron.core.models.gpt.gpt_layer_specs import get_gpt_layer_local_spec
from megatron.core.tensor_parallel import ColumnParallelLinear, RowParallelLinear
from megatron.core.transformer.attention import SelfAttention
from megatron.core.transformer.transformer_config import TransformerConfig
from torch import nn

from inference.attention import RotaryTable, Step, attend
from inference.shape import ModelShape
from inference.weights import Progress, Weights, load_parts

# A matrix product rounds differently for different numbers of rows, so all are made of tiles of
# this many rows: a token's numbers then do not depend on what else is in the step. With bf16 the
# time goes into reading the weights, and a full tile costs hardly more than one row.
TILE = 16


class PagedSelfAttention(SelfAttention):  # type: ignore[misc]
    """Megatron's projections around our attention over the paged cache."""

    def forward(
        self,
        hidden_states: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        *,
        inference_context: Step,
        **_: object,
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        query, key, value = self.get_query_key_value_tensors(hidden_states)
        layer = self.layer_number - 1
        out = attend(query[:, 0], key[:, 0], value[:, 0], layer, inference_context)
        projected: tuple[torch.Tensor, torch.Tensor | None]
        projected = self.linear_proj(out.reshape(len(out), 1, -1))
        return projected


class NoCoreAttention(nn.Module):
    """Stands where Megatron would build an attention that is never called."""

    def __init__(self, **_: object) -> None:
        super().__init__()


class TiledLinear(nn.Module):
    """A linear layer without bias, computed in tiles of TILE rows; with a group, the sum of what
    its ranks compute.

    Takes the place of Megatron's layers after they are built and loaded, with the same call.
    """

    def __init__(self, weight: torch.Tensor, group: dist.ProcessGroup | None = None) -> None:
        super().__init__()
        self.product = tile_product(weight)
        self.group = group if group is not None and group.size() > 1 else None

    def forward(self, x: torch.Tensor, **_: object) -> tuple[torch.Tensor, None]:
        """x: [..., in]; returns [..., out] and no bias."""
        rows = x.reshape(-1, x.shape[-1])
        padded = nn.functional.pad(rows, (0, 0, 0, -len(rows) % TILE))
        tiles = [self.product(tile) for tile in torch.split(padded, TILE)]
        out = (tiles[0] if len(tiles) == 1 else torch.cat(tiles))[: len(rows)]
        if self.group is not None:
            out = sum_over_ranks(out, self.group)
        return out.view(*x.shape[:-1], out.shape[-1]), None


def tile_product(weight: torch.Tensor) -> Callable[[torch.Tensor], torch.Tensor]:
    """A function of a tile, [TILE, in] to [TILE, out]. weight: [out, in]."""
    onednn = torch.ops.mkldnn
    if weight.dtype == torch.bfloat16 and weight.device.type == "cpu" and onednn_has_bf16():
        # The weights in oneDNN's own order, once; F.linear would reorder them for every product.
        packed = onednn._reorder_linear_weight(weight, TILE)
        return lambda tile: onednn._linear_pointwise(tile, packed, None, "none", [], "")
    return lambda tile: nn.functional.linear(tile, weight)


def onednn_has_bf16() -> bool:
    # Where torch was built without oneDNN there is no such operator.
    supported = getattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", None)
    return supported is not None and bool(supported())


def sum_over_ranks(part: torch.Tensor, group: dist.ProcessGroup) -> torch.Tensor:
    """The sum of every rank's part. On CPU always in the order of the ranks: gloo's all_reduce adds
    in an order that depends on where a row lies in the tensor."""
    if part.is_cuda:
        dist.all_reduce(part, group=group)
        return part
    return gather_ranks(part, group).float().sum(dim=0).to(part.dtype)


def gather_ranks(part: torch.Tensor, group: dist.ProcessGroup) -> torch.Tensor:
    """Every rank's part of the same shape, in the order of the ranks: [tp, *part.shape]."""
    parts = part.new_empty(group.size() * part.shape[0], *part.shape[1:])
    dist.all_gather_into_tensor(parts, part.contiguous(), group=group)
    return parts.view(group.size(), *part.shape)


def join_ranks(tp: int, timeout: timedelta) -> None:
    """Makes Megatron's groups; a rank that waits in one for longer than `timeout` raises
    RuntimeError. torch.distributed must be up."""
    parallel_state.initialize_model_parallel(
        tensor_model_parallel_size=tp,
        distributed_timeout_minutes=timeout / timedelta(minutes=1),
    )


class Model:
    """The part of the model that this rank holds. `join_ranks` must have been called."""

    def __init__(
        self, weights: Weights, shape: ModelShape, dtype: torch.dtype, progress: Progress
    ) -> None:
        self.rank, self.tp = dist.get_rank(), dist.get_world_size()
        self.shape, self.dtype = shape, dtype
        self.device = torch.device("cuda" if dist.get_backend() == "nccl" else "cpu")
        self.group = parallel_state.get_tensor_model_parallel_group()
        self.gpt = _build(shape, dtype, self.tp, self.device)
        _load(self.gpt, load_parts(weights, shape, self.rank, self.tp), progress)
        _tile_linears(self.gpt, self.group)
        self.rotary = RotaryTable(shape.head_dim, shape.rope_base, shape.context, self.device)

    @property
    def kv_heads(self) -> int:
        """Key/value heads that this rank caches."""
        return self.shape.kv_groups(self.tp) // self.tp

    @torch.inference_mode()
    def forward(self, token_ids: torch.Tensor, step: Step, last_rows: torch.Tensor) -> torch.Tensor:
        """Logits of the rows in `last_rows`: [len(last_rows), vocab], fp32, on every rank.

        token_ids: [tokens] int64, all spans of the step one after the other.
        """
        hidden = self.gpt.embedding(input_ids=token_ids[None], position_ids=None)
        hidden = self.gpt.decoder(hidden, attention_mask=None, inference_context=step)
        logits, _ = self.gpt.output_layer(hidden[last_rows].contiguous())
        return self._gather(logits[:, 0].float())[:, : self.shape.vocab]

    def _gather(self, part: torch.Tensor) -> torch.Tensor:
        if self.tp == 1:
            return part
        return torch.cat(list(gather_ranks(part, self.group)), dim=-1)


def _build(shape: ModelShape, dtype: torch.dtype, tp: int, device: torch.device) -> GPTModel:
    spec = get_gpt_layer_local_spec(normalization="RMSNorm")
    spec.submodules.self_attention.module = PagedSelfAttention
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
    # Norm weights stay fp32 under bf16 unless they are cast.
    return gpt.to(device=device, dtype=dtype).eval().requires_grad_(False)


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


def _load(gpt: GPTModel, parts: Iterable[tuple[str, torch.Tensor]], progress: Progress) -> None:
    parameters = dict(gpt.named_parameters())
    for name, tensor in parts:
        parameters.pop(name).data.copy_(tensor)
        if name.endswith("linear_fc2.weight"):
            progress(int(name.split(".")[2]) + 1, gpt.config.num_layers)
    assert not parameters, f"not in the file: {sorted(parameters)}"


def _tile_linears(gpt: GPTModel, group: dist.ProcessGroup) -> None:
    # A tied output layer has no weight of its own.
    output = gpt.output_layer.weight
    output = gpt.embedding.word_embeddings.weight if output is None else output
    for parent in list(gpt.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, RowParallelLinear):
                setattr(parent, name, TiledLinear(child.weight.detach(), group))
            elif isinstance(child, ColumnParallelLinear) and child is not gpt.output_layer:
                setattr(parent, name, TiledLinear(child.weight.detach()))
    gpt.output_layer = TiledLinear(output.detach())
