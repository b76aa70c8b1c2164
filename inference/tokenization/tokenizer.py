"""Text and chats to tokens. Only templates make control tokens: what a user writes is text."""

import re
from collections.abc import Callable, Sequence

from inference.tokenization.chat_template import ChatTemplate, ChatTurn, merge_roles
from inference.tokenization.vocabulary import GUARD_MARK, Vocabulary

# A noncharacter, like GUARD_MARK: it is put around the number of an answer whose ids are known.
ANSWER_MARK = "\ufdd1"

FindAnswer = Callable[[str], list[int] | None]
"""Returns the token ids of an answer that the model itself has written, if they are known."""


class Tokenizer:
    """The tokenizer of one model."""

    def __init__(self, vocabulary: Vocabulary, *, thinking: bool = False) -> None:
        """Raise ModelError if the chat template cannot be read."""
        self.vocabulary = vocabulary
        self.tokens, self.specials = vocabulary.tokens, vocabulary.specials
        self.end_ids, self.bytes_of = vocabulary.end_ids, vocabulary.bytes_of
        self.template = ChatTemplate(vocabulary, thinking=thinking)
        self._openers = {name[0] for name in self.specials}
        self._splitter = _splitter(self.specials)

    def encode(self, text: str) -> list[int]:
        """Return the tokens of plain text; the names of control tokens are text like any other."""
        return self._plain(text.replace(GUARD_MARK, ""), first=True)

    def encode_prompt(self, text: str) -> list[int]:
        """Return the tokens of a text to continue, after the first token that the model expects."""
        vocabulary = self.vocabulary
        begin = [vocabulary.bos] if vocabulary.adds_bos and vocabulary.bos is not None else []
        return begin + self.encode(text)

    def encode_chat(
        self, turns: Sequence[ChatTurn], find_answer: FindAnswer = lambda _: None
    ) -> list[int]:
        """Return the tokens of a chat, up to where the assistant's answer begins.

        Raises PromptError.
        """
        merged = merge_roles(turns)
        answers = [find_answer(t.content) if t.role == "assistant" else None for t in merged]
        # A mark inside whatever could begin a control token: a user's "<|im_end|>" stays text.
        contents = [
            self._guard(turn.content) if ids is None else f"{ANSWER_MARK}{i}{ANSWER_MARK}"
            for i, (turn, ids) in enumerate(zip(merged, answers, strict=True))
        ]
        rendered = self.template.render(
            [ChatTurn(turn.role, text) for turn, text in zip(merged, contents, strict=True)]
        )
        ids: list[int] = []
        at = 0
        for match in self._splitter.finditer(rendered):
            ids += self._plain(rendered[at : match.start()].replace(GUARD_MARK, ""), first=at == 0)
            number = match.group(1)
            ids += [self.specials[match.group()]] if number is None else answers[int(number)] or []
            at = match.end()
        return ids + self._plain(rendered[at:].replace(GUARD_MARK, ""), first=at == 0)

    def text_of(self, ids: Sequence[int]) -> str:
        """Return the text of tokens. Control tokens are spelled by their names here."""
        names = self.tokens
        data = b"".join(
            self.bytes_of(token) or (names[token].encode() if token < len(names) else b"")
            for token in ids
        )
        return data.decode(errors="replace")

    def _plain(self, text: str, *, first: bool) -> list[int]:
        rules = self.vocabulary.rules if first else self.vocabulary.later
        ids: list[int] = rules.encode(text, add_special_tokens=False).ids if text else []
        controls = self.vocabulary.controls
        return ids if controls.isdisjoint(ids) else [i for i in ids if i not in controls]

    def _guard(self, text: str) -> str:
        text = text.replace(GUARD_MARK, "").replace(ANSWER_MARK, "")
        for opener in self._openers:
            text = text.replace(opener, opener + GUARD_MARK)
        return text


def _splitter(specials: dict[str, int]) -> re.Pattern[str]:
    """Build the pattern that finds control tokens (the longest that fits) and marked answers."""
    answer = f"{ANSWER_MARK}(\\d+){ANSWER_MARK}"
    if not specials:
        return re.compile(answer)
    # Some models have thousands of names: look first whether one could begin here.
    openers = re.escape("".join(sorted({name[0] for name in specials})))
    names = "|".join(map(re.escape, sorted(specials, key=len, reverse=True)))
    return re.compile(f"{answer}|(?=[{openers}])(?:{names})")
