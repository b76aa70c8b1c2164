"""From the logits of a step to the tokens of its sequences, with their log-probabilities.

A draw depends on (seed, sample, position) and on nothing else: a draft is the same whatever else
runs, and goes on after a restart as it would have without one.
"""

from array import array
from dataclasses import dataclass
from hashlib import blake2b

import torch

from inference.engine.messages import Logprobs, SampleOutput
from inference.engine.scheduler import Scheduler
from inference.engine.sequence import SamplingParams, Sequence, tokens_of
from inference.engine.step_plan import Chunk

# Logits divided by less could overflow.
GREEDY_BELOW = 1e-4
# Where top-k sets no limit, top-p looks at so many of the likeliest candidates first.
FIRST = 1024


@dataclass(frozen=True, slots=True)
class SamplingMetadata:
    """What one row of logits is sampled with: for the `position`-th token of a draft, after the
    tokens `seen` of the text.
    """

    params: SamplingParams
    position: int
    seen: "array[int]"

    @property
    def kind(self) -> tuple[str, int]:
        """How it is drawn, and by which top-k. Rows of one kind are drawn together."""
        if self.params.temperature < GREEDY_BELOW:
            return "greedy", 1
        if self.params.top_k:
            return "top_k", self.params.top_k
        return ("whole", 0) if self.params.top_p == 1.0 else ("top_p", 0)


def sample_step(scheduler: Scheduler, logits: torch.Tensor) -> list[SampleOutput]:
    """Complete the planned step: sample its tokens, commit them, and return what each sample gets.

    logits: [sampled rows of the plan, vocab], fp32.
    """
    planned = list(scheduler.planned)
    parts = torch.split(logits, [chunk.samples for _, chunk in planned])
    prompt_logprobs = [
        _prompt_logprobs(sequence, chunk, part) if sequence.scores_prompt else None
        for (sequence, chunk), part in zip(planned, parts, strict=True)
    ]
    metadata = [_metadata(sequence, chunk) for sequence, chunk in planned]
    is_first = [sequence.emitted == 0 for sequence, _ in planned]
    done = scheduler.commit(_sample_parts(parts, metadata))
    outputs = []
    for new, part, rows, scores, first in zip(
        done, parts, metadata, prompt_logprobs, is_first, strict=True
    ):
        sequence, tokens = new.sequence, new.tokens
        if not (tokens or new.finish or scores is not None):
            continue
        wanted, taken = sequence.params.logprobs, None
        if wanted is not None and tokens:
            taken = logprobs(part[part.shape[0] - len(rows) :][: len(tokens)], tokens, wanted)
        cached = sequence.cached if first else None
        outputs.append(SampleOutput(sequence.id, tokens, new.finish, cached, taken, scores))
    return outputs


def _prompt_logprobs(sequence: Sequence, chunk: Chunk, logits: torch.Tensor) -> Logprobs:
    """Return those of the tokens of the prompt that follow the sampled rows of the chunk."""
    first = chunk.start + len(chunk.tokens) - chunk.samples + 1
    following = sequence.token_ids[first : min(first + chunk.samples, sequence.prompt_len)]
    count = sequence.params.prompt_logprobs
    assert count is not None
    return logprobs(logits[: len(following)], list(following), count)


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


def sample(logits: torch.Tensor, metadata: list[SamplingMetadata]) -> list[int]:
    """Return a token for each row. logits: [rows, vocab], fp32, which is overwritten.

    Repetition penalty (Keskar et al. 2019), then temperature, top-k, top-p (Holtzman et al. 2020).
    A temperature below 1e-4 takes the likeliest token. No row changes the token of another.
    """
    assert len(logits) == len(metadata)
    kinds: dict[tuple[str, int], list[int]] = {}
    for row, one in enumerate(metadata):
        if one.params.repetition_penalty != 1.0:
            penalise(logits[row], one.seen, one.params.repetition_penalty)
        kinds.setdefault(one.kind, []).append(row)
    tokens = [0] * len(metadata)
    for (kind, top_k), rows in kinds.items():
        some = logits if len(rows) == len(metadata) else logits[rows]
        drawn = _draw(kind, top_k, some, [metadata[row] for row in rows])
        for row, token in zip(rows, drawn, strict=True):
            tokens[row] = token
    return tokens


def uniform(params: SamplingParams, position: int) -> float:
    """Return the number in [0, 1) that belongs to this seed, sample and position."""
    key = f"{params.seed}/{params.index}/{position}".encode()
    return (int.from_bytes(blake2b(key, digest_size=8).digest(), "big") >> 11) * 2.0**-53


def logprobs(logits: torch.Tensor, tokens: list[int], count: int) -> Logprobs:
    """Return for each row its token and then the `count` likeliest, with their log-probabilities
    under the model, before any penalty or temperature. logits: [rows, vocab].
    """
    logs = logits.log_softmax(dim=-1)
    chosen = logs.gather(-1, torch.tensor(tokens, device=logs.device)[:, None])
    top, ids = logs.topk(count, dim=-1)
    return [
        [(token, own[0]), *zip(others, values, strict=True)]
        for token, own, others, values in zip(
            tokens, chosen.tolist(), ids.tolist(), top.tolist(), strict=True
        )
    ]


def penalise(logits: torch.Tensor, seen: "array[int]", penalty: float) -> None:
    """Make tokens that the text has already less likely. logits: [vocab], changed in place."""
    ids = torch.frombuffer(seen, dtype=torch.int64).to(logits.device)
    values = logits[ids]
    # A token that was seen twice is written twice, the same both times.
    logits[ids] = torch.where(values > 0, values / penalty, values * penalty)


def _draw(
    kind: str, top_k: int, logits: torch.Tensor, metadata: list[SamplingMetadata]
) -> list[int]:
    if kind == "greedy":
        best, ids = logits.max(dim=-1)
        assert bool(best.isfinite().all())
        return ids.tolist()
    if kind == "whole":
        return _invert(_weights(logits, metadata), metadata).tolist()
    if kind == "top_k":
        top, ids = logits.topk(min(top_k, logits.shape[-1]), dim=-1)
        chosen = _invert(_weights(top, metadata), metadata)
        return ids.gather(-1, chosen[:, None])[:, 0].tolist()
    return [_from_nucleus(logits[i : i + 1], metadata[i : i + 1]) for i in range(len(metadata))]


def _from_nucleus(logits: torch.Tensor, metadata: list[SamplingMetadata]) -> int:
    """Draw for one row, by top-p alone. The whole vocabulary is sorted only if the FIRST likeliest
    tokens do not have the mass.
    """
    count = min(FIRST, logits.shape[-1])
    weights = _weights(logits, metadata)
    top, ids = weights.topk(count, dim=-1)
    if float(top.sum() / weights.sum()) < metadata[0].params.top_p:
        top, ids = weights.sort(dim=-1, descending=True)
    total = weights.sum(dim=-1, keepdim=True)
    return int(ids[0, _invert(top / total, metadata)[0]])


def _weights(logits: torch.Tensor, metadata: list[SamplingMetadata]) -> torch.Tensor:
    """Return [rows, candidates], float64, of sum 1."""
    temperatures = torch.tensor([row.params.temperature for row in metadata], dtype=torch.float64)
    weights = torch.softmax(logits.double() / temperatures.to(logits.device)[:, None], dim=-1)
    assert bool(weights[:, 0].isfinite().all()), "logits that are no numbers"
    return weights


def _invert(weights: torch.Tensor, metadata: list[SamplingMetadata]) -> torch.Tensor:
    """Return the candidate of each row at which the row's own uniform number falls. With a top-p
    below 1 candidates come likeliest first.
    """
    total = weights.cumsum(dim=-1)
    device = weights.device
    numbers = torch.tensor([uniform(m.params, m.position) for m in metadata], dtype=torch.float64)
    top_p = torch.tensor([m.params.top_p for m in metadata], dtype=torch.float64)[:, None]
    top_p = top_p.to(device)
    # The token that crosses top_p is kept, so that there is always one; never one of no weight.
    kept = ((total - weights < top_p) & (weights > 0)).long().sum(dim=-1, keepdim=True)
    kept = torch.where(top_p < 1, kept, weights.shape[-1])
    points = numbers.to(device)[:, None] * total.gather(-1, kept - 1)
    return torch.searchsorted(total, points, right=True).clamp(max=kept - 1)[:, 0]
