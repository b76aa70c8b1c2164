"""From the logits of a step to the tokens of its sequences, with their log-probabilities.

A draw depends on (seed, sample, position) and on nothing else: a draft is the same whatever else
runs, and goes on after a restart as it would have without one.
"""

from array import array
from dataclasses import dataclass
from hashlib import blake2b
from typing import Literal

import numpy as np
import torch

from inference.engine.draws import (
    GREEDY_BELOW,
    MANY,
    TOP,
    UNDECIDED,
    DrawParams,
    draw_greedy,
    draw_nucleus,
    draw_top,
    draw_whole,
    penalise_pairs_,
)
from inference.engine.messages import Logprobs, SampleOutput
from inference.engine.scheduler import Scheduler
from inference.engine.sequence import SamplingParams, Sequence, tokens_of
from inference.engine.step_plan import Chunk

Kind = Literal["greedy", "top", "many", "nucleus", "whole", "sorted"]
"""How a row is drawn. A static step draws the first two kinds itself."""

LogprobsWanted = tuple[torch.Tensor, list[int], int]
"""Logits, [rows, vocab], the token of each row, and how many of the likeliest go with it."""


@dataclass(frozen=True, slots=True)
class SamplingMetadata:
    """What one row of logits is sampled with: for the `position`-th token of a draft, after the
    tokens `seen` of the text.
    """

    params: SamplingParams
    position: int
    seen: "array[int]"


def kind_of(params: SamplingParams) -> Kind:
    """Return how a row is drawn. Rows of one kind are drawn together."""
    if params.temperature < GREEDY_BELOW:
        return "greedy"
    if not params.top_k:
        return "whole" if params.top_p == 1.0 else "nucleus"
    if params.top_k <= TOP:
        return "top"
    return "many" if params.top_k <= MANY else "sorted"


def sample_step(scheduler: Scheduler, logits: torch.Tensor) -> list[SampleOutput]:
    """Complete the planned step: sample its tokens, commit them, and return what each sample gets.

    logits: [sampled rows of the plan, vocab], fp32.
    """
    planned = list(scheduler.planned)
    parts = torch.split(logits, [chunk.samples for _, chunk in planned])
    wanted: list[LogprobsWanted | None] = [
        _scores_wanted(sequence, chunk, part) if sequence.scores_prompt else None
        for (sequence, chunk), part in zip(planned, parts, strict=True)
    ]
    metadata = [_metadata(sequence, chunk) for sequence, chunk in planned]
    is_first = [sequence.emitted == 0 for sequence, _ in planned]
    done = scheduler.commit(_sample_parts(parts, metadata))
    for new, part, rows in zip(done, parts, metadata, strict=True):
        count, tokens = new.sequence.params.logprobs, new.tokens
        drawn_from = part[part.shape[0] - len(rows) :][: len(tokens)]
        wanted.append(None if count is None or not tokens else (drawn_from, tokens, count))
    found = iter(read_logprobs([one for one in wanted if one is not None]))
    read = [None if one is None else next(found) for one in wanted]
    outputs = []
    for new, scores, taken, first in zip(
        done, read[: len(done)], read[len(done) :], is_first, strict=True
    ):
        sequence, tokens = new.sequence, new.tokens
        if tokens or new.finish or scores is not None:
            cached = sequence.cached if first else None
            outputs.append(SampleOutput(sequence.id, tokens, new.finish, cached, taken, scores))
    return outputs


def _scores_wanted(sequence: Sequence, chunk: Chunk, logits: torch.Tensor) -> LogprobsWanted:
    """Return what it takes to score the tokens of the prompt that follow the sampled rows."""
    first = chunk.start + len(chunk.tokens) - chunk.samples + 1
    following = sequence.token_ids[first : min(first + chunk.samples, sequence.prompt_len)]
    count = sequence.params.prompt_logprobs
    assert count is not None
    return logits[: len(following)], list(following), count


def _metadata(sequence: Sequence, chunk: Chunk) -> list[SamplingMetadata]:
    """Return one for the end of the text and one after each guess; none before the end of a
    prompt.
    """
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


def _sample_parts(
    parts: tuple[torch.Tensor, ...], metadata: list[list[SamplingMetadata]]
) -> list[list[int]]:
    """Sample all rows of a step at once; the logits stay as they are."""
    flat = [row for rows in metadata for row in rows]
    if not flat:
        return [[] for _ in metadata]
    logits = [
        part[part.shape[0] - len(rows) :]
        for part, rows in zip(parts, metadata, strict=True)
        if rows
    ]
    tokens = iter(sample(torch.cat(logits), flat))
    return [[next(tokens) for _ in rows] for rows in metadata]


@torch.inference_mode()
def sample(logits: torch.Tensor, metadata: list[SamplingMetadata]) -> list[int]:
    """Return a token for each row. logits: [rows, vocab], fp32, which is overwritten.

    Repetition penalty, then temperature, top-k, top-p. A temperature below 1e-4 takes the likeliest
    token. No row changes the token of another. Reads from the device once, and once more if top-p
    alone leaves very many candidates.
    """
    assert len(logits) == len(metadata)
    kinds: dict[Kind, list[int]] = {}
    for row, one in enumerate(metadata):
        kinds.setdefault(kind_of(one.params), []).append(row)
    block = draw_block(metadata).to(logits.device, non_blocking=True)
    penalise(logits, metadata, block)
    tokens = _draw(logits, metadata, block, kinds)
    if wide := [row for row, token in tokens.items() if token == UNDECIDED]:
        tokens |= _draw(logits, metadata, block, {"sorted": wide})
    assert min(tokens.values()) >= 0, "logits that are no numbers"
    return [tokens[row] for row in range(len(metadata))]


def draw_block(metadata: list[SamplingMetadata]) -> torch.Tensor:
    """Return on the host what `DrawParams.of` takes apart: [5, rows] float64."""
    rows = [
        (p.temperature, p.top_k, p.top_p, p.repetition_penalty, uniform(p, one.position))
        for one in metadata
        for p in (one.params,)
    ]
    return torch.tensor(list(zip(*rows, strict=True)), dtype=torch.float64)


def penalise(logits: torch.Tensor, metadata: list[SamplingMetadata], block: torch.Tensor) -> None:
    """Make tokens that the texts have already less likely. logits: [rows, vocab], changed in place;
    block: see `draw_block`.
    """
    held = [row for row, one in enumerate(metadata) if one.params.repetition_penalty != 1.0]
    if not held:
        return
    seen = [metadata[row].seen for row in held]
    pairs = np.stack([np.repeat(held, [len(ids) for ids in seen]), np.concatenate(seen)])
    rows, ids = torch.from_numpy(pairs).to(logits.device, non_blocking=True)
    penalise_pairs_(logits, rows, ids, DrawParams.of(block).penalty)


def _draw(
    logits: torch.Tensor,
    metadata: list[SamplingMetadata],
    block: torch.Tensor,
    kinds: dict[Kind, list[int]],
) -> dict[int, int]:
    """Draw for the rows of each kind, and read all tokens at once. Returns them by row."""
    order = [row for rows in kinds.values() for row in rows]
    if order != list(range(len(logits))):
        index = torch.tensor(order).to(logits.device, non_blocking=True)
        logits, block = logits[index], block[:, index]
    drawn, first = [], 0
    for kind, rows in kinds.items():
        place = slice(first, first := first + len(rows))
        top_k = max(metadata[row].params.top_k for row in rows)
        drawn.append(_draw_kind(kind, logits[place], block[:, place], top_k))
    return dict(zip(order, torch.cat(drawn).tolist(), strict=True))


def _draw_kind(kind: Kind, logits: torch.Tensor, block: torch.Tensor, top_k: int) -> torch.Tensor:
    """Draw for rows of one kind. top_k: the greatest of them."""
    if kind == "greedy":
        return draw_greedy(logits)
    params = DrawParams.of(block)
    if kind == "whole":
        return draw_whole(logits, params)
    if kind == "nucleus":
        return draw_nucleus(logits, params)
    # Without top-k nothing less than all is sorted.
    return draw_top(logits, params, top_k or logits.shape[-1])


def uniform(params: SamplingParams, position: int) -> float:
    """Return the number in [0, 1) that belongs to this seed, sample and position."""
    key = f"{params.seed}/{params.index}/{position}".encode()
    return (int.from_bytes(blake2b(key, digest_size=8).digest(), "big") >> 11) * 2.0**-53


def logprobs(logits: torch.Tensor, tokens: list[int], count: int) -> Logprobs:
    """Return for each row its token and then the `count` likeliest, with their log-probabilities
    under the model, before any penalty or temperature. logits: [rows, vocab].
    """
    (found,) = read_logprobs([(logits, tokens, count)])
    return found


@torch.inference_mode()
def read_logprobs(wanted: list[LogprobsWanted]) -> list[Logprobs]:
    """Do the same for several, with one read for all."""
    if not wanted:
        return []
    numbers = iter(torch.cat([_log_numbers(*one).flatten() for one in wanted]).tolist())
    return [
        [
            [(token, next(numbers)), *[(int(next(numbers)), next(numbers)) for _ in range(count)]]
            for token in tokens
        ]
        for _, tokens, count in wanted
    ]


def _log_numbers(logits: torch.Tensor, tokens: list[int], count: int) -> torch.Tensor:
    """Return [rows, 1 + 2 * count] float64: the log-probability of the token, then the id and the
    log-probability of each of the likeliest.
    """
    logs = logits.log_softmax(dim=-1)
    ids = torch.tensor(tokens, dtype=torch.int64).to(logs.device, non_blocking=True)
    top = logs.topk(count, dim=-1)
    pairs = torch.stack([top.indices.double(), top.values.double()], dim=-1).flatten(1)
    return torch.cat([logs.gather(-1, ids[:, None]).double(), pairs], dim=-1)
