"""Rotary positions turn as transformers turns them, however a context is stretched."""

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import LlamaConfig
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

from inference.checkpoint.fields import Fields
from inference.checkpoint.hf_model import hf_config
from inference.kernels.rotary import RotaryTable
from tests.inference.families import LLAMA3, SMALL, YARN, rope

KINDS = {
    "default": rope("default"),
    "linear": rope("linear", factor=4.0),
    "dynamic": rope("dynamic", factor=4.0),
    "llama3": rope("llama3", **LLAMA3),
    "yarn": rope("yarn", **YARN),
    "yarn of deepseek": rope("yarn", **YARN, mscale=1.0, mscale_all_dim=0.7, beta_fast=16),
    "yarn without rounding": rope("yarn", **YARN, truncate=False, attention_factor=1.3),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("old", [False, True], ids=["new names", "old names"])
def test_every_position_turns_as_in_transformers(tmp_path: Path, kind: str, old: bool) -> None:
    hf = LlamaConfig(**SMALL, **KINDS[kind])
    config = hf_config(Fields(tmp_path, old_names(hf.to_dict()) if old else hf.to_dict()))
    theirs = LlamaRotaryEmbedding(hf)
    first = config.patterns[0].rope
    assert first is not None
    ours = RotaryTable(first, config.context, torch.float32, torch.device("cpu"))
    half = config.head_dim // 2
    # One after the other, as a text is written: so does dynamic stretching come out the same.
    for position in [0, 1, 7, 100, 500, 511, 512, 513, 600, 1500, 2047]:
        if position >= config.context:
            break
        at = torch.tensor([[position]])
        cos, sin = theirs(torch.zeros(1, 1), at)
        turned = ours.sin[position]
        assert torch.allclose(ours.cos[position], cos[0, 0], atol=2e-4)
        assert torch.allclose(turned[half:], sin[0, 0, half:], atol=2e-4)
        assert torch.allclose(turned[:half], -sin[0, 0, :half], atol=2e-4)
    assert config.context == {"default": 512, "llama3": 512}.get(
        kind, 2048 if "yarn" not in kind else 512
    )


def old_names(hf: dict[str, Any]) -> dict[str, Any]:
    """Return what transformers 4 wrote for the same."""
    parameters = dict(hf.pop("rope_parameters"))
    base, kind = parameters.pop("rope_theta"), parameters.pop("rope_type")
    scaling = None if kind == "default" else parameters | {"type": kind}
    return hf | {"rope_theta": base, "rope_scaling": scaling}
