"""From the logits of a step to what is said of each sample: draws its tokens, scores its prompt."""

import torch

from inference.engine.messages import Logprobs, SampleOutput
from inference.engine.sampler import SamplingMetadata, logprobs, sample
from inference.engine.scheduler import Chunk, NewTokens, Scheduler
from inference.engine.sequence import Sequence, tokens_of


def draw(scheduler: Scheduler, logits: torch.Tensor) -> list[SampleOutput]:
    """Completes the planned step. logits: [sampled rows of the plan, vocab], fp32."""
    planned = list(scheduler.planned)
    parts = torch.split(logits, [chunk.samples for _, chunk in planned])
    scores = [
        _scores(sequence, chunk, part) if sequence.scores_prompt else None
        for (sequence, chunk), part in zip(planned, parts, strict=True)
    ]
    draws = [_draws(sequence, chunk) for sequence, chunk in planned]
    begins = [sequence.emitted == 0 for sequence, _ in planned]
    done = scheduler.commit(_sample(parts, draws))
    emitted = []
    for sampled, part, some, score, first in zip(done, parts, draws, scores, begins, strict=True):
        if sampled.tokens or sampled.finish or score is not None:
            cached = sampled.sequence.cached if first else None
            told = _logprobs(sampled, part, len(some))
            id_, tokens, finish = sampled.sequence.id, sampled.tokens, sampled.finish
            emitted.append(SampleOutput(id_, tokens, finish, cached, told, score))
    return emitted


def _draws(sequence: Sequence, chunk: Chunk) -> list[SamplingMetadata]:
    """One for the end of the text, and one after each guess; none in the midst of a prompt."""
    ends = chunk.start + len(chunk.tokens) == len(sequence.token_ids) + len(sequence.proposed)
    if not ends or not sequence.params.max_tokens:
        return []
    return [
        SamplingMetadata(
            sequence.params,
            sequence.emitted + i,
            sequence.token_ids + tokens_of(sequence.proposed[:i]) if i else sequence.token_ids,
        )
        for i in range(len(sequence.proposed) + 1)
    ]


def _sample(
    parts: tuple[torch.Tensor, ...], draws: list[list[SamplingMetadata]]
) -> list[list[int]]:
    """Tokens for all draws of a step at once; the logits stay as they are."""
    flat = [draw for some in draws for draw in some]
    if not flat:
        return [[] for _ in draws]
    rows = [
        part[part.shape[0] - len(some) :] for part, some in zip(parts, draws, strict=True) if some
    ]
    tokens = iter(sample(torch.cat(rows), flat))
    return [[next(tokens) for _ in some] for some in draws]


def _scores(sequence: Sequence, chunk: Chunk, logits: torch.Tensor) -> Logprobs:
    """Log-probabilities of the prompt's tokens that follow the sampled rows of the chunk."""
    first = chunk.start + len(chunk.tokens) - chunk.samples + 1
    following = sequence.token_ids[first : min(first + chunk.samples, sequence.prompt_len)]
    count = sequence.params.prompt_logprobs
    assert count is not None
    return logprobs(logits[: len(following)], list(following), count)


def _logprobs(sampled: NewTokens, logits: torch.Tensor, drawn: int) -> Logprobs | None:
    """Those of the tokens that were taken, if they are wanted."""
    count, tokens = sampled.sequence.params.logprobs, sampled.tokens
    if count is None or not tokens:
        return None
    return logprobs(logits[logits.shape[0] - drawn :][: len(tokens)], tokens, count)
