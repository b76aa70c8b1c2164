"""The token ids of answers, by their text: a history that comes back is not tokenised anew.

The model may have written a word in other tokens than the tokenizer would. Tokenised again, a
refinement's history would differ from what the cache holds and from what the model said.
"""

from collections import OrderedDict
from dataclasses import dataclass, field

# In all answers together: some megabytes.
MAX_TOKENS = 500_000


@dataclass(slots=True)
class Turns:
    """Answers of this worker since its start; the one that was asked for longest ago goes first."""

    max_tokens: int = MAX_TOKENS
    ids: OrderedDict[str, list[int]] = field(default_factory=OrderedDict)
    tokens: int = 0

    def keep(self, text: str, ids: list[int]) -> None:
        """Of two answers with one text the later counts."""
        if not text or len(ids) > self.max_tokens:
            return
        self.tokens += len(ids) - len(self.ids.pop(text, ()))
        self.ids[text] = ids
        while self.tokens > self.max_tokens:
            _, oldest = self.ids.popitem(last=False)
            self.tokens -= len(oldest)

    def find(self, text: str) -> list[int] | None:
        if text in self.ids:
            self.ids.move_to_end(text)
        return self.ids.get(text)
