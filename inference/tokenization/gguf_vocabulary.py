"""Reads the vocabulary that a GGUF file lists in its header."""

from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, normalizers, pre_tokenizers
from tokenizers.models import BPE

from inference.checkpoint.fields import Fields
from inference.checkpoint.gguf_file import GGUFFile
from inference.errors import ModelError
from inference.tokenization.vocabulary import END_TOKENS, SPACE, Vocabulary

# Kinds of tokens in the file.
CONTROL = 3
USER_DEFINED = 4
# Rules that split text into words, by their names in GGUF files. They differ in how many digits go
# together.
WORD_RULE = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}%s"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
WORDS = {
    "llama-bpe": WORD_RULE % "{1,3}",
    "qwen2": WORD_RULE % "",
    "deepseek-r1-qwen": WORD_RULE % "",
}


def read_gguf_vocabulary(file: GGUFFile) -> Vocabulary:
    """Return the vocabulary of a GGUF file. Raises ModelError if its kind is not supported."""
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
    """Build the merges from the scores: the pair that makes the best token is merged first."""
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
