"""Text to tokens and back, by the byte-level BPE and the chat template that a GGUF file carries.

The vocabulary's control tokens come from the template alone: whatever a user writes is text.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from jinja2 import Template, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from tokenizers import Tokenizer as BPETokenizer
from tokenizers import pre_tokenizers
from tokenizers.models import BPE

from inference.gguf_file import GGUFFile, ModelError

CONTROL: Final = 3
END_TOKENS: Final = ("<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<|end|>", "</s>")
# Unicode noncharacters: no text of a person holds one, and none survives into tokens. One keeps
# the names of control tokens apart, the other stands around the number of a turn.
MARK: Final = "\ufdd0"
TURN: Final = "\ufdd1"
CHATML: Final = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


class PromptError(Exception):
    """Messages that make no prompt; the message says why."""


Known = Callable[[str], list[int] | None]


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of a chat."""

    role: str
    content: str


class Tokenizer:
    """The tokenizer of one model."""

    def __init__(self, file: GGUFFile) -> None:
        """Raises ModelError if the file has a tokenizer of another kind."""
        self.tokens = file.strings("tokenizer.ggml.tokens")
        kinds = file.metadata.get("tokenizer.ggml.token_type", [])
        assert isinstance(kinds, list)
        controls = [i for i, kind in enumerate(kinds) if kind == CONTROL]
        self.specials = {self.tokens[i]: i for i in controls}
        self.end_ids = self._end_ids(file)
        self._control_ids = frozenset(controls)
        self._bpe = _byte_level_bpe(file, self.tokens)
        turn = f"{TURN}(\\d+){TURN}"
        self._splitter = re.compile("|".join([turn, *map(re.escape, self.specials)]))
        self._openers = {name[0] for name in self.specials}
        self._template = _compile(file)
        self._bos = self._text_of("bos", file)
        self._eos = self._text_of("eos", file)

    def encode(self, text: str) -> list[int]:
        """Tokens of plain text; the names of control tokens are text like any other."""
        ids: list[int] = self._bpe.encode(text, add_special_tokens=False).ids
        return ids

    def encode_chat(self, turns: Sequence[Turn], known: Known = lambda _: None) -> list[int]:
        """Tokens of a chat, up to where the assistant's answer begins. `known` has the ids of
        answers that the model itself has written. Raises PromptError."""
        merged = merge_roles(turns)
        answers = [known(turn.content) if turn.role == "assistant" else None for turn in merged]
        # A mark inside whatever could begin a control token: a user's "<|im_end|>" stays text.
        guarded = [
            Turn(turn.role, self._guard(turn.content) if ids is None else f"{TURN}{i}{TURN}")
            for i, (turn, ids) in enumerate(zip(merged, answers, strict=True))
        ]
        rendered = self._render(guarded)
        ids: list[int] = []
        at = 0
        for match in self._splitter.finditer(rendered):
            ids += self.encode(rendered[at : match.start()].replace(MARK, ""))
            number = match.group(1)
            ids += [self.specials[match.group()]] if number is None else answers[int(number)] or []
            at = match.end()
        return ids + self.encode(rendered[at:].replace(MARK, ""))

    def bytes_of(self, token: int) -> bytes:
        """The bytes that a token stands for; none for control tokens."""
        if token in self._control_ids or token >= len(self.tokens):
            return b""
        return bytes(BYTE_OF[char] for char in self.tokens[token] if char in BYTE_OF)

    def _guard(self, text: str) -> str:
        text = text.replace(MARK, "").replace(TURN, "")
        for opener in self._openers:
            text = text.replace(opener, opener + MARK)
        return text

    def _render(self, turns: list[Turn]) -> str:
        messages = [{"role": turn.role, "content": turn.content} for turn in turns]
        try:
            return self._template.render(
                messages=messages,
                add_generation_prompt=True,
                bos_token=self._bos,
                eos_token=self._eos,
            )
        except TemplateError as error:
            raise PromptError(
                f"The model's chat template refuses these messages: {error}"
            ) from error

    def _end_ids(self, file: GGUFFile) -> frozenset[int]:
        named = {self.specials[name] for name in END_TOKENS if name in self.specials}
        keys = ("tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id")
        return frozenset(named | {file.integer(key) for key in keys if key in file.metadata})

    def _text_of(self, name: str, file: GGUFFile) -> str:
        token = file.integer(f"tokenizer.ggml.{name}_token_id", -1)
        return self.tokens[token] if token >= 0 else ""


def merge_roles(turns: Sequence[Turn]) -> list[Turn]:
    """Neighbouring turns of one role as one: templates reject them, and Slack threads have them."""
    merged: list[Turn] = []
    for turn in turns:
        if merged and merged[-1].role == turn.role:
            merged[-1] = Turn(turn.role, merged[-1].content + "\n\n" + turn.content)
        else:
            merged.append(turn)
    return merged


class Detokenizer:
    """Tokens to text, one at a time; a character is held back until its last byte has come."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        # What can never become a character is left out: a reader has no use for U+FFFD.
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="ignore")

    def add(self, token: int) -> str:
        return self._decoder.decode(self._tokenizer.bytes_of(token))


class StopStrings:
    """Cuts a stream of text before the first stop string, wherever its pieces break."""

    def __init__(self, stops: Sequence[str]) -> None:
        assert all(stops)
        self.stops = tuple(stops)
        self.stopped = False
        self._held = ""

    def add(self, text: str) -> str:
        """What may be shown now. Sets `stopped` when a stop string is complete."""
        if self.stopped:
            return ""
        self._held += text
        found = [at for stop in self.stops if (at := self._held.find(stop)) >= 0]
        if found:
            self.stopped = True
            return self._held[: min(found)]
        return self._release(len(self._held) - self._longest_beginning())

    def finish(self) -> str:
        """What was held back in case it became a stop string."""
        return "" if self.stopped else self._release(len(self._held))

    def _release(self, count: int) -> str:
        shown, self._held = self._held[:count], self._held[count:]
        return shown

    def _longest_beginning(self) -> int:
        """How much of the end could be the beginning of a stop string."""
        longest = max(map(len, self.stops), default=1) - 1
        for size in range(min(longest, len(self._held)), 0, -1):
            if any(stop.startswith(self._held[-size:]) for stop in self.stops):
                return size
        return 0


def _byte_table() -> dict[str, int]:
    """GPT-2's printable stand-ins for the 256 bytes (Radford et al. 2019), by character."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in set(printable)]
    table = {chr(byte): byte for byte in printable}
    return table | {chr(256 + i): byte for i, byte in enumerate(others)}


BYTE_OF: Final = _byte_table()


def _byte_level_bpe(file: GGUFFile, tokens: list[str]) -> BPETokenizer:
    if (kind := file.text("tokenizer.ggml.model")) != "gpt2":
        raise ModelError(f"{file.path} has a {kind!r} tokenizer; this worker reads byte-level BPE.")
    pairs = (merge.partition(" ") for merge in file.strings("tokenizer.ggml.merges"))
    merges = [(left, right) for left, _, right in pairs]
    vocab = {token: i for i, token in enumerate(tokens)}
    bpe = BPETokenizer(BPE(vocab=vocab, merges=merges))
    bpe.pre_tokenizer = _pre_tokenizer(file)
    return bpe


def _pre_tokenizer(file: GGUFFile) -> pre_tokenizers.PreTokenizer:
    name = file.text("tokenizer.ggml.pre", "default")
    words = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    if name in ("gpt-2", "default"):
        return words
    if name == "smollm":
        return pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), words])
    raise ModelError(
        f"{file.path} splits words as {name!r}; this worker knows 'smollm', 'gpt-2' and 'default'."
    )


def _compile(file: GGUFFile) -> Template:
    def refuse(reason: str) -> None:
        raise TemplateError(reason)

    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    environment.globals["raise_exception"] = refuse
    try:
        return environment.from_string(file.text("tokenizer.chat_template", CHATML))
    except TemplateError as error:
        raise ModelError(
            f"{file.path} has a chat template that cannot be read: {error}."
        ) from error
