"""Tokenizers in GGUF files, of the kinds that llama, mistral and qwen models have there."""

import json
from pathlib import Path

import gguf
import pytest
from tokenizers import Tokenizer as Rules
from tokenizers import pre_tokenizers
from tokenizers.models import BPE
from tokenizers.trainers import BpeTrainer
from transformers import AutoTokenizer
from transformers import PreTrainedTokenizerBase as Reference

from inference.checkpoint.open import open_vocabulary
from inference.errors import ModelError
from inference.tokenization.detokenizer import Detokenizer
from inference.tokenization.tokenizer import Tokenizer
from tests.inference.vocabularies import CONTROLS, CORPUS, THINK, sentencepiece

NORMAL, UNKNOWN, CONTROL, USER, BYTE = 1, 2, 3, 4, 6
TEXTS = [
    "The tram climbs the hill in Lisbon, and it's 12345 o'clock.",
    "  two spaces,\n\nnew lines\tand tabs ",
    "你好，世界！ 🎉 naïve café — DON'T, they'LL.",
    "x",
]


def byte_level_file(path: Path, pre: str, arch: str) -> None:
    rules = Rules(BPE())
    rules.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    rules.train_from_iterator(CORPUS, BpeTrainer(vocab_size=320, initial_alphabet=alphabet))
    model = json.loads(rules.to_str())["model"]
    tokens = [*model["vocab"], *CONTROLS, *THINK]
    writer = gguf.GGUFWriter(path, arch)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(tokens)
    kinds = [NORMAL] * len(model["vocab"]) + [CONTROL] * len(CONTROLS) + [USER] * len(THINK)
    writer.add_token_types(kinds)
    writer.add_token_merges([" ".join(pair) for pair in model["merges"]])
    writer.add_bos_token_id(tokens.index("<|begin|>"))
    writer.add_eos_token_id(tokens.index("<|im_end|>"))
    finish(writer)


def sentencepiece_file(path: Path, directory: Path, *, prefixed: bool = True) -> None:
    sentencepiece(directory, "prepend")
    vocab = json.loads((directory / "tokenizer.json").read_text())["model"]["vocab"]
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_tokenizer_model("llama")
    writer.add_token_list(list(vocab))
    # What was merged first has the best score.
    writer.add_token_scores([-float(token) for token in vocab.values()])
    writer.add_token_types(
        [UNKNOWN, CONTROL, CONTROL] + [BYTE] * 256 + [NORMAL] * (len(vocab) - 259)
    )
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    if not prefixed:
        writer.add_add_space_prefix(False)
    finish(writer)


def finish(writer: gguf.GGUFWriter) -> None:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


KINDS = [("llama-bpe", "llama"), ("qwen2", "qwen2"), ("qwen2", "qwen3"), ("spm", "llama")]


@pytest.fixture(scope="module", params=KINDS, ids="-".join)
def both(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Tokenizer, Reference]:
    """Our tokenizer and that of transformers, of the same file."""
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.gguf"
    pre, arch = request.param
    if pre == "spm":
        sentencepiece_file(path, path.parent)
    else:
        byte_level_file(path, pre, arch)
    reference = AutoTokenizer.from_pretrained(str(path.parent), gguf_file=path.name)
    return Tokenizer(open_vocabulary(path)), reference


@pytest.mark.parametrize("text", TEXTS)
def test_tokens_are_those_of_transformers(both: tuple[Tokenizer, Reference], text: str) -> None:
    ours, reference = both
    assert ours.encode(text) == reference.encode(text, add_special_tokens=False)


@pytest.mark.parametrize("text", TEXTS)
def test_text_comes_back_as_it_was(both: tuple[Tokenizer, Reference], text: str) -> None:
    ours, _ = both
    detokenizer = Detokenizer(ours, begins=True)
    assert "".join(map(detokenizer.add, ours.encode(text))) == text


def test_only_sentencepiece_models_want_a_token_before_every_text(
    both: tuple[Tokenizer, Reference],
) -> None:
    ours, _ = both
    wants = not ours.vocabulary.byte_level
    assert (ours.encode_prompt("x")[0] == ours.vocabulary.bos) == wants
    assert ours.vocabulary.end_ids


def test_a_model_may_have_no_space_before_its_first_word(tmp_path: Path) -> None:
    sentencepiece_file(tmp_path / "with.gguf", tmp_path)
    sentencepiece_file(tmp_path / "without.gguf", tmp_path, prefixed=False)
    with_space, without = (
        Tokenizer(open_vocabulary(tmp_path / f"{name}.gguf")) for name in ("with", "without")
    )
    assert with_space.encode("The tram") == without.encode(" The tram")


def test_a_named_token_that_is_text_is_shown_and_a_control_token_is_not(tmp_path: Path) -> None:
    byte_level_file(tmp_path / "t.gguf", "qwen2", "qwen2")
    ours = Tokenizer(open_vocabulary(tmp_path / "t.gguf"))
    assert len(ours.encode("<think>")) == 1
    assert ours.bytes_of(ours.encode("<think>")[0]) == b"<think>"
    assert ours.bytes_of(ours.specials["<|im_end|>"]) == b""
    assert len(ours.encode("<|im_end|>")) > 1


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (b"\x04\0\0\0\0\0\0\0gpt2", b"\x04\0\0\0\0\0\0\0bert", "has a 'bert' tokenizer"),
        (b"\x05\0\0\0\0\0\0\0qwen2", b"\x05\0\0\0\0\0\0\0viking", "splits words as 'vikin'"),
    ],
)
def test_a_tokenizer_of_another_kind_is_refused(
    tmp_path: Path, old: bytes, new: bytes, sentence: str
) -> None:
    byte_level_file(tmp_path / "t.gguf", "qwen2", "llama")
    data = (tmp_path / "t.gguf").read_bytes()
    assert old in data
    (tmp_path / "t.gguf").write_bytes(data.replace(old, new[: len(old)]))
    with pytest.raises(ModelError, match=sentence):
        open_vocabulary(tmp_path / "t.gguf")
