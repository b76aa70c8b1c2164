"""Reads the vocabulary of a Hugging Face directory: tokenizer.json and the files beside it."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from inference.checkpoint.fields import Fields, read_json
from inference.errors import ModelError, model_errors
from inference.tokenization.vocabulary import END_TOKENS, GUARD_MARK, SPACE, Vocabulary


def read_hf_vocabulary(directory: Path) -> Vocabulary:
    """Return the vocabulary of a directory. Raises ModelError."""
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
    """Return how many tokens the tokenizer of a directory has. Raises ModelError."""
    whole = read_json(directory / "tokenizer.json")
    with model_errors(whole.path, "the tokenizer"):
        body: dict[str, Any] = dict(whole.values)
        return len(_all_tokens(body["model"]["vocab"], body.get("added_tokens") or []))


def _optional(path: Path) -> Fields:
    return read_json(path) if path.is_file() else Fields(path, {})


def _all_tokens(vocab: Mapping[str, int], added: Iterable[Mapping[str, Any]]) -> list[str]:
    """List the tokens by id. An id without a token has an empty text."""
    by_id = {token: text for text, token in vocab.items()}
    by_id |= {int(one["id"]): str(one["content"]) for one in added}
    return [by_id.get(token, "") for token in range(max(by_id) + 1)]


def _guarded(body: dict[str, Any], added: list[dict[str, Any]]) -> Tokenizer:
    """Build the rules, with control tokens under names that nobody can type. Raises ModelError."""
    known = body["model"]["vocab"]
    # A control token that the model's own vocabulary has needs no such name. The others must all be
    # there, or the library gives new numbers to those after them.
    kept = [one for one in added if not (one["special"] and one["content"] in known)]
    names = {
        one["id"]: f"{GUARD_MARK}{one['content']}{GUARD_MARK}"
        if one["special"]
        else str(one["content"])
        for one in kept
    }
    tokens = [one | {"content": names[one["id"]]} for one in kept]
    rules = Tokenizer.from_str(json.dumps(body | {"added_tokens": tokens, "post_processor": None}))
    for token, name in names.items():
        if rules.token_to_id(name) != token:
            raise ModelError(f"the added token {token} has another number in the library")
    rules.no_truncation()
    rules.no_padding()
    return rules


def _later(body: dict[str, Any], added: list[dict[str, Any]], rules: Tokenizer) -> Tokenizer:
    """Build the rules for later text: some put a space before the first word of a text only."""
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
    """Say whether the library would put a control token before every text."""
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
