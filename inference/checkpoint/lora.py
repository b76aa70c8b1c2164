"""LoRA adapters (Hu et al. 2021) in the format of PEFT: a directory with adapter_config.json and
adapter_model.safetensors. Reads headers alone.

https://huggingface.co/docs/peft/developer_guides/checkpoint
"""

from dataclasses import dataclass
from pathlib import Path

from inference.checkpoint.check import check_refs
from inference.checkpoint.fields import Fields, read_json
from inference.checkpoint.hf_refs import linear_modules
from inference.checkpoint.parameter_ref import ParameterRef, ParameterRefs
from inference.checkpoint.safetensors_files import read_file
from inference.checkpoint.stored_tensor import StoredTensor
from inference.errors import ModelError
from inference.model.config import ModelConfig, parameter_shapes

PREFIX = "base_model.model."
# Keys that make an adapter more than a product of two matrices, with the values that do not.
PLAIN = {
    "use_dora": (None, False),
    "bias": (None, "none"),
    "modules_to_save": (None, []),
    "rank_pattern": (None, {}),
    "alpha_pattern": (None, {}),
    "lora_bias": (None, False),
    "alora_invocation_tokens": (None,),
    "trainable_token_indices": (None,),
    "target_parameters": (None, []),
    "layer_replication": (None,),
}


@dataclass(frozen=True, slots=True)
class Adapter:
    """What an adapter adds to linears: up(down(rows)) * scale. refs: for each linear that it
    changes, such as "layers.0.q.down.weight", [rank, in], and "layers.0.q.up.weight", [out, rank].
    """

    name: str
    path: Path
    rank: int
    scale: float
    tensors: dict[str, StoredTensor]
    refs: ParameterRefs

    def changes(self, linear: str) -> bool:
        return f"{linear}.down.weight" in self.refs


def open_adapter(name: str, path: Path, config: ModelConfig) -> Adapter:
    """Open an adapter for a model with this config. Raises ModelError."""
    if not path.is_dir():
        raise ModelError(f"The adapter {name!r} is not at {path}; set ADAPTERS to directories.")
    peft = read_json(path / "adapter_config.json")
    rank = peft.count("r")
    scale = peft.number("lora_alpha") / (rank**0.5 if peft.flag("use_rslora") else rank)
    _check_plain(peft)
    tensors = read_file(path / "adapter_model.safetensors")
    refs = _refs(config, rank, tensors)
    check_refs(path, tensors, refs)
    return Adapter(name, path, rank, scale, tensors, refs)


def _check_plain(peft: Fields) -> None:
    if (kind := peft.text("peft_type")) != "LORA":
        raise ModelError(f"{peft.path} describes a {kind} adapter; this worker serves LORA.")
    for key, plain in PLAIN.items():
        if peft.get(key) not in plain:
            raise ModelError(f"{peft.path} sets {key}, which this worker does not serve.")


def _refs(config: ModelConfig, rank: int, tensors: dict[str, StoredTensor]) -> ParameterRefs:
    sizes = dict(parameter_shapes(config))
    places = linear_modules(config)
    whole: dict[str, int] = {}
    for linear, (module, _) in places.items():
        whole[module] = whole.get(module, 0) + sizes[f"{linear}.weight"][0]
    refs: ParameterRefs = {}
    for linear, (module, rows) in places.items():
        down, up = (f"{PREFIX}{module}.lora_{part}.weight" for part in "AB")
        if down in tensors or up in tensors:
            _, columns = sizes[f"{linear}.weight"]
            refs[f"{linear}.down.weight"] = ParameterRef(down, (rank, columns))
            refs[f"{linear}.up.weight"] = ParameterRef(up, (whole[module], rank), rows)
    return refs
