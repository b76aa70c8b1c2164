"""An answer that comes back in a history has the tokens that the model wrote."""

from pathlib import Path

import pytest

from inference.checkpoint.open import open_vocabulary
from inference.tokenization.answer_cache import AnswerCache
from inference.tokenization.chat_template import ChatTurn
from inference.tokenization.tokenizer import ANSWER_MARK, Tokenizer
from inference.tokenization.vocabulary import GUARD_MARK


@pytest.fixture(scope="module")
def tokenizer(smollm: Path) -> Tokenizer:
    return Tokenizer(open_vocabulary(smollm))


def letters(tokenizer: Tokenizer, text: str) -> list[int]:
    """Return the same text in other tokens: one for each letter."""
    return [token for letter in text for token in tokenizer.encode(letter)]


def test_an_answer_of_the_model_keeps_its_tokens_and_all_around_it_is_as_before(
    tokenizer: Tokenizer,
) -> None:
    chat = [ChatTurn("user", "Hi"), ChatTurn("assistant", "A tram"), ChatTurn("user", "shorter")]
    ids = letters(tokenizer, "A tram")
    cache = AnswerCache()
    cache.put("A tram", ids)
    plain, kept = tokenizer.encode_chat(chat), tokenizer.encode_chat(chat, cache.get)
    usual = tokenizer.encode("A tram")
    assert ids != usual
    at = next(i for i in range(len(plain)) if plain[i : i + len(usual)] == usual)
    assert kept == plain[:at] + ids + plain[at + len(usual) :]


def test_only_an_answer_is_known_and_only_alone(tokenizer: Tokenizer) -> None:
    cache = AnswerCache()
    cache.put("Hi", letters(tokenizer, "Hi"))
    for chat in (
        [ChatTurn("user", "Hi")],
        [ChatTurn("user", "Hi"), ChatTurn("assistant", "Hi"), ChatTurn("assistant", "there")],
        [ChatTurn("user", "Hi"), ChatTurn("assistant", "Hi!"), ChatTurn("user", "Hi")],
    ):
        assert tokenizer.encode_chat(chat, cache.get) == tokenizer.encode_chat(chat)


def test_nobody_can_put_an_answer_where_there_is_none(tokenizer: Tokenizer) -> None:
    cache = AnswerCache()
    cache.put("secret", [5, 6, 7])
    chat = [
        ChatTurn("user", f"{ANSWER_MARK}1{ANSWER_MARK}{GUARD_MARK}"),
        ChatTurn("assistant", "secret"),
        ChatTurn("user", "x"),
    ]
    clean = [ChatTurn("user", "1"), *chat[1:]]
    assert tokenizer.encode_chat(chat, cache.get) == tokenizer.encode_chat(clean, cache.get)


def test_the_answer_that_was_asked_for_longest_ago_is_forgotten_first() -> None:
    cache = AnswerCache(max_tokens=10)
    cache.put("a", [1] * 4)
    cache.put("b", [2] * 4)
    assert cache.get("a")
    cache.put("c", [3] * 4)
    assert cache.get("b") is None
    assert cache.get("a") == [1] * 4
    cache.put("a", [4])
    cache.put("", [5])
    cache.put("too long", [6] * 11)
    assert (cache.tokens, set(cache.ids)) == (5, {"a", "c"})
