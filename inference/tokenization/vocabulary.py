"""The tokens of a model: their texts, which of them are control tokens, and the rules of the model.

The rules are run by the `tokenizers` library. What a user writes never becomes a control token:
where the library would find one by its name, it gets a name that nobody can type.
"""

from dataclasses import dataclass
from pathlib import Path

from tokenizers import Tokenizer

from inference.errors import ModelError
from inference.model.config import ModelConfig

# A Unicode noncharacter: no text of a person has one, and none gets into tokens.
GUARD_MARK = "\ufdd0"
SPACE = "\u2581"
END_TOKENS = (
    "<|im_end|>",
    "<|endoftext|>",
    "<|eot_id|>",
    "<|end_of_text|>",
    "<|end|>",
    "<end_of_turn>",
    "</s>",
)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The tokens of one model and the rules that make them.

    rules: for the beginning of a text; later: for the rest of it. tokens: by id, spelled as in the
    file. controls: ids of control tokens, which stand for no text; specials: their names. plain:
    ids that are spelled as the text they stand for. byte_level: whether the other ids are spelled
    with GPT-2's characters for bytes, or else with SPACE for a space and <0x0A> for a byte.
    leading_space: whether decoding puts a space before the first word of a text.
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
        """Return the bytes that a token stands for.

        Control tokens, and rows of the model that have no token, stand for none.
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
    """Raise ModelError if there are tokens that the model has no row for."""
    if len(vocabulary.tokens) > config.vocab:
        raise ModelError(
            f"{vocabulary.path}: the tokenizer has {len(vocabulary.tokens):,} tokens, the model "
            f"rows for {config.vocab:,}; they do not belong together."
        )


def _byte_table() -> dict[str, int]:
    """Map GPT-2's printable characters (Radford et al. 2019) to the 256 bytes they stand for."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in set(printable)]
    table = {chr(byte): byte for byte in printable}
    return table | {chr(256 + i): byte for i, byte in enumerate(others)}


BYTE_OF = _byte_table()
