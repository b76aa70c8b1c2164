"""Weights of plain numbers, from a file to where they are held."""

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from gguf import GGMLQuantizationType
from safetensors.torch import save_file

from inference.checkpoint.open import open_checkpoint
from inference.checkpoint.parameter_ref import ParameterRef
from inference.checkpoint.safetensors_files import read_file
from inference.model import weight_loader
from inference.model.device import Device
from inference.model.model_shard import ModelShard
from inference.model.quantized import Int4
from inference.model.staging import Staging
from inference.model.weight_loader import SlotWeights, WeightForm, WeightLoader, rank_bytes
from inference.model.weight_slots import WeightSlot
from tests.inference.families import make

ROWS, COLUMNS = 700, 500
BOTH = (torch.bfloat16, torch.float32)
META = torch.device("meta")
FORMS: list[WeightForm] = ["file", "int8"]


def stored_as(path: Path, stored: torch.dtype) -> tuple[torch.Tensor, WeightLoader]:
    """Return a matrix, and a loader of the file that holds it."""
    matrix = torch.randn(ROWS, COLUMNS, generator=torch.Generator().manual_seed(1)).to(stored)
    save_file({"matrix": matrix}, path)
    refs = {"gate.weight": ParameterRef("matrix", (ROWS, COLUMNS))}
    return matrix, WeightLoader(read_file(path), refs)


PARTS: list[tuple[Sequence[int] | None, slice | None]] = [
    (None, None),
    (range(350, 700), None),
    (None, slice(125, 375)),
    ([5, 3, 699, 0, 1], slice(0, 64)),
]


@pytest.mark.parametrize("wanted", BOTH)
@pytest.mark.parametrize("stored", [*BOTH, torch.float16])
def test_plain_numbers_are_rounded_once_at_most_whichever_part_is_loaded(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    stored: torch.dtype,
    wanted: torch.dtype,
) -> None:
    # Nothing of it goes through the library for few bits.
    monkeypatch.delattr(weight_loader, "dequantize")
    # Several blocks, the last of them smaller.
    monkeypatch.setattr(weight_loader, "BLOCK_NUMBERS", 130_000)
    matrix, loader = stored_as(tmp_path / "model.safetensors", stored)
    for rows, columns in PARTS:
        chosen = None if rows is None else np.array(rows)
        slot = WeightSlot("mlp.linear_fc1", (("gate", chosen), ("gate", chosen)), columns, 3)
        part = matrix[slice(None) if rows is None else list(rows), columns or slice(None)]
        weight = loader.load(slot, "full", wanted).weight
        assert isinstance(weight, torch.Tensor)
        assert torch.equal(
            weight, torch.cat([part, part, torch.zeros(3, part.shape[1])]).to(wanted)
        )
        parameter = loader.parameter("gate.weight", chosen, columns)
        assert torch.equal(parameter, part.float())


def test_a_buffer_is_used_again_and_grows() -> None:
    staging = Staging(torch.device("cpu"))
    for size in (3, 5, 2):
        target = torch.zeros(size, 4)
        with staging.send(target, torch.bfloat16) as block:
            block.fill_(size)
        assert torch.equal(target, torch.full((size, 4), float(size)))
    assert [len(buffer) for buffer in staging.buffers] == [5 * 4 * 2]


class Recording(WeightLoader):
    """Writes down what it has loaded."""

    def load(self, slot: WeightSlot, *how: Any) -> SlotWeights:
        self.loaded.append(slot.path)
        return super().load(slot, *how)

    @cached_property
    def loaded(self) -> list[str]:
        return []


@pytest.mark.usefixtures("one_rank")
def test_a_tied_vocabulary_is_held_once_where_products_take_plain_numbers(tmp_path: Path) -> None:
    make("qwen2", tmp_path)
    checkpoint = open_checkpoint(tmp_path)
    config, loaded, held = checkpoint.config, {}, {}
    assert config.tied
    # A device without numbers stands for a GPU.
    for name, like in (("cpu", "cpu"), ("meta", "cuda")):
        loader = Recording(checkpoint.tensors, checkpoint.refs)
        device = Device(name, torch.bfloat16, 1, "full", deterministic=True)
        shard = ModelShard(loader, config, device, lambda *_: None)
        loaded[name] = loader.loaded
        held[name] = rank_bytes(loader, config, 1, "full", 2, device=like)
    assert loaded["cpu"].count("output_layer") == 1
    assert loaded["meta"] == [path for path in loaded["cpu"] if path != "output_layer"]
    embedding = shard.gpt.embedding.word_embeddings.weight
    assert embedding.device.type == "meta"
    assert held["cpu"] - held["meta"] == embedding.nbytes
    rows = torch.empty(16, config.hidden, dtype=torch.bfloat16, device="meta")
    layer = shard.gpt.output_layer
    layer.use({len(rows): 0})
    out = layer(rows)
    assert out.shape == (16, len(embedding))


def test_few_bits_take_on_a_gpu_what_is_counted_for_them(
    make_tiny_gguf: Callable[..., None], tmp_path: Path
) -> None:
    make_tiny_gguf(tmp_path / "few.gguf", kind=GGMLQuantizationType.Q4_1)
    checkpoint = open_checkpoint(tmp_path / "few.gguf")
    loader = WeightLoader(checkpoint.tensors, checkpoint.refs)
    slot = WeightSlot("mlp.linear_fc1", (("layers.0.gate", None), ("layers.0.up", None)))
    for form in FORMS:
        weight = loader.load(slot, form, torch.bfloat16, META).weight
        assert not isinstance(weight, torch.Tensor)
        assert weight.values.device.type == weight.scales.device.type == "meta"
        if isinstance(weight, Int4):
            # Two values are packed into a byte.
            bytes_ = weight.values.nbytes // 2 + weight.scales.nbytes + weight.minima.nbytes
        else:
            bytes_ = weight.values.nbytes + weight.scales.nbytes
        assert loader.held_bytes(slot, form, 2, "cuda") == bytes_
