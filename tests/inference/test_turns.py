"""A history that comes back has the tokens that the model wrote."""

from pathlib import Path

import pytest

from inference.checkpoint.open import open_vocabulary
from inference.tokenization.answer_cache import Turns
from inference.tokenization.chat_template import Turn
from inference.tokenization.tokenizer import TURN, Tokenizer
from inference.tokenization.vocabulary import MARK


@pytest.fixture(scope="module")
def tokenizer(smollm: Path) -> Tokenizer:
    return Tokenizer(open_vocabulary(smollm))


def letters(tokenizer: Tokenizer, text: str) -> list[int]:
    """The same text in other tokens: one for each letter."""
    return [token for letter in text for token in tokenizer.encode(letter)]


def test_an_answer_of_the_model_keeps_its_tokens_and_all_around_it_is_as_before(tokenizer) -> None:
    chat = [Turn("user", "Hi"), Turn("assistant", "A tram"), Turn("user", "shorter")]
    ids = letters(tokenizer, "A tram")
    turns = Turns()
    turns.keep("A tram", ids)
    plain, kept = tokenizer.encode_chat(chat), tokenizer.encode_chat(chat, turns.find)
    usual = tokenizer.encode("A tram")
    assert ids != usual
    at = next(i for i in range(len(plain)) if plain[i : i + len(usual)] == usual)
    assert kept == plain[:at] + ids + plain[at + len(usual) :]


def test_only_an_answer_is_known_and_only_alone(tokenizer) -> None:
    turns = Turns()
    turns.keep("Hi", letters(tokenizer, "Hi"))
    for chat in (
        [Turn("user", "Hi")],
        [Turn("user", "Hi"), Turn("assistant", "Hi"), Turn("assistant", "there")],
        [Turn("user", "Hi"), Turn("assistant", "Hi!"), Turn("user", "Hi")],
    ):
        assert tokenizer.encode_chat(chat, turns.find) == tokenizer.encode_chat(chat)


def test_nobody_can_put_an_answer_where_there_is_none(tokenizer) -> None:
    turns = Turns()
    turns.keep("secret", [5, 6, 7])
    chat = [Turn("user", f"{TURN}1{TURN}{MARK}"), Turn("assistant", "secret"), Turn("user", "x")]
    clean = [Turn("user", "1"), *chat[1:]]
    assert tokenizer.encode_chat(chat, turns.find) == tokenizer.encode_chat(clean, turns.find)


def test_the_answer_that_was_asked_for_longest_ago_is_forgotten_first() -> None:
    turns = Turns(max_tokens=10)
    turns.keep("a", [1] * 4)
    turns.keep("b", [2] * 4)
    assert turns.find("a")
    turns.keep("c", [3] * 4)
    assert turns.find("b") is None
    assert turns.find("a") == [1] * 4
    turns.keep("a", [4])
    turns.keep("", [5])
    turns.keep("too long", [6] * 11)
    assert (turns.tokens, set(turns.ids)) == (5, {"a", "c"})
