"""A rank that saves a checkpoint as Megatron does. `run_module` runs it, with a SaveJob.

dist_checkpointing.save needs a GPU, to wait for it. What it writes is Megatron's sharded state,
through torch's distributed checkpoint; here the same is done with that alone, as torch documents it
for CPUs (https://docs.pytorch.org/docs/stable/distributed.checkpoint.html).
"""

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.distributed as dist
from megatron.core import parallel_state
from megatron.core.dist_checkpointing.serialization import save_preprocess
from megatron.core.dist_checkpointing.strategies.torch import (
    _replace_state_dict_keys_with_sharded_keys,
    mcore_to_pyt_state_dict,
)
from megatron.core.models.gpt import GPTModel
from megatron.core.models.gpt.gpt_layer_specs import get_gpt_layer_local_spec
from megatron.core.transformer.transformer_config import TransformerConfig
from safetensors.torch import load_file
from torch.distributed.checkpoint.default_planner import DefaultSavePlanner
from torch.distributed.checkpoint.filesystem import FileSystemWriter
from torch.distributed.checkpoint.state_dict_saver import save as save_checkpoint

Tensors = dict[str, torch.Tensor]


@dataclass(frozen=True)
class SaveJob:
    """source: a directory of a Hugging Face model, whose weights are saved. As llama, or gpt2."""

    rank: int
    tp: int
    store: str
    source: str
    out: str
    arguments: dict[str, object]


def main(job: SaveJob) -> None:
    store = f"file://{job.store}"
    dist.init_process_group("gloo", init_method=store, rank=job.rank, world_size=job.tp)
    parallel_state.initialize_model_parallel(tensor_model_parallel_size=job.tp)
    args = argparse.Namespace(**job.arguments, params_dtype=torch.float32)
    model = build(args, job.tp)
    weights = load_file(f"{job.source}/model.safetensors")
    fill = fill_llama if args.swiglu else fill_gpt2
    with torch.no_grad():
        fill(model.state_dict(), weights, args, job.rank, job.tp)
    save(model, args, Path(job.out), job.rank)
    dist.barrier()


def build(args: argparse.Namespace, tp: int) -> GPTModel:
    config = TransformerConfig(
        num_layers=args.num_layers,
        hidden_size=args.hidden_size,
        num_attention_heads=args.num_attention_heads,
        num_query_groups=args.num_query_groups if args.group_query_attention else None,
        ffn_hidden_size=args.ffn_hidden_size,
        normalization=args.normalization,
        gated_linear_unit=args.swiglu,
        activation_func=torch.nn.functional.silu if args.swiglu else torch.nn.functional.gelu,
        add_bias_linear=args.add_bias_linear,
        add_qkv_bias=args.add_qkv_bias,
        use_cpu_initialization=True,
        perform_initialization=False,
        tensor_model_parallel_size=tp,
        gradient_accumulation_fusion=False,
        bias_dropout_fusion=False,
        bias_activation_fusion=False,
        masked_softmax_fusion=False,
    )
    return GPTModel(
        config=config,
        transformer_layer_spec=get_gpt_layer_local_spec(normalization=args.normalization),
        vocab_size=args.padded_vocab_size,
        max_sequence_length=args.max_position_embeddings,
        position_embedding_type="none" if args.swiglu else "learned_absolute",
        share_embeddings_and_output_weights=not args.untie_embeddings_and_output_weights,
    )


def save(model: GPTModel, args: argparse.Namespace, out: Path, rank: int) -> None:
    # Newer runs may give each layer names of its own instead of stacking them.
    metadata = {"non_homogeneous_layers": args.non_homogeneous_layers}
    sharded = model.sharded_state_dict(metadata=metadata)
    state = {"model": sharded, "args": args, "iteration": 7}
    sharded, common = save_preprocess(state)
    if rank == 0:
        torch.save(common, out / "common.pt")
        backends = {"sharded_backend": "torch_dist", "sharded_backend_version": 1}
        (out / "metadata.json").write_text(json.dumps(backends))
    sharded, _, _ = _replace_state_dict_keys_with_sharded_keys(sharded, False)
    save_checkpoint(
        mcore_to_pyt_state_dict(sharded, False),
        storage_writer=FileSystemWriter(out),
        planner=DefaultSavePlanner(flatten_state_dict=False),
    )


def fill_llama(
    state: Tensors, weights: Tensors, args: argparse.Namespace, rank: int, tp: int
) -> None:
    def share(whole: torch.Tensor, dim: int = 0) -> torch.Tensor:
        return whole.chunk(tp, dim)[rank]

    groups = args.num_query_groups
    rows = args.padded_vocab_size
    for ours, theirs in (
        ("embedding.word_embeddings", "model.embed_tokens"),
        ("output_layer", "lm_head"),
    ):
        whole = weights[f"{theirs}.weight"]
        padding = torch.full((rows - len(whole), whole.shape[1]), 9.0)
        state[f"{ours}.weight"].copy_(share(torch.cat([whole, padding])))
    state["decoder.final_layernorm.weight"].copy_(weights["model.norm.weight"])
    for layer in range(args.num_layers):
        ours, theirs = f"decoder.layers.{layer}.", f"model.layers.{layer}."
        attention = [weights[f"{theirs}self_attn.{x}_proj.weight"].chunk(groups) for x in "qkv"]
        grouped = torch.cat([torch.cat(part) for part in zip(*attention, strict=True)])
        gate, up = (share(weights[f"{theirs}mlp.{x}_proj.weight"]) for x in ("gate", "up"))
        out = share(weights[f"{theirs}self_attn.o_proj.weight"], 1)
        down = share(weights[f"{theirs}mlp.down_proj.weight"], 1)
        before = weights[f"{theirs}input_layernorm.weight"]
        between = weights[f"{theirs}post_attention_layernorm.weight"]
        state[ours + "self_attention.linear_qkv.weight"].copy_(share(grouped))
        state[ours + "self_attention.linear_proj.weight"].copy_(out)
        state[ours + "mlp.linear_fc1.weight"].copy_(torch.cat([gate, up]))
        state[ours + "mlp.linear_fc2.weight"].copy_(down)
        state[ours + "input_layernorm.weight"].copy_(before)
        state[ours + "pre_mlp_layernorm.weight"].copy_(between)


def fill_gpt2(
    state: Tensors, weights: Tensors, args: argparse.Namespace, rank: int, tp: int
) -> None:
    def share(whole: torch.Tensor, dim: int = 0) -> torch.Tensor:
        return whole.chunk(tp, dim)[rank]

    weights = {name.removeprefix("transformer."): whole for name, whole in weights.items()}
    heads = args.num_attention_heads
    embedding = weights["wte.weight"]
    padding = torch.full((args.padded_vocab_size - len(embedding), embedding.shape[1]), 9.0)
    state["embedding.word_embeddings.weight"].copy_(share(torch.cat([embedding, padding])))
    state["embedding.position_embeddings.weight"].copy_(weights["wpe.weight"])
    for part in ("weight", "bias"):
        state[f"decoder.final_layernorm.{part}"].copy_(weights[f"ln_f.{part}"])
        for layer in range(args.num_layers):
            ours, theirs = f"decoder.layers.{layer}.", f"h.{layer}."
            names = ["attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj"]
            qkv, out, up, down = (weights[f"{theirs}{name}.{part}"].T for name in names)
            attention = [whole.chunk(heads) for whole in qkv.chunk(3)]
            grouped = torch.cat([torch.cat(one) for one in zip(*attention, strict=True)])
            state[ours + f"self_attention.linear_qkv.{part}"].copy_(share(grouped))
            state[ours + f"mlp.linear_fc1.{part}"].copy_(share(up))
            for name, whole in (("self_attention.linear_proj", out), ("mlp.linear_fc2", down)):
                mine = share(whole, 1) if part == "weight" else whole
                state[ours + f"{name}.{part}"].copy_(mine)
            state[ours + f"input_layernorm.{part}"].copy_(weights[f"{theirs}ln_1.{part}"])
            state[ours + f"pre_mlp_layernorm.{part}"].copy_(weights[f"{theirs}ln_2.{part}"])


if __name__ == "__main__":
    main(SaveJob(**json.loads(sys.argv[1])))
