"""The shard of a model on one rank: its weights in Megatron's modules, and the forward pass."""

from collections.abc import Callable, Sequence

import torch
import torch.distributed as dist
from torch import nn

from inference.checkpoint.lora import Adapter
from inference.kernels.choose import choose_kernels
from inference.kernels.cpp_kernels import CppKernels
from inference.kernels.cpp_products import PackedProduct
from inference.kernels.cpp_stack import CppStack
from inference.kernels.layer_kernels import HeadNorm, LayerAttention, Norm, StepRows
from inference.kernels.rotary import RotaryTable
from inference.model.config import ModelConfig
from inference.model.cuda_products import gpu_product
from inference.model.device import Device
from inference.model.embedding import VocabParallelEmbedding
from inference.model.gpt_model import build_gpt, tensor_parallel_group
from inference.model.linear import (
    ParallelLinear,
    Product,
    full_product,
    gather_ranks,
    int4_product,
    int8_product,
)
from inference.model.quantized import Int4
from inference.model.row_sizes import RowSizes, card_sizes, measure
from inference.model.weight_loader import Matrix, SlotWeights, WeightLoader, is_shared
from inference.model.weight_slots import WeightSlot, weight_slots

LoadProgress = Callable[[int, int], None]
"""Called with the number of layers loaded so far, and of all layers."""


class ModelShard:
    """The part of the model that this rank holds. `join_ranks` must be called before it is made,
    and `measure` before it is used.
    """

    row_sizes: RowSizes

    def __init__(
        self,
        loader: WeightLoader,
        config: ModelConfig,
        device: Device,
        progress: LoadProgress,
        adapters: Sequence[Adapter] = (),
    ) -> None:
        self.rank, self.tp = dist.get_rank(), dist.get_world_size()
        self.config, self.dtype = config, device.dtype
        self.device = torch.device(device.name)
        self.group = tensor_parallel_group()
        self.kernels = choose_kernels(
            self.device,
            self.dtype,
            config.heads // self.tp // self.kv_heads,
            config.head_dim,
            frozenset(pattern.window for pattern in config.patterns),
            capped=config.attention_cap is not None,
        )
        # One for all linears: the adapters of the current step.
        self.active: dict[str, torch.Tensor] = {}
        self.positions: torch.Tensor | None = None
        self.gpt = build_gpt(config, device.dtype, self.tp)
        self._load(loader, adapters, device, progress)
        self._complete()

    @property
    def kv_heads(self) -> int:
        """Key/value heads that this rank caches."""
        return self.config.kv_groups(self.tp) // self.tp

    def measure(self, deterministic: bool) -> None:
        """Find out how many rows to compute at once. All ranks must call it: they talk."""
        if self.device.type == "cuda":
            self.row_sizes = card_sizes()
            for module in self.gpt.modules():
                if isinstance(module, ParallelLinear):
                    for _, linear in module.all_products():
                        linear.use(dict.fromkeys(self.row_sizes.sizes, 0))
            return
        kinds: dict[tuple[str, str], list[ParallelLinear]] = {}
        for path, module in self.gpt.named_modules():
            if isinstance(module, ParallelLinear):
                for name, linear in module.all_products():
                    kinds.setdefault((path.rpartition(".")[2], name), []).append(linear)
        self.row_sizes = measure(list(kinds.values()), self.dtype, deterministic)

    @torch.inference_mode()
    def forward(
        self, token_ids: torch.Tensor, step: StepRows, rows: torch.Tensor | None
    ) -> torch.Tensor:
        """Return logits after `rows`, or after all: [len(rows), vocab], fp32, on every rank.

        token_ids: [rows of the step] int64. They, and `rows`, are as many as `row_sizes` says.
        """
        hidden = self.gpt.embedding.word_embeddings(token_ids)
        if self.positions is not None:
            hidden.add_(self.positions[step.positions])
        added: torch.Tensor | None = None
        if self.stack is not None and not self.active:
            added = self.stack.compute(hidden, step)
        else:
            for layer in self.gpt.decoder.layers:
                added = layer(hidden, added, step)
        if rows is not None:
            if not rows.shape[0]:
                return torch.empty(0, self.config.vocab, device=self.device)
            assert added is not None
            hidden, added = hidden[rows], added[rows]
        normed = self.kernels.add_norm(hidden, added, self.last_post, self.final_norm)
        part = self.gpt.output_layer(normed).float()
        if self.tp > 1:
            part = torch.cat(list(gather_ranks(part, self.group)), dim=-1)
        logits: torch.Tensor = part[:, : self.config.vocab]
        cap = self.config.logit_cap
        return logits if cap is None else (logits / cap).tanh_().mul_(cap)

    def _load(
        self,
        loader: WeightLoader,
        adapters: Sequence[Adapter],
        device: Device,
        progress: LoadProgress,
    ) -> None:
        """Fill the linears, and put our modules in the place of others of Megatron, which are never
        written to and take no memory.
        """
        done = 0
        lora = [(one, WeightLoader(one.tensors, one.refs)) for one in adapters]
        for slot in weight_slots(self.config, self.rank, self.tp):
            if is_shared(loader, self.config, slot, device.form, device.name):
                part = SlotWeights(self.gpt.embedding.word_embeddings.weight, None)
            else:
                part = loader.load(slot, device.form, self.dtype, self.device)
            parent, _, last = slot.path.rpartition(".")
            if slot.path == "embedding.position_embeddings":
                assert isinstance(part.weight, torch.Tensor)
                self.positions = part.weight.to(self.device, self.dtype)
            elif last.startswith("linear"):
                linear = _fill(self.gpt.get_submodule(slot.path), part, device)
                linear.active, linear.in_order = self.active, device.deterministic
                for adapter, its_loader in lora:
                    if pair := lora_matrices(adapter, its_loader, slot):
                        both = (SlotWeights(matrix, None) for matrix in pair)
                        down, up = (_fill(ParallelLinear(), one, device) for one in both)
                        linear.low_rank[adapter.name] = down, up
            else:
                setattr(self.gpt.get_submodule(parent), last, self._module(slot, part, device))
            if last == "linear_fc1":
                done += 1
                progress(done, self.config.layers)

    def _complete(self) -> None:
        """Give each layer what it computes with, when all weights are in place."""
        config = self.config
        ropes = dict.fromkeys(pattern.rope for pattern in config.patterns if pattern.rope)
        tables = {
            rope: RotaryTable(rope, config.context, self.dtype, self.device) for rope in ropes
        }
        self.last_post: Norm | None = None
        for index, (layer, pattern) in enumerate(
            zip(self.gpt.decoder.layers, config.patterns, strict=True)
        ):
            attention = LayerAttention(
                index,
                config.scale,
                config.attention_cap,
                pattern.window,
                tables[pattern.rope] if pattern.rope else None,
                self._head_norm(layer) if config.qk_norm else None,
            )
            layer.complete(config, attention, self.kernels, self.last_post)
            self.last_post = layer.post_mlp_layernorm if config.post_norms else None
        layers = [stacked for layer in self.gpt.decoder.layers if (stacked := layer.stacked())]
        self.stack: CppStack | None = None
        if isinstance(self.kernels, CppKernels) and len(layers) == config.layers:
            self.stack = CppStack(self.kernels, layers)
        self.final_norm = self.gpt.decoder.final_layernorm

    def _head_norm(self, layer: nn.Module) -> HeadNorm:
        query = layer.get_submodule("self_attention.q_layernorm")
        key = layer.get_submodule("self_attention.k_layernorm")
        assert isinstance(query, Norm)
        assert isinstance(key, Norm)
        group = self.config.heads // self.tp // self.kv_heads
        return HeadNorm(torch.stack([query.weight] * group + [key.weight]), query.eps)

    def _module(self, slot: WeightSlot, part: SlotWeights, device: Device) -> nn.Module:
        if slot.is_linear:
            return _fill(ParallelLinear(), part, device)
        assert isinstance(part.weight, torch.Tensor)
        weight = part.weight.to(self.device)
        if slot.path == "embedding.word_embeddings":
            weight = weight.to(self.dtype)
            return VocabParallelEmbedding(weight, self.group, self.config.embedding_scale)
        bias = None if part.bias is None else part.bias.to(self.device)
        return Norm(weight, bias, self.config.norm_eps)


def lora_matrices(
    adapter: Adapter, loader: WeightLoader, slot: WeightSlot
) -> tuple[torch.Tensor, torch.Tensor] | None:
    """Return what an adapter adds to a slot, up @ down, as down, [rank, columns], and up, [rows,
    rank], fp32; None if it adds nothing. The ranks of a slot's sources follow one another.
    """
    changed = list(dict.fromkeys(name for name, _ in slot.sources if adapter.changes(name)))
    if not changed:
        return None
    downs = [loader.parameter(f"{name}.down.weight", None, slot.columns) for name in changed]
    ups, rank, width = [], adapter.rank, adapter.rank * len(changed)
    for name, rows in slot.sources:
        if name in changed:
            up = loader.parameter(f"{name}.up.weight", rows, None) * adapter.scale
            first = changed.index(name) * rank
            ups.append(nn.functional.pad(up, (first, width - first - rank)))
        else:
            assert rows is not None
            ups.append(torch.zeros(len(rows), width))
    return torch.cat(downs), torch.cat(ups)


def _fill(linear: ParallelLinear, part: SlotWeights, device: Device) -> ParallelLinear:
    bias = None if part.bias is None else part.bias.to(device.name, device.dtype)
    return linear.fill(_products(part.weight, device), part.weight.shape[1], bias)


def _products(weight: Matrix, device: Device) -> list[Product]:
    """Return the ways to compute a product with this matrix, the most exact first."""
    if device.name == "cuda":
        return [gpu_product(weight, device)]
    if isinstance(weight, torch.Tensor):
        return [full_product(weight.to(device.name, device.dtype))]
    few = int4_product(weight) if isinstance(weight, Int4) else int8_product(weight)
    if device.deterministic or isinstance(few, PackedProduct):
        return [few]
    # With many rows the full numbers are faster; the results differ in the last bits.
    return [few, full_product(weight.full().to(device.dtype))]
