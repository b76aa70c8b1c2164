"""A checkpoint that Megatron has saved at one TP is served at another."""

import os
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import pytest
import torch

from inference.checkpoint.megatron_files import read_arguments, read_tensors
from inference.checkpoint.open import open_checkpoint
from inference.errors import ModelError
from tests.inference.families import VOCAB, make, reference_logits
from tests.inference.ranks import TOKENS, RankResult, Results, run_module, run_ranks
from tests.inference.vocabularies import byte_level

COMMON: dict[str, object] = {
    "num_layers": 2,
    "hidden_size": 64,
    "num_attention_heads": 4,
    "max_position_embeddings": 512,
    "add_qkv_bias": False,
    "padded_vocab_size": 384,
}
LLAMA = COMMON | {
    "ffn_hidden_size": 96,
    "group_query_attention": True,
    "num_query_groups": 2,
    "normalization": "RMSNorm",
    "norm_epsilon": 1e-6,
    "swiglu": True,
    "add_bias_linear": False,
    "position_embedding_type": "rope",
    "non_homogeneous_layers": False,
    "rotary_base": 10000,
    "untie_embeddings_and_output_weights": True,
}
GPT2 = COMMON | {
    "ffn_hidden_size": 256,
    "group_query_attention": False,
    "num_query_groups": 1,
    "normalization": "LayerNorm",
    "norm_epsilon": 1e-5,
    "swiglu": False,
    "add_bias_linear": True,
    "position_embedding_type": "learned_absolute",
    "non_homogeneous_layers": True,
    "untie_embeddings_and_output_weights": False,
}
ARGUMENTS = {"llama2": LLAMA, "gpt2": GPT2}
# Of which each the run had so many ranks.
SAVED_AT = {"llama2": 2, "gpt2": 1}
PROMPTS = [[1, 50, 60, 70], [1, *range(20, 90)]]


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Directories of runs, by the model whose weights they have."""
    directory = tmp_path_factory.mktemp("megatron")
    runs = {}
    for name in ARGUMENTS:
        make(name, directory / f"hf-{name}")
        run = directory / name
        (run / "iter_0000007").mkdir(parents=True)
        (run / "latest_checkpointed_iteration.txt").write_text("7\n")
        byte_level(run)
        runs[name] = run
    with ThreadPoolExecutor() as pool:
        list(pool.map(write, [directory / f"hf-{name}" for name in runs], runs.values()))
    return runs


def write(source: Path, run: Path) -> None:
    """Save the model in `source` as Megatron does."""
    job = {"source": str(source), "out": str(run / "iter_0000007"), "store": f"{source}-store"}
    tp, arguments = SAVED_AT[run.name], ARGUMENTS[run.name]
    run_module("tests.inference.megatron_writer", tp, job | {"arguments": arguments})


@pytest.fixture(scope="module")
def results(saved: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Results:
    @cache
    def results(tp: int) -> dict[str, RankResult]:
        return run_ranks(tmp_path_factory.mktemp("ranks"), tp, list(saved.values()), PROMPTS)

    return results


@pytest.mark.parametrize("tp", [1, 2])
@pytest.mark.parametrize("name", ARGUMENTS)
def test_the_model_is_the_one_that_was_saved(
    saved: dict[str, Path], results: Results, tmp_path: Path, name: str, tp: int
) -> None:
    model, tokens = make(name, tmp_path / name), vocabulary_size(saved[name])
    result = results(tp)[name]
    for prompt, logits, answer in zip(PROMPTS, result["logits"], result["alone"], strict=True):
        wanted = reference_logits(model, prompt + answer)[:, :tokens]
        # Rows that only fill up the vocabulary are no tokens.
        assert logits.shape == (len(prompt), tokens)
        assert torch.allclose(logits, wanted[: len(prompt)], atol=1e-4, rtol=0)
        assert answer == wanted[len(prompt) - 1 : -1].argmax(-1).tolist()
        assert len(answer) == TOKENS
    assert result["alone"] == result["together"]


def test_layers_stand_in_one_tensor_or_each_in_its_own(saved: dict[str, Path]) -> None:
    stacked, apart = (open_checkpoint(saved[name]).tensors for name in ("llama2", "gpt2"))
    assert stacked["decoder.layers.mlp.linear_fc1.weight"].shape[0] == 2
    assert "decoder.layers.1.mlp.linear_fc1.weight" in apart


def vocabulary_size(run: Path) -> int:
    config = open_checkpoint(run).config
    assert config.vocab < VOCAB < 384
    return config.vocab


def test_an_iteration_can_be_asked_for_itself_and_a_config_can_stand_for_arguments(
    saved: dict[str, Path], tmp_path: Path
) -> None:
    whole, run = open_checkpoint(saved["llama2"]), copied(saved["llama2"], tmp_path / "run")
    byte_level(run / "iter_0000007")
    assert open_checkpoint(run / "iter_0000007").config == whole.config
    (run / "iter_0000007" / "common.pt").unlink()
    with pytest.raises(ModelError, match=r"does not say what model it holds.*put a config\.json"):
        open_checkpoint(run)
    make("llama2", tmp_path / "hf")
    (run / "config.json").write_bytes((tmp_path / "hf" / "config.json").read_bytes())
    assert open_checkpoint(run).config.vocab == VOCAB
    assert open_checkpoint(run).tensors.keys() == whole.tensors.keys()


REFUSED = [
    ({"num_experts": 8}, "the run had num_experts"),
    ({"multi_latent_attention": True}, "the run had multi_latent_attention"),
    ({"position_embedding_type": "mrope"}, "'mrope' positions"),
    ({"rotary_percent": 0.5}, "only a part of each head"),
    ({"num_layers": None}, "no number under 'num_layers'"),
]


@pytest.mark.parametrize(("change", "sentence"), REFUSED)
def test_a_run_that_cannot_be_served_is_refused(
    saved: dict[str, Path], tmp_path: Path, change: dict[str, object], sentence: str
) -> None:
    import argparse  # noqa: PLC0415

    run = copied(saved["llama2"], tmp_path / "run")
    args = argparse.Namespace(**LLAMA | change)
    torch.save({"args": args}, run / "iter_0000007" / "common.pt")
    with pytest.raises(ModelError, match=sentence):
        open_checkpoint(run)


def test_missing_and_broken_files_are_named(saved: dict[str, Path], tmp_path: Path) -> None:
    run = copied(saved["llama2"], tmp_path / "run")
    iteration = run / "iter_0000007"
    (iteration / ".metadata").write_bytes(b"\x80\x04K")
    with pytest.raises(ModelError, match="the table of tensors cannot be used"):
        open_checkpoint(run)
    (iteration / "metadata.json").write_text('{"sharded_backend": "zarr"}')
    with pytest.raises(ModelError, match="in the format 'zarr'"):
        open_checkpoint(run)
    (run / "latest_checkpointed_iteration.txt").write_text("8")
    with pytest.raises(ModelError, match="iter_0000008 is missing"):
        open_checkpoint(run)


class Trap:
    """Runs a command when it is read as pickles usually are."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., None], tuple[str]]:
        return os.mkdir, (str(self.path),)


def test_reading_a_checkpoint_runs_nothing_that_is_written_in_it(
    saved: dict[str, Path], tmp_path: Path
) -> None:
    run = copied(saved["llama2"], tmp_path / "run")
    trap = tmp_path / "sprung"
    (run / "iter_0000007" / ".metadata").write_bytes(pickle.dumps(Trap(trap)))
    with pytest.raises(ModelError):
        read_tensors(run / "iter_0000007")
    torch.save({"args": Trap(trap)}, run / "iter_0000007" / "common.pt")
    assert read_arguments(run / "iter_0000007") is None
    assert not trap.exists()


def copied(source: Path, target: Path) -> Path:
    for file in source.rglob("*"):
        if file.is_file():
            place = target / file.relative_to(source)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(file.read_bytes())
    return target
