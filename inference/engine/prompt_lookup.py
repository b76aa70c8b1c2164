"""Prompt lookup: a guess at the next tokens, from what followed the same tokens before.

A refinement repeats much of its draft. Saxena 2023, https://github.com/apoorvumang/prompt-lookup-decoding
"""

from array import array
from collections.abc import Callable
from dataclasses import dataclass, field

# A guess needs a match of this many tokens.
MATCH = 3
# How fast the rate changes: about the last 1 / MEMORY guesses count.
MEMORY = 0.2
GUESSES = (1, 3, 7)
# Below this rate no number of guesses has paid on any machine; the check saves the sums.
LEAST_RATE = 0.1

StepCost = Callable[[int], float]
"""What a step takes for so many rows; only ratios matter."""


@dataclass(slots=True)
class PromptLookup:
    """The last place of each run of MATCH tokens in one sequence, and how good guesses are.

    rate: how often the guessed next token is right. Guesses are checked even if nothing is computed
    for them, so a sequence that begins to repeat itself is noticed at no cost.
    """

    ends: dict[tuple[int, ...], int] = field(default_factory=dict)
    read: int = 0
    match: int | None = None
    rate: float = 0.0

    def follow(self, tokens: "array[int]") -> None:
        """Read the tokens that are new since the last call."""
        for end in range(self.read, len(tokens)):
            if self.match is not None:
                hit = tokens[self.match] == tokens[end]
                self.rate += MEMORY * (hit - self.rate)
            key = tuple(tokens[max(0, end + 1 - MATCH) : end + 1])
            self.match = self.ends.get(key)
            self.ends[key] = end + 1
        self.read = len(tokens)

    def guess(self, tokens: "array[int]", count: int) -> list[int]:
        """Return at most `count` tokens that may follow."""
        assert self.read == len(tokens)
        return [] if self.match is None else list(tokens[self.match : self.match + count])


def worthwhile_guesses(rate: float, rows: int, cost: StepCost) -> int:
    """Return how many guesses to compute beside `rows` rows, if each is right at `rate` and a token
    is worth what it costs now.
    """
    token = cost(rows) / rows
    best, most = 0, 0.0
    for count in GUESSES:
        expected = sum(rate**i for i in range(1, count + 1))
        gain = expected * token - (cost(rows + count) - cost(rows))
        if gain > most:
            best, most = count, gain
    return best
