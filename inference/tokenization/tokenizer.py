"""Text and chats to tokens. Control tokens come from the template alone: whatever a user writes is
text.
"""

import re
from collections.abc import Callable, Sequence

from inference.tokenization.chat_template import ChatTemplate, Turn, merge_roles
from inference.tokenization.vocabulary import MARK, Vocabulary

# A noncharacter, as MARK: it stands around the number of a turn.
TURN = "\ufdd1"

Known = Callable[[str], list[int] | None]


class Tokenizer:
    """The tokenizer of one model."""

    def __init__(self, vocabulary: Vocabulary, *, thinking: bool = False) -> None:
        """Raises ModelError."""
        self.vocabulary = vocabulary
        self.tokens, self.specials = vocabulary.tokens, vocabulary.specials
        self.end_ids, self.bytes_of = vocabulary.end_ids, vocabulary.bytes_of
        self.template = ChatTemplate(vocabulary, thinking=thinking)
        self._openers = {name[0] for name in self.specials}
        self._splitter = _splitter(self.specials)

    def encode(self, text: str) -> list[int]:
        """Tokens of plain text; the names of control tokens are text like any other."""
        return self._plain(text.replace(MARK, ""), first=True)

    def encode_prompt(self, text: str) -> list[int]:
        """Tokens of a text that the model goes on from: with the token before that it expects."""
        vocabulary = self.vocabulary
        begin = [vocabulary.bos] if vocabulary.adds_bos and vocabulary.bos is not None else []
        return begin + self.encode(text)

    def encode_chat(self, turns: Sequence[Turn], known: Known = lambda _: None) -> list[int]:
        """Tokens of a chat, up to where the assistant's answer begins. `known` has the ids of
        answers that the model itself has written. Raises PromptError.
        """
        merged = merge_roles(turns)
        answers = [known(turn.content) if turn.role == "assistant" else None for turn in merged]
        # A mark inside whatever could begin a control token: a user's "<|im_end|>" stays text.
        guarded = [
            Turn(turn.role, self._guard(turn.content) if ids is None else f"{TURN}{i}{TURN}")
            for i, (turn, ids) in enumerate(zip(merged, answers, strict=True))
        ]
        rendered = self.template.render(guarded)
        ids: list[int] = []
        at = 0
        for match in self._splitter.finditer(rendered):
            ids += self._plain(rendered[at : match.start()].replace(MARK, ""), first=at == 0)
            number = match.group(1)
            ids += [self.specials[match.group()]] if number is None else answers[int(number)] or []
            at = match.end()
        return ids + self._plain(rendered[at:].replace(MARK, ""), first=at == 0)

    def text_of(self, ids: Sequence[int]) -> str:
        """With the names of control tokens, which text from the model never has."""
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
        text = text.replace(MARK, "").replace(TURN, "")
        for opener in self._openers:
            text = text.replace(opener, opener + MARK)
        return text


def _splitter(specials: dict[str, int]) -> re.Pattern[str]:
    """Finds control tokens, of several the longest, and marked turns. Some models have thousands:
    first it is looked at whether one could begin here.
    """
    turn = f"{TURN}(\\d+){TURN}"
    if not specials:
        return re.compile(turn)
    openers = re.escape("".join(sorted({name[0] for name in specials})))
    names = "|".join(map(re.escape, sorted(specials, key=len, reverse=True)))
    return re.compile(f"{turn}|(?=[{openers}])(?:{names})")
