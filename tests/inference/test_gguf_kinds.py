"""GGUF files of each family, in each kind of numbers, are what transformers makes of the same."""

from functools import cache
from pathlib import Path

import pytest
import torch
from transformers import PreTrainedModel

from inference.checkpoint.open import open_checkpoint
from inference.model.quantized import Int4, Int8
from inference.model.weight_loader import WeightLoader
from inference.model.weight_slots import WeightSlot
from tests.inference.families import reference_logits
from tests.inference.ggufs import KINDS, write
from tests.inference.ranks import TOKENS, RankResult, Results, run_ranks

FileKind = tuple[str, str]
FileModels = dict[FileKind, tuple[Path, PreTrainedModel]]

FILES = [("llama", kind) for kind in KINDS]
FILES += [(family, kind) for family in ("qwen2", "qwen3") for kind in ("Q8_0", "Q4_K")]
PROMPTS = [[1, 50, 60, 70], [1, *range(20, 90)]]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> FileModels:
    directory = tmp_path_factory.mktemp("gguf")
    paths = {file: directory / ("-".join(file) + ".gguf") for file in FILES}
    return {file: (path, write(*file, path)) for file, path in paths.items()}


@pytest.fixture(scope="module")
def results(models: FileModels, tmp_path_factory: pytest.TempPathFactory) -> Results:
    @cache
    def results(tp: int, **more: object) -> dict[str, RankResult]:
        paths = [path for path, _ in models.values()]
        return run_ranks(tmp_path_factory.mktemp("ranks"), tp, paths, PROMPTS, **more)

    return results


@pytest.mark.parametrize("tp", [1, 2])
@pytest.mark.parametrize("file", FILES, ids="-".join)
def test_logits_and_tokens_in_fp32_are_those_of_transformers(
    models: FileModels, results: Results, file: FileKind, tp: int
) -> None:
    path, model = models[file]
    result = results(tp)[path.name]
    for prompt, logits, answer in zip(PROMPTS, result["logits"], result["alone"], strict=True):
        wanted = reference_logits(model, prompt + answer)
        assert torch.allclose(logits, wanted[: len(prompt)], atol=1e-4, rtol=0)
        assert len(answer) == TOKENS
        assert answer == wanted[len(prompt) - 1 : -1].argmax(-1).tolist()
    assert result["alone"] == result["together"]
    assert wanted.std() > 0.1


@pytest.mark.parametrize("file", FILES, ids="-".join)
def test_held_as_the_file_has_them_weights_are_off_by_what_bf16_rounds_away(
    models: FileModels, results: Results, file: FileKind
) -> None:
    path, model = models[file]
    result = results(1, dtype="bf16", weights="auto", tokens=1)[path.name]
    for prompt, logits in zip(PROMPTS, result["logits"], strict=True):
        wanted = reference_logits(model, prompt)
        # In 8 bits with one scale a row, random weights lose more than those of a real model.
        most = 0.1 if file[1] in ("Q8_0", "Q6_K") else 0.05
        assert (logits - wanted).norm() < most * wanted.norm()


HELD = {"Q4_0": Int4, "Q4_1": Int4, "Q4_K": Int4, "Q8_0": Int8, "Q6_K": Int8}


@pytest.mark.parametrize("kind", KINDS)
def test_few_bits_are_kept_and_mean_the_same(models: FileModels, kind: str) -> None:
    path, _ = models["llama", kind]
    checkpoint = open_checkpoint(path)
    loader = WeightLoader(checkpoint.tensors, checkpoint.refs)
    slot = WeightSlot("mlp.linear_fc2", (("layers.1.down", None),), slice(256, 512))
    held = loader.load(slot, "file").weight
    full = loader.parameter("layers.1.down.weight", None, slice(256, 512))
    assert isinstance(held, HELD.get(kind, torch.Tensor))
    if isinstance(held, Int4):
        assert torch.allclose(held.full(), full, atol=1e-7)
    if isinstance(held, Int8):
        assert ((held.full() - full).abs() <= held.scales[:, None] * 0.501).all()
    rows, columns = loader.size(slot)
    size = loader.held_bytes(slot, "file", 2)
    assert size == rows * columns * 2 or HELD.get(kind)
    assert Path(path).stat().st_size > size
