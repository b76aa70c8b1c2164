"""Prompt lookup: a guess at the next tokens, from what followed the same words before.

A refinement repeats much of its draft. Saxena 2023, https://github.com/apoorvumang/prompt-lookup-decoding
"""

from array import array
from dataclasses import dataclass, field

# This many tokens must be the same for a guess.
MATCH = 3
# How fast the rate follows what happens: about the last 1 / MEMORY guesses count.
MEMORY = 0.2


@dataclass(slots=True)
class PromptLookup:
    """Where each run of MATCH tokens of one sequence was seen last, and how good guesses are.

    `rate` follows how often the guessed next token is the right one. Guesses are checked whether or
    not anything is computed for them, so a sequence that begins to repeat itself is noticed at no
    cost.
    """

    ends: dict[tuple[int, ...], int] = field(default_factory=dict)
    read: int = 0
    match: int | None = None
    rate: float = 0.0

    def follow(self, tokens: "array[int]") -> None:
        """Takes in what has come to `tokens` since the last call."""
        for end in range(self.read, len(tokens)):
            if self.match is not None:
                hit = tokens[self.match] == tokens[end]
                self.rate += MEMORY * (hit - self.rate)
            self._step(tokens, end + 1)
        self.read = len(tokens)

    def guess(self, tokens: "array[int]", count: int) -> list[int]:
        """At most `count` tokens that may follow."""
        assert self.read == len(tokens)
        return [] if self.match is None else list(tokens[self.match : self.match + count])

    def _step(self, tokens: "array[int]", end: int) -> None:
        key = tuple(tokens[max(0, end - MATCH) : end])
        self.match = self.ends.get(key)
        self.ends[key] = end
