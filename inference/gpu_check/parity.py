"""Whether the model says what transformers' says, with the same weights."""

import importlib.util
from collections.abc import Iterator
from typing import Any

import torch

from inference.checkpoint.hf_refs import LLAMA_NAMES
from inference.gpu_check.lab import Lab
from inference.gpu_check.local_engine import LocalEngine, load_model
from inference.gpu_check.random_weights import RandomWeights
from inference.gpu_check.report import Row
from inference.gpu_check.sameness import logits_after
from inference.model.config import ModelConfig, parameter_shapes

LENGTHS = (3, 65, 300)
NEW_TOKENS = 24
# Both round to the same format at other places: ours may be off by this much more.
TOLERATED = 1.5


def parity(lab: Lab) -> Iterator[Row]:
    """Give for each prompt how far our logits and those of transformers in the same number format
    are from those in fp32; then how many greedy tokens are its choices after the same text.
    """
    if not importlib.util.find_spec("transformers"):
        yield {"failed": "transformers is not installed"}
        return
    lab.give_up()
    config = lab.sizes.parity
    engine = LocalEngine(load_model(config, lab.device), lab.limits, 4096, static=False)
    exact, same = (reference(config, lab.device.name, d) for d in (torch.float32, lab.device.dtype))
    for length in LENGTHS:
        text = engine.texts(1, length, length)[0]
        wanted = reference_logits(exact, text)[-1]
        size = wanted.abs().max()
        ours = (logits_after(engine, [text])[0] - wanted).abs().max() / size
        theirs = (reference_logits(same, text)[-1] - wanted).abs().max() / size
        yield {
            "prompt": length,
            "error": float(ours),
            "transformers' error": float(theirs),
            "ok": float(ours) <= TOLERATED * float(theirs) + 1e-4,
        }
    prompt = engine.texts(1, LENGTHS[1], 9)[0]
    answer = greedy(engine, prompt)
    choices = reference_logits(exact, prompt + answer)[len(prompt) - 1 : -1].argmax(-1).tolist()
    alike = sum(a == b for a, b in zip(answer, choices, strict=True))
    yield {"prompt": len(prompt), "greedy tokens": len(answer), "transformers' choice": alike}


def greedy(engine: LocalEngine, prompt: list[int]) -> list[int]:
    """Return the likeliest token after each, from logits alone."""
    text = list(prompt)
    for _ in range(NEW_TOKENS):
        text.append(int(logits_after(engine, [text], last=True)[0].argmax()))
    return text[len(prompt) :]


def reference(config: ModelConfig, device: str, dtype: torch.dtype) -> Any:
    """Return the model of transformers with the weights of `RandomWeights`."""
    # It may be missing, and takes seconds.
    from transformers import AutoModelForCausalLM, Qwen3Config  # noqa: PLC0415

    rope = config.patterns[0].rope
    assert rope is not None
    theirs = Qwen3Config(
        vocab_size=config.vocab,
        hidden_size=config.hidden,
        intermediate_size=config.ffn,
        num_hidden_layers=config.layers,
        num_attention_heads=config.heads,
        num_key_value_heads=config.kv_heads,
        head_dim=config.head_dim,
        max_position_embeddings=config.context,
        rms_norm_eps=config.norm_eps,
        tie_word_embeddings=config.tied,
        rope_parameters={"rope_type": "default", "rope_theta": rope.base},
        pad_token_id=None,
        bos_token_id=None,
        eos_token_id=None,
    )
    make: Any = AutoModelForCausalLM.from_config
    with torch.device(device):
        model = make(theirs, dtype=dtype, attn_implementation="sdpa").eval()
    weights, held = RandomWeights(config, device), model.state_dict()
    for name, (_, columns) in parameter_shapes(config):
        numbers = weights.numbers(name)
        held[hf_name(name)].copy_(numbers if columns > 1 else numbers[:, 0])
    return model


def hf_name(name: str) -> str:
    """Return what transformers calls a parameter of ours, `layers.3.q.weight` for one."""
    body = name.removesuffix(".weight")
    if not body.startswith("layers."):
        return f"{LLAMA_NAMES[body]}.weight"
    _, layer, last = body.split(".", 2)
    return f"{LLAMA_NAMES['layers.{}.' + last].format(layer)}.weight"


@torch.inference_mode()
def reference_logits(model: Any, tokens: list[int]) -> torch.Tensor:
    """Return [tokens, vocab], fp32."""
    ids = torch.tensor([tokens], device=model.device)
    logits: torch.Tensor = model(ids).logits[0].float()
    return logits
