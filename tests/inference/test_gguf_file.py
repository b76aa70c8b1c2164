"""What a GGUF file must be, and what is said when it is not."""

import struct
from pathlib import Path

import gguf
import pytest
import torch

from inference.__main__ import check as check_model
from inference.checkpoint.gguf_file import read_gguf
from inference.checkpoint.open import find_model, open_checkpoint
from inference.errors import ModelError
from inference.model.config import check_split
from inference.settings import WorkerSettings


def test_the_header_gives_what_the_reference_reader_gives(smollm: Path) -> None:
    reference = gguf.GGUFReader(smollm)
    file = read_gguf(smollm)
    assert file.metadata.text("general.architecture") == "llama"
    tokens = reference.fields["tokenizer.ggml.tokens"].contents()
    assert file.metadata.strings("tokenizer.ggml.tokens") == tokens
    theirs = {t.name: (tuple(reversed(t.shape.tolist())), t.data_offset) for t in reference.tensors}
    assert {i.name: (i.shape, i.parts[0].offset) for i in file.tensors.values()} == theirs


@pytest.mark.parametrize("model", ["/nowhere/model.gguf", "model.gguf", "no-such-package", ""])
def test_a_model_that_is_not_there_is_named_in_one_sentence(model: str) -> None:
    with pytest.raises(ModelError, match=r"MODEL to a directory or a \.gguf file\.$") as caught:
        find_model(model)
    assert model in str(caught.value)


@pytest.mark.parametrize("size", [0, 3, 30, 5_000])
def test_a_file_that_ends_in_its_header_is_named(
    tmp_path: Path, tiny_gguf: Path, size: int
) -> None:
    path = tmp_path / "cut.gguf"
    path.write_bytes(tiny_gguf.read_bytes()[:size])
    with pytest.raises(ModelError, match=r"cut\.gguf is not a"):
        read_gguf(path)


def test_a_file_of_another_kind_is_named(tmp_path: Path) -> None:
    path = tmp_path / "notes.gguf"
    path.write_text("these are notes")
    with pytest.raises(ModelError, match=r"notes\.gguf is not a GGUF file"):
        read_gguf(path)


def check(path: Path) -> str:
    return check_model(WorkerSettings(model=str(path), _env_file=None))


def altered(tiny: Path, target: Path, old: bytes, new: bytes) -> Path:
    data = tiny.read_bytes()
    assert data.count(old) == 1
    assert len(old) == len(new)
    target.write_bytes(data.replace(old, new))
    return target


def u32_key(name: str, value: int) -> bytes:
    return name.encode() + struct.pack("<II", 4, value)


def tensor(name: str, kind: int, *dims: int) -> bytes:
    return name.encode() + struct.pack(f"<I{len(dims)}QI", len(dims), *dims, kind)


HEADS = "llama.attention.head_count"
NORM, GATE = "output_norm.weight", "blk.0.ffn_gate.weight"
UNFIT = [
    (u32_key(HEADS, 8), u32_key(HEADS, 0), "0 under 'llama.attention.head_count'"),
    (u32_key(HEADS, 8), u32_key(HEADS, 7), "7 attention heads of 8 numbers over 4"),
    (tensor(NORM, 0, 64), tensor(NORM, 77, 64), "'output_norm.weight' has the quantisation"),
    (tensor(NORM, 0, 64), tensor(NORM, 24, 64), "'output_norm.weight' has the quantisation"),
    (tensor(GATE, 0, 64, 128), tensor(GATE, 12, 64, 128), "rows of 64 .* blocks of 256"),
    (tensor(GATE, 0, 64, 128), tensor(GATE, 0, 64, 999), "is 999 x 64 .* header says 128 x 64"),
    (b"blk.1.ffn_gate.weight", b"blk.1.ffn_fate.weight", "no tensor 'blk.1.ffn_gate.weight'"),
    (b"\x03\0\0\0\0\0\0\0e t", b"\x03\0\0\0\0\0\0\0e \x01", "the tokenizer cannot be used"),
    (
        u32_key("tokenizer.ggml.bos_token_id", 1),
        u32_key("tokenizer.ggml.bos_token_id", 9**9),
        "the t",
    ),
]


@pytest.mark.parametrize(("old", "new", "sentence"), UNFIT)
def test_what_cannot_be_served_is_found_without_loading_it(
    tmp_path: Path, tiny_gguf: Path, old: bytes, new: bytes, sentence: str
) -> None:
    assert "2 layers" in check(tiny_gguf)
    path = altered(tiny_gguf, tmp_path / "odd.gguf", old, new)
    with pytest.raises(ModelError, match=rf"^\S*odd\.gguf.*{sentence}.*\.$"):
        check(path)


def test_a_file_that_ends_in_its_weights_is_found_without_loading_it(
    tmp_path: Path, tiny_gguf: Path
) -> None:
    path = tmp_path / "cut.gguf"
    path.write_bytes(tiny_gguf.read_bytes()[:-5000])
    with pytest.raises(ModelError, match=r"cut\.gguf is cut short: tensor 'blk\.1\."):
        check(path)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_device_that_is_not_there_is_named(tiny_gguf: Path) -> None:
    with pytest.raises(ModelError, match="needs 1 GPUs and 0 can be used"):
        check_model(WorkerSettings(model=str(tiny_gguf), device="cuda", _env_file=None))


@pytest.mark.parametrize("alignment", [0, 32.5])
def test_an_alignment_that_no_file_can_have_is_named(tmp_path: Path, alignment: float) -> None:
    writer = gguf.GGUFWriter(tmp_path / "a.gguf", "llama")
    add = writer.add_float32 if isinstance(alignment, float) else writer.add_uint32
    add("general.alignment", alignment)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    with pytest.raises(ModelError, match=r"a\.gguf has an alignment of"):
        read_gguf(tmp_path / "a.gguf")


@pytest.mark.parametrize(("tp", "fits"), [(1, True), (3, True), (9, False), (2, False), (5, False)])
def test_a_split_that_does_not_divide_the_heads_is_refused_with_those_that_do(
    smollm: Path, tp: int, fits: bool
) -> None:
    config = open_checkpoint(smollm).config
    assert config.splits(tp) == fits
    if not fits:
        with pytest.raises(ModelError, match=r"set TP to one of: 1, 3"):
            check_split(config, tp)
