"""Adapters change what a model says as peft has them do, several at once and on several ranks."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import PreTrainedModel

from inference.checkpoint.lora import open_adapter
from inference.checkpoint.open import open_checkpoint
from inference.errors import ModelError
from tests.inference.families import make, reference_logits
from tests.inference.ggufs import write
from tests.inference.ranks import TOKENS, RankResult, Results, run_ranks

ALL = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
ADAPTERS = {
    "llama2": {
        "formal": LoraConfig(r=4, lora_alpha=16, target_modules=ALL),
        "terse": LoraConfig(
            r=8, lora_alpha=8, use_rslora=True, target_modules=["v_proj", "q_proj"]
        ),
    },
    "gpt2": {"formal": LoraConfig(r=4, target_modules=["c_attn", "c_proj", "c_fc"])},
    # A file has queries and keys in another order than the model that an adapter is made for.
    "gguf": {"formal": LoraConfig(r=4, target_modules=["q_proj", "k_proj"])},
}
PROMPTS = [[1, 50, 60, 70], [1, 50, 60, 70], [1, 50, 60, 70], [1, *range(20, 60)]]
SPOKEN = {"llama2": ["formal", "terse", "", "formal"], "gpt2": ["formal", "", "formal", ""]}
SPOKEN["gguf"] = SPOKEN["gpt2"]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Directories of models and of their adapters, which peft has written."""
    directory: Path = tmp_path_factory.mktemp("adapters")
    for family, adapters in ADAPTERS.items():
        for name, config in adapters.items():
            torch.manual_seed(len(name))
            model = get_peft_model(base(directory, family), config)
            for key, parameter in model.named_parameters():
                if "lora_B" in key:
                    # Made as zeros, which would change nothing.
                    torch.nn.init.normal_(parameter, std=0.1)
            model.save_pretrained(str(directory / f"{family}-{name}"))
    return directory


def base(directory: Path, family: str) -> PreTrainedModel:
    """Write the model alone into `directory`, and return it."""
    if family == "gguf":
        return write("llama", "F32", directory / family)
    return make(family, directory / family)


@pytest.fixture(scope="module")
def results(written: Path, tmp_path_factory: pytest.TempPathFactory) -> Results:
    @cache
    def results(tp: int) -> dict[str, RankResult]:
        places = {
            family: {name: str(written / f"{family}-{name}") for name in adapters}
            for family, adapters in ADAPTERS.items()
        }
        models = [written / family for family in ADAPTERS]
        more = {"adapters": places, "spoken": SPOKEN}
        return run_ranks(tmp_path_factory.mktemp("ranks"), tp, models, PROMPTS, **more)

    return results


@cache
def adapted(written: Path, family: str, adapter: str) -> Any:
    """Return the model with the adapter, as peft loads it."""
    model: Any = base(written, family)
    if adapter:
        model = PeftModel.from_pretrained(model, str(written / f"{family}-{adapter}"))
    return model.eval()


@pytest.mark.parametrize("tp", [1, 2])
@pytest.mark.parametrize("family", ADAPTERS)
def test_each_row_of_a_step_is_what_peft_makes_of_it(
    written: Path, results: Results, family: str, tp: int
) -> None:
    result = results(tp)[family]
    asked = zip(PROMPTS, SPOKEN[family], result["logits"], result["together"], strict=True)
    for prompt, adapter, logits, answer in asked:
        wanted = reference_logits(adapted(written, family, adapter), prompt + answer)
        assert torch.allclose(logits, wanted[: len(prompt)], atol=1e-4, rtol=0)
        assert len(answer) == TOKENS
        assert answer == wanted[len(prompt) - 1 : -1].argmax(-1).tolist()
    # Nobody is given what another adapter has left in the cache.
    assert result["alone"] == result["together"]
    assert len({tuple(answer) for answer in result["together"]}) == len(set(SPOKEN[family])) + 1


REFUSED = [
    ({"peft_type": "IA3"}, "describes a IA3 adapter"),
    ({"use_dora": True}, "sets use_dora"),
    ({"bias": "all"}, "sets bias"),
    ({"modules_to_save": ["lm_head"]}, "sets modules_to_save"),
    ({"r": 5}, "is 4 x 64 numbers large"),
    ({"r": 0}, "has 0 under 'r'"),
]


@pytest.mark.parametrize(("change", "sentence"), REFUSED)
def test_an_adapter_that_would_not_be_served_as_it_is_meant_is_refused(
    written: Path, tmp_path: Path, change: dict[str, object], sentence: str
) -> None:
    path = copied(written / "llama2-formal", tmp_path)
    config = json.loads((path / "adapter_config.json").read_text()) | change
    (path / "adapter_config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match=sentence):
        open_adapter("formal", path, open_checkpoint(written / "llama2").config)


def test_an_adapter_of_other_modules_or_of_another_model_is_refused(
    written: Path, tmp_path: Path
) -> None:
    path = copied(written / "llama2-formal", tmp_path)
    tensors = load_file(path / "adapter_model.safetensors")
    extra = {"base_model.model.lm_head.lora_A.weight": torch.zeros(4, 64)}
    save_file(tensors | extra, path / "adapter_model.safetensors")
    config = open_checkpoint(written / "llama2").config
    with pytest.raises(ModelError, match=r"does not understand: base_model\.model\.lm_head"):
        open_adapter("formal", path, config)
    half = {name: one for name, one in tensors.items() if "layers.1.mlp.up_proj.lora_B" not in name}
    save_file(half, path / "adapter_model.safetensors")
    with pytest.raises(ModelError, match=r"has no tensor '.*layers.1.mlp.up_proj.lora_B.weight'"):
        open_adapter("formal", path, config)
    with pytest.raises(ModelError, match="does not understand"):
        open_adapter("formal", written / "gpt2-formal", config)
    with pytest.raises(ModelError, match="The adapter 'formal' is not at"):
        open_adapter("formal", tmp_path / "nowhere", config)


def copied(source: Path, directory: Path) -> Path:
    target = directory / source.name
    target.mkdir()
    for file in source.iterdir():
        (target / file.name).write_bytes(file.read_bytes())
    return target
