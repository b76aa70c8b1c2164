"""One sample of a request: its tokens, and how far the model has computed them."""

from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from inference.engine.kv_cache import ROOT
from inference.engine.prompt_lookup import PromptLookup

FinishReason = Literal["stop", "length"]


@dataclass(frozen=True, slots=True)
class SamplingParams:
    """How one sample is drawn. index: the number of the sample among the n of its request.

    logprobs: how many alternatives are given with each token (0: the token alone), or None for no
    log-probabilities; prompt_logprobs: the same for the tokens of the prompt. adapter: its name, or
    "".
    """

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    repetition_penalty: float = 1.0
    max_tokens: int = 1
    seed: int = 0
    index: int = 0
    logprobs: int | None = None
    prompt_logprobs: int | None = None
    adapter: str = ""

    def __post_init__(self) -> None:
        assert self.temperature >= 0
        assert self.top_k >= 0
        assert 0 < self.top_p <= 1
        assert self.repetition_penalty > 0
        assert self.max_tokens > 0 or (self.max_tokens == 0 and self.prompt_logprobs is not None)


def tokens_of(ids: Iterable[int]) -> "array[int]":
    """Return token ids in one piece of memory, which tensors can read."""
    return array("q", ids)


@dataclass(slots=True, eq=False)
class Sequence:
    """Tokens of the prompt and of the draft so far; `computed` of them are in the cache.

    scored: after how many tokens of the prompt the next one has been scored, if that is wanted.
    cached: how many tokens of the prompt were in the cache when it was first admitted. named: how
    many of its pages can be found by others, the last of them under `name`. proposed: guesses of
    the next tokens, to be computed in the planned step.
    """

    id: str
    token_ids: "array[int]"
    prompt_len: int
    params: SamplingParams
    computed: int = 0
    scored: int = 0
    cached: int | None = None
    block_table: list[int] = field(default_factory=list)
    named: int = 0
    name: int = ROOT
    proposed: list[int] = field(default_factory=list)
    lookup: PromptLookup = field(default_factory=PromptLookup)

    def __post_init__(self) -> None:
        assert 0 < self.prompt_len <= len(self.token_ids)
        assert self.emitted <= self.params.max_tokens

    @property
    def emitted(self) -> int:
        return len(self.token_ids) - self.prompt_len

    @property
    def uncomputed(self) -> int:
        return len(self.token_ids) - self.computed

    @property
    def max_len(self) -> int:
        return self.prompt_len + self.params.max_tokens

    @property
    def scores_prompt(self) -> bool:
        """Whether logits after tokens of the prompt are needed."""
        return self.params.prompt_logprobs is not None and self.scored < self.prompt_len

    def finish_reason(self, end_ids: frozenset[int]) -> FinishReason | None:
        """Return why the sequence ends after its last token, or None if it goes on."""
        if self.emitted and self.token_ids[-1] in end_ids:
            return "stop"
        return "length" if self.emitted == self.params.max_tokens else None
