"""Each family of models gives what transformers gives, on any number of ranks."""

from functools import cache
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, PreTrainedModel

from tests.inference.families import FAMILIES, VOCAB, make, reference_logits
from tests.inference.ranks import TOKENS, RankResult, Results, run_ranks

FamilyModels = dict[str, tuple[Path, PreTrainedModel]]
PROMPTS = [[1, 50, 60, 70], [1, *range(20, 90)], [7]]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> FamilyModels:
    """Directories and models, by family."""
    directory = tmp_path_factory.mktemp("families")
    return {name: (directory / name, make(name, directory / name)) for name in FAMILIES}


@pytest.fixture(scope="module")
def results(models: FamilyModels, tmp_path_factory: pytest.TempPathFactory) -> Results:
    """What the ranks give for all families, by TP and what else is asked."""

    @cache
    def results(tp: int, **more: object) -> dict[str, RankResult]:
        paths = [path for path, _ in models.values()]
        return run_ranks(tmp_path_factory.mktemp("ranks"), tp, paths, PROMPTS, **more)

    return results


@pytest.mark.parametrize("tp", [1, 2])
@pytest.mark.parametrize("family", FAMILIES)
def test_logits_are_those_of_transformers(
    models: FamilyModels, results: Results, family: str, tp: int
) -> None:
    _, model = models[family]
    for prompt, logits in zip(PROMPTS, results(tp)[family]["logits"], strict=True):
        assert logits.shape == (len(prompt), VOCAB)
        assert torch.allclose(logits, reference_logits(model, prompt), atol=1e-4, rtol=0)


@pytest.mark.parametrize("tp", [1, 2])
@pytest.mark.parametrize("family", FAMILIES)
def test_greedy_tokens_are_those_of_transformers_alone_and_together(
    models: FamilyModels, results: Results, family: str, tp: int
) -> None:
    _, model = models[family]
    alone, together = results(tp)[family]["alone"], results(tp)[family]["together"]
    assert alone == together
    for prompt, answer in zip(PROMPTS, alone, strict=True):
        # Every token is the reference's choice after the same tokens: so the texts are the same.
        choices = reference_logits(model, prompt + answer)[len(prompt) - 1 : -1].argmax(-1)
        assert len(answer) == TOKENS
        assert answer == choices.tolist()
    assert len({token for answer in alone for token in answer}) > 2


@pytest.mark.parametrize("family", FAMILIES)
def test_in_bf16_logits_are_no_further_off_than_those_of_transformers(
    models: FamilyModels, results: Results, family: str
) -> None:
    path, model = models[family]
    theirs = AutoModelForCausalLM.from_pretrained(
        path, dtype=torch.bfloat16, attn_implementation="eager"
    )
    exact = reference_logits(model, PROMPTS[1])
    ours = results(1, dtype="bf16", tokens=1)[family]["logits"][1]
    allowed = 1.1 * (reference_logits(theirs, PROMPTS[1]) - exact).norm()
    assert (ours - exact).norm() < allowed < 0.1 * exact.norm()
