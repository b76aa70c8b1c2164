"""One sample of a request: its tokens, and how far the model has computed them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

FinishReason = Literal["stop", "length"]


@dataclass(frozen=True, slots=True)
class SamplingParams:
    """How one sample is drawn. `index` tells the n samples of a request apart."""

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    repetition_penalty: float = 1.0
    max_tokens: int = 1
    seed: int = 0
    index: int = 0

    def __post_init__(self) -> None:
        assert self.temperature >= 0
        assert self.top_k >= 0
        assert 0 < self.top_p <= 1
        assert self.repetition_penalty > 0
        assert self.max_tokens > 0


@dataclass(slots=True)
class Sequence:
    """Tokens of the prompt and of the draft so far; `computed` of them are in the cache."""

    id: str
    token_ids: list[int]
    prompt_len: int
    params: SamplingParams
    computed: int = 0
    block_table: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        assert 0 < self.prompt_len <= len(self.token_ids)
        assert self.emitted < self.params.max_tokens

    @property
    def emitted(self) -> int:
        return len(self.token_ids) - self.prompt_len

    @property
    def uncomputed(self) -> int:
        return len(self.token_ids) - self.computed

    @property
    def max_len(self) -> int:
        return self.prompt_len + self.params.max_tokens

    def finish_reason(self, end_ids: frozenset[int]) -> FinishReason | None:
        """Why the sequence is over after its last token, if it is."""
        if self.emitted and self.token_ids[-1] in end_ids:
            return "stop"
        return "length" if self.emitted == self.params.max_tokens else None
