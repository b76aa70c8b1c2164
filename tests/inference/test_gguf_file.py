"""What a GGUF file must be, and what is said when it is not."""

from __future__ import annotations

from pathlib import Path

import gguf
import pytest

from inference.gguf_file import ModelError, find_model, read_gguf
from inference.shape import ModelShape, check_split, shape_of


def test_the_header_gives_what_the_reference_reader_gives(smollm: Path) -> None:
    reference = gguf.GGUFReader(smollm)
    file = read_gguf(smollm)
    assert file.metadata["general.architecture"] == "llama"
    tokens = reference.fields["tokenizer.ggml.tokens"].contents()
    assert file.strings("tokenizer.ggml.tokens") == tokens
    theirs = {t.name: (tuple(reversed(t.shape.tolist())), t.data_offset) for t in reference.tensors}
    assert {i.name: (i.shape, i.offset) for i in file.tensors.values()} == theirs


@pytest.mark.parametrize("model", ["/nowhere/model.gguf", "model.gguf", "no-such-package", ""])
def test_a_model_that_is_not_there_is_named_in_one_sentence(model: str) -> None:
    with pytest.raises(ModelError, match=r"MODEL to a \.gguf file\.$") as caught:
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


@pytest.mark.parametrize(("tp", "fits"), [(1, True), (3, True), (9, False), (2, False), (5, False)])
def test_a_split_that_does_not_divide_the_heads_is_refused_with_those_that_do(
    smollm: Path, tp: int, fits: bool
) -> None:
    shape: ModelShape = shape_of(read_gguf(smollm))
    assert shape.splits(tp) == fits
    if not fits:
        with pytest.raises(ModelError, match=r"set TP to one of: 1, 3"):
            check_split(shape, tp)
