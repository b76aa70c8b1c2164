"""The token ids of answers, found by their text.

The model may have written a word in other tokens than the tokenizer would choose. If an answer that
comes back in a history were tokenized again, the prompt would differ from what the KV cache holds.
"""

from collections import OrderedDict
from dataclasses import dataclass, field

# In all answers together: some megabytes.
MAX_TOKENS = 500_000


@dataclass(slots=True)
class AnswerCache:
    """Answers that this worker has written. The least recently used ones are dropped first."""

    max_tokens: int = MAX_TOKENS
    ids: OrderedDict[str, list[int]] = field(default_factory=OrderedDict)
    tokens: int = 0

    def put(self, text: str, ids: list[int]) -> None:
        """Keep the ids of an answer. If two answers have the same text, the later one counts."""
        if not text or len(ids) > self.max_tokens:
            return
        self.tokens += len(ids) - len(self.ids.pop(text, ()))
        self.ids[text] = ids
        while self.tokens > self.max_tokens:
            _, oldest = self.ids.popitem(last=False)
            self.tokens -= len(oldest)

    def get(self, text: str) -> list[int] | None:
        """Return the ids of the answer with this text, or None."""
        if text in self.ids:
            self.ids.move_to_end(text)
        return self.ids.get(text)
