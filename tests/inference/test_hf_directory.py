"""What a model's directory must hold, and what is said when it does not."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from inference.__main__ import check as check_model
from inference.checkpoint.open import open_checkpoint
from inference.errors import ModelError
from inference.settings import WorkerSettings
from tests.inference.families import make
from tests.inference.vocabularies import byte_level

INDEX = "model.safetensors.index.json"
GATE = "model.layers.1.mlp.gate_proj.weight"


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory: Path = tmp_path_factory.mktemp("sound") / "llama"
    make("llama2", directory)
    byte_level(directory)
    return directory


@pytest.fixture
def model(sound: Path, tmp_path: Path) -> Path:
    """A copy to be spoilt."""
    copy = tmp_path / "model"
    copy.mkdir()
    for file in sound.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    return copy


def check(path: Path, **settings: Any) -> str:
    return check_model(WorkerSettings(model=str(path), device="cpu", _env_file=None, **settings))


def configure(model: Path, **changes: object) -> None:
    path = model / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def tensors_of(model: Path) -> dict[str, torch.Tensor]:
    return load_file(model / "model.safetensors")


def test_a_sharded_model_is_the_same_as_one_in_a_single_file(model: Path, sound: Path) -> None:
    tensors, places = tensors_of(model), {}
    for i, name in enumerate(tensors):
        places[name] = f"model-{i % 3}.safetensors"
    for file in set(places.values()):
        some = {name: tensors[name] for name, place in places.items() if place == file}
        save_file(some, model / file)
    (model / "model.safetensors").unlink()
    (model / INDEX).write_text(json.dumps({"weight_map": places}))
    sharded, whole = open_checkpoint(model), open_checkpoint(sound)
    assert sharded.config == whole.config
    assert {n: t.shape for n, t in sharded.tensors.items()} == {
        n: t.shape for n, t in whole.tensors.items()
    }
    assert "llama, 2 layers" in check(model)
    (model / "model-1.safetensors").unlink()
    with pytest.raises(ModelError, match=r"model-1\.safetensors is missing"):
        open_checkpoint(model)


CONFIGS = [
    ({"model_type": "mamba"}, "describes a 'mamba' model; this worker serves gemma2, "),
    ({"hidden_size": None}, "has no number under 'hidden_size'"),
    ({"hidden_size": "64"}, "has no number under 'hidden_size'"),
    ({"num_hidden_layers": 0}, "has 0 under 'num_hidden_layers'"),
    ({"num_hidden_layers": 1}, "does not understand: model.layers.1"),
    ({"num_hidden_layers": 3}, "has no tensor 'model.layers.2"),
    ({"num_key_value_heads": 3}, "do not fit together"),
    ({"intermediate_size": 97}, "is 96 x 64 numbers large .* header says 97 x 64"),
    ({"hidden_act": "relu"}, "asks for the activation 'relu'"),
    ({"quantization_config": {"bits": 4}}, "describes quantised weights"),
    ({"rope_parameters": {"rope_type": "longrope", "factor": 2}}, "by 'longrope'"),
    ({"rope_parameters": {"partial_rotary_factor": 0.5}}, "only a part of each head"),
    ({"tie_word_embeddings": False, "vocab_size": 100}, "is 331 x 64 numbers large"),
    ({"attention_bias": True}, "has no tensor 'model.layers.0.self_attn.q_proj.bias'"),
]


@pytest.mark.parametrize(("changes", "sentence"), CONFIGS)
def test_a_configuration_that_cannot_be_served_is_named(
    model: Path, changes: dict[str, object], sentence: str
) -> None:
    configure(model, **changes)
    with pytest.raises(ModelError, match=rf"^\S*{model.name}.*{sentence}.*\.$"):
        check(model)


def missing(model: Path) -> None:
    save_file({n: t for n, t in tensors_of(model).items() if n != GATE}, weights(model))


def of_another_size(model: Path) -> None:
    save_file(tensors_of(model) | {GATE: torch.zeros(64, 96)}, weights(model))


def of_a_strange_type(model: Path) -> None:
    save_file(tensors_of(model) | {GATE: torch.zeros(96, 64, dtype=torch.int64)}, weights(model))


def unknown(model: Path) -> None:
    save_file(tensors_of(model) | {"vision.patch": torch.zeros(2)}, weights(model))


def cut_short(model: Path) -> None:
    weights(model).write_bytes(weights(model).read_bytes()[:-1000])


def cut_in_its_header(model: Path) -> None:
    weights(model).write_bytes(weights(model).read_bytes()[:500])


def empty(model: Path) -> None:
    weights(model).write_bytes(b"")


def doubled(model: Path) -> None:
    """Write the same name twice into one header."""
    data = weights(model).read_bytes()
    size = int.from_bytes(data[:8], "little")
    header, rest = data[8 : 8 + size].decode().rstrip(), data[8 + size :]
    entry = json.dumps({GATE: json.loads(header)[GATE]})[1:]
    both = (header[:-1] + "," + entry).encode()
    weights(model).write_bytes(len(both).to_bytes(8, "little") + both + rest)


def doubled_over_files(model: Path) -> None:
    save_file({GATE: tensors_of(model)[GATE]}, model / "other.safetensors")
    places = dict.fromkeys(tensors_of(model), "model.safetensors") | {"x": "other.safetensors"}
    (model / INDEX).write_text(json.dumps({"weight_map": places}))


def no_tokenizer(model: Path) -> None:
    (model / "tokenizer.json").unlink()


def no_config(model: Path) -> None:
    (model / "config.json").unlink()


def only_a_pickle(model: Path) -> None:
    weights(model).rename(model / "pytorch_model.bin")


def an_odd_index(model: Path) -> None:
    (model / INDEX).write_text('{"weight_map": [1]}')


def weights(model: Path) -> Path:
    return model / "model.safetensors"


SPOILT = [
    (missing, f"has no tensor '{GATE}'"),
    (of_another_size, f"'{GATE}' is 64 x 96 numbers large .* says 96 x 64"),
    (of_a_strange_type, f"'{GATE}' is stored as I64"),
    (unknown, "does not understand: vision.patch"),
    (cut_short, "is cut short: tensor"),
    (cut_in_its_header, "is not a whole safetensors file"),
    (empty, "is not a whole safetensors file"),
    (doubled, f"holds the tensor '{GATE}' twice"),
    (doubled_over_files, f"holds the tensor '{GATE}' twice"),
    (no_tokenizer, "has no tokenizer.json"),
    (no_config, "has no config.json"),
    (only_a_pickle, "has no model.safetensors and no .* saved as safetensors"),
    (an_odd_index, "does not say where tensors lie"),
]


@pytest.mark.parametrize(("spoil", "sentence"), SPOILT, ids=lambda x: getattr(x, "__name__", ""))
def test_spoilt_files_are_named_in_one_sentence(
    model: Path, spoil: Callable[[Path], None], sentence: str
) -> None:
    assert "2 layers" in check(model)
    spoil(model)
    with pytest.raises(ModelError, match=rf"^\S*{model.name}.*{sentence}.*\.$"):
        check(model)


def test_a_split_or_a_memory_that_does_not_do_is_refused_with_the_numbers(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ModelError, match=r"TP=3 does not divide .* set TP to one of: 1, 2, 4"):
        check(model, tp=3)
    pages = {"SC_PHYS_PAGES": 100, "SC_PAGE_SIZE": 4096}
    monkeypatch.setattr(os, "sysconf", lambda name: pages.get(name, 1))
    with pytest.raises(ModelError, match=r"takes 0\.\d GB on each of 1 rank\(s\), which has 0\.0"):
        check(model, dtype="fp32")


@pytest.mark.parametrize("spoil", [missing, cut_short, no_tokenizer])
def test_the_worker_says_the_sentence_and_ends_with_2_before_it_starts_a_rank(
    model: Path, tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    spoil(model)
    settings = {"MODEL": str(model), "WORKER_BIND": f"unix:{tmp_path}/w/s"}
    for command in (["-m", "inference"], ["-m", "inference", "--check"]):
        done = subprocess.run(
            [sys.executable, *command],
            env=os.environ | settings,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 2
        assert done.stderr.startswith(f"worker: {tmp_path}")
        assert done.stderr.count("\n") == 1
