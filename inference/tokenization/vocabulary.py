"""The tokens of a model: their texts, which of them control, and the rules that make them of text.

From a GGUF file's own lists, or from tokenizer.json and its neighbours in a directory; both through
the `tokenizers` library. What a user writes never becomes a control token: where the library would
find them by name, they have names that nobody can type.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer, normalizers, pre_tokenizers
from tokenizers.models import BPE

from inference.checkpoint.errors import ModelError, model_errors
from inference.checkpoint.fields import Fields, read_json
from inference.checkpoint.gguf_file import GGUFFile
from inference.model.config import ModelConfig

# Unicode noncharacters: no text of a person holds one, and none survives into tokens.
MARK = "\ufdd0"
SPACE = "\u2581"

CONTROL = 3
USER_DEFINED = 4
BYTE = 6
END_TOKENS = (
    "<|im_end|>",
    "<|endoftext|>",
    "<|eot_id|>",
    "<|end_of_text|>",
    "<|end|>",
    "<end_of_turn>",
    "</s>",
)
# How GGUF files name rules that split text into words; a digit stands for how many digits go
# together.
_WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}%s"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
WORDS = {
    "llama-bpe": _WORDS % "{1,3}",
    "qwen2": _WORDS % "",
    "deepseek-r1-qwen": _WORDS % "",
}


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """tokens: by id, as the file spells them. controls: ids that stand for no text, of which
    specials has the names. plain: ids that are spelled as the text they stand for; of the others,
    byte_level says whether they are spelled in GPT-2's stand-ins for bytes, or with SPACE for a
    space and <0x0A> for a byte. later: what makes tokens of text that is not the beginning.
    leading_space: whether the first word of a text has a space before it that nobody wrote.
    """

    path: Path
    rules: Tokenizer
    later: Tokenizer
    tokens: list[str]
    controls: frozenset[int]
    specials: dict[str, int]
    plain: frozenset[int]
    end_ids: frozenset[int]
    bos: int | None
    eos: int | None
    adds_bos: bool
    byte_level: bool
    leading_space: bool
    template: str | None

    def bytes_of(self, token: int) -> bytes:
        """What a token stands for; nothing for control tokens, and for rows of the model that have
        no token.
        """
        if token in self.controls or token >= len(self.tokens):
            return b""
        spelled = self.tokens[token]
        if token in self.plain:
            return spelled.encode()
        if self.byte_level:
            return bytes(BYTE_OF[char] for char in spelled if char in BYTE_OF)
        if len(spelled) == 6 and spelled.startswith("<0x"):
            return bytes([int(spelled[3:5], 16)])
        return spelled.replace(SPACE, " ").encode()

    def name(self, token: int | None) -> str:
        return "" if token is None else self.tokens[token]


def check_vocabulary(vocabulary: Vocabulary, config: ModelConfig) -> None:
    """Raises ModelError if there are tokens that the model has no row for."""
    if len(vocabulary.tokens) > config.vocab:
        raise ModelError(
            f"{vocabulary.path}: the tokenizer has {len(vocabulary.tokens):,} tokens, the model "
            f"rows for {config.vocab:,}; they do not belong together."
        )


def _byte_table() -> dict[str, int]:
    """GPT-2's printable stand-ins for the 256 bytes (Radford et al. 2019), by character."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in set(printable)]
    table = {chr(byte): byte for byte in printable}
    return table | {chr(256 + i): byte for i, byte in enumerate(others)}


BYTE_OF = _byte_table()


def gguf_vocabulary(file: GGUFFile) -> Vocabulary:
    """Raises ModelError if the file has a tokenizer of another kind."""
    keys, tokens = file.metadata, file.metadata.strings("tokenizer.ggml.tokens")
    kinds = keys.get("tokenizer.ggml.token_type")
    of_kind: dict[object, list[int]] = {}
    for token, kind in enumerate(kinds if isinstance(kinds, list) else []):
        of_kind.setdefault(kind, []).append(token)
    controls, added = of_kind.get(CONTROL, []), of_kind.get(USER_DEFINED, [])
    kind = keys.text("tokenizer.ggml.model")
    if kind not in ("gpt2", "llama"):
        raise ModelError(
            f"{file.path} has a {kind!r} tokenizer; this worker reads 'gpt2' (byte-level BPE) and "
            "'llama' (SentencePiece BPE)."
        )
    prefixed = kind == "llama" and keys.flag("tokenizer.ggml.add_space_prefix", True)
    rules = _byte_level(keys, tokens) if kind == "gpt2" else _sentencepiece(keys, tokens, prefixed)
    rules.add_tokens([AddedToken(tokens[i], normalized=False) for i in added])
    named = {tokens[i]: i for i in controls}
    template = keys.get("tokenizer.chat_template")
    return Vocabulary(
        path=file.path,
        rules=rules,
        later=rules,
        tokens=tokens,
        controls=frozenset(controls),
        specials=named,
        plain=frozenset(added),
        end_ids=frozenset(
            {i for key in ("eos", "eot") if (i := _gguf_id(keys, key, tokens)) is not None}
            | {named[name] for name in END_TOKENS if name in named}
        ),
        bos=_gguf_id(keys, "bos", tokens),
        eos=_gguf_id(keys, "eos", tokens),
        adds_bos=keys.flag("tokenizer.ggml.add_bos_token", kind == "llama"),
        byte_level=kind == "gpt2",
        leading_space=prefixed,
        template=template if isinstance(template, str) else None,
    )


def _gguf_id(keys: Fields, name: str, tokens: list[str]) -> int | None:
    token = keys.integer(f"tokenizer.ggml.{name}_token_id", -1)
    if token >= len(tokens):
        raise ModelError(f"{keys.path}: the tokenizer has {len(tokens)} tokens, {name} is {token}.")
    return token if token >= 0 else None


def _byte_level(keys: Fields, tokens: list[str]) -> Tokenizer:
    pairs = (merge.partition(" ") for merge in keys.strings("tokenizer.ggml.merges"))
    merges = [(left, right) for left, _, right in pairs]
    name = keys.text("tokenizer.ggml.pre", "default")
    vocab = {token: i for i, token in enumerate(tokens)}
    rules = Tokenizer(BPE(vocab=vocab, merges=merges, ignore_merges=name == "llama-bpe"))
    rules.pre_tokenizer = _pre_tokenizer(keys.path, name)
    if WORDS.get(name) == WORDS["qwen2"]:
        rules.normalizer = normalizers.NFC()
    return rules


def _pre_tokenizer(path: Path, name: str) -> pre_tokenizers.PreTokenizer:
    if name in ("gpt-2", "default"):
        return pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    if name == "smollm":
        words = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
        return pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), words])
    if name in WORDS:
        split = pre_tokenizers.Split(Regex(WORDS[name]), behavior="isolated")
        spelled = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
        return pre_tokenizers.Sequence([split, spelled])
    known = ", ".join(["gpt-2", "default", "smollm", *WORDS])
    raise ModelError(f"{path} splits words as {name!r}; this worker knows {known}.")


def _sentencepiece(keys: Fields, tokens: list[str], prefixed: bool) -> Tokenizer:
    """The pieces whose merging gives the piece with the best score are merged first."""
    vocab = {token: i for i, token in enumerate(tokens)}
    scores = keys.get("tokenizer.ggml.scores")
    if not isinstance(scores, list) or len(scores) != len(tokens):
        raise ModelError(f"{keys.path} has no score for each of its tokens.")
    merges: list[tuple[float, int, int, str, str]] = []
    for token, score in zip(tokens, scores, strict=True):
        for at in range(1, len(token)):
            left, right = token[:at], token[at:]
            if left in vocab and right in vocab:
                merges.append((-score, vocab[left], vocab[right], left, right))
    merges.sort(key=lambda merge: merge[0])
    rules = Tokenizer(
        BPE(
            vocab=vocab,
            merges=[(left, right) for *_, left, right in merges],
            unk_token=tokens[keys.integer("tokenizer.ggml.unknown_token_id", 0)],
            fuse_unk=True,
            byte_fallback=True,
        )
    )
    spaces = normalizers.Replace(" ", SPACE)
    first = [normalizers.Prepend(SPACE)] if prefixed else []
    rules.normalizer = normalizers.Sequence([*first, spaces])
    return rules


def directory_vocabulary(directory: Path) -> Vocabulary:
    """Of tokenizer.json, tokenizer_config.json and the like. Raises ModelError."""
    whole = read_json(directory / "tokenizer.json")
    names = _optional(directory / "special_tokens_map.json")
    config = _optional(directory / "tokenizer_config.json")
    config = Fields(config.path, {**names.values, **config.values})
    with model_errors(whole.path, "the tokenizer"):
        body: dict[str, Any] = dict(whole.values)
        if body["model"]["type"] != "BPE":
            raise ModelError(
                f"{whole.path} has a {body['model']['type']} tokenizer; this worker reads BPE."
            )
        added: list[dict[str, Any]] = body.get("added_tokens") or []
        tokens = _all_tokens(body["model"]["vocab"], added)
        decoder = json.dumps(body.get("decoder"), ensure_ascii=False)
        rules = _guarded(body, added)
        named = {one["content"]: one["id"] for one in added if one["special"]}
        bos, eos = (_token_id(config, f"{name}_token", tokens, named) for name in ("bos", "eos"))
        ends = _ids_of_ends(directory) | {named[name] for name in END_TOKENS if name in named}
    if not any(word in decoder for word in ("ByteLevel", SPACE, "Metaspace")):
        raise ModelError(f"{whole.path} spells tokens in a way that this worker does not know.")
    return Vocabulary(
        path=directory,
        rules=rules,
        later=_later(body, added, rules),
        tokens=tokens,
        controls=frozenset(named.values()),
        specials=named,
        plain=frozenset(one["id"] for one in added),
        end_ids=frozenset(ends | ({eos} if eos is not None else set())),
        bos=bos,
        eos=eos,
        adds_bos=config.flag("add_bos_token", _begins_with_special(body.get("post_processor"))),
        byte_level="ByteLevel" in decoder,
        leading_space='"Strip"' in decoder or "Metaspace" in decoder,
        template=_template(directory, config),
    )


def count_tokens(directory: Path) -> int:
    """How many tokens the tokenizer in a directory has. Raises ModelError."""
    whole = read_json(directory / "tokenizer.json")
    with model_errors(whole.path, "the tokenizer"):
        body: dict[str, Any] = dict(whole.values)
        return len(_all_tokens(body["model"]["vocab"], body.get("added_tokens") or []))


def _optional(path: Path) -> Fields:
    return read_json(path) if path.is_file() else Fields(path, {})


def _all_tokens(vocab: Mapping[str, int], added: Iterable[Mapping[str, Any]]) -> list[str]:
    """By id; ids that nothing has are empty."""
    by_id = {token: text for text, token in vocab.items()}
    by_id |= {int(one["id"]): str(one["content"]) for one in added}
    return [by_id.get(token, "") for token in range(max(by_id) + 1)]


def _guarded(body: dict[str, Any], added: list[dict[str, Any]]) -> Tokenizer:
    """The rules, with names for control tokens that nobody can type. Raises ModelError."""
    known = body["model"]["vocab"]
    # One that the model's own vocabulary has needs no name; without those behind it, the library
    # would number the rest anew.
    kept = [one for one in added if not (one["special"] and one["content"] in known)]
    names = {one["id"]: _untyped(one) for one in kept}
    tokens = [one | {"content": names[one["id"]]} for one in kept]
    rules = Tokenizer.from_str(json.dumps(body | {"added_tokens": tokens, "post_processor": None}))
    for token, name in names.items():
        if rules.token_to_id(name) != token:
            raise ModelError(f"the added token {token} has another number in the library")
    rules.no_truncation()
    rules.no_padding()
    return rules


def _untyped(one: Mapping[str, Any]) -> str:
    return f"{MARK}{one['content']}{MARK}" if one["special"] else str(one["content"])


def _later(body: dict[str, Any], added: list[dict[str, Any]], rules: Tokenizer) -> Tokenizer:
    """Some put a space before the first word of a text alone."""
    spaces = body.get("pre_tokenizer")
    if not (isinstance(spaces, dict) and spaces.get("prepend_scheme") == "first"):
        return rules
    return _guarded(body | {"pre_tokenizer": spaces | {"prepend_scheme": "never"}}, added)


def _token_id(config: Fields, key: str, tokens: list[str], named: Mapping[str, int]) -> int | None:
    value = config.get(key)
    content = value.get("content") if isinstance(value, dict) else value
    if not isinstance(content, str):
        return None
    return named[content] if content in named else tokens.index(content)


def _ids_of_ends(directory: Path) -> set[int]:
    found: set[int] = set()
    for name in ("config.json", "generation_config.json"):
        value = _optional(directory / name).get("eos_token_id")
        found |= {i for i in (value if isinstance(value, list) else [value]) if isinstance(i, int)}
    return found


def _begins_with_special(post: object) -> bool:
    """Whether the library would put a control token before every text."""
    if not isinstance(post, dict):
        return False
    if post.get("type") == "Sequence":
        return any(_begins_with_special(one) for one in post.get("processors", []))
    single = post.get("single")
    return isinstance(single, list) and bool(single) and "SpecialToken" in single[0]


def _template(directory: Path, config: Fields) -> str | None:
    if (path := directory / "chat_template.jinja").is_file():
        with model_errors(path, "the chat template"):
            return path.read_text()
    value = config.get("chat_template")
    if isinstance(value, list):
        named = {one.get("name"): one.get("template") for one in value if isinstance(one, dict)}
        value = named.get("default")
    return value if isinstance(value, str) else None
