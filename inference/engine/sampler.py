"""From logits to tokens. A draw depends on (seed, sample, position) and on nothing else, so that a
draft is the same whatever else runs, and goes on as it would have after a restart.
"""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

import torch

from inference.engine.sequence import SamplingParams

# Logits divided by less could overflow.
GREEDY_BELOW = 1e-4
# Of so many candidates the likeliest are looked at first when top-k sets no limit.
FIRST = 1024


@dataclass(frozen=True, slots=True)
class SamplingMetadata:
    """A token to draw: the `position`-th of its draft, after `seen`, the tokens of the text."""

    params: SamplingParams
    position: int
    seen: "array[int]"

    @property
    def kind(self) -> tuple[str, int]:
        """Draws of one kind are made together."""
        if self.params.temperature < GREEDY_BELOW:
            return "greedy", 1
        if self.params.top_k:
            return "top_k", self.params.top_k
        return ("whole", 0) if self.params.top_p == 1.0 else ("top_p", 0)


def sample(logits: torch.Tensor, draws: Sequence[SamplingMetadata]) -> list[int]:
    """A token for each row. logits: [rows, vocab], fp32, which is overwritten.

    Repetition penalty (Keskar et al. 2019), then temperature, top-k, top-p (Holtzman et al. 2020).
    A temperature below 1e-4 takes the likeliest token. No row has any part in another's token.
    """
    assert len(logits) == len(draws)
    kinds: dict[tuple[str, int], list[int]] = {}
    for row, draw in enumerate(draws):
        if draw.params.repetition_penalty != 1.0:
            penalise(logits[row], draw.seen, draw.params.repetition_penalty)
        kinds.setdefault(draw.kind, []).append(row)
    tokens = [0] * len(draws)
    for (kind, count), rows in kinds.items():
        some = logits if len(rows) == len(draws) else logits[rows]
        for row, token in zip(
            rows, _draw(kind, count, some, [draws[r] for r in rows]), strict=True
        ):
            tokens[row] = token
    return tokens


def uniform(params: SamplingParams, position: int) -> float:
    """A number in [0, 1) that belongs to this seed, sample and position."""
    key = f"{params.seed}/{params.index}/{position}".encode()
    return (int.from_bytes(blake2b(key, digest_size=8).digest(), "big") >> 11) * 2.0**-53


def logprobs(logits: torch.Tensor, tokens: list[int], count: int) -> list[list[tuple[int, float]]]:
    """For each row its token and then the `count` likeliest, with their log-probabilities under the
    model, before any penalty or temperature. logits: [rows, vocab].
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
    """Holds down what the text has already. logits: [vocab], changed in place."""
    ids = torch.frombuffer(seen, dtype=torch.int64).to(logits.device)
    values = logits[ids]
    # A token that was seen twice is written twice, the same both times.
    logits[ids] = torch.where(values > 0, values / penalty, values * penalty)


def _draw(kind: str, count: int, logits: torch.Tensor, draws: list[SamplingMetadata]) -> list[int]:
    if kind == "greedy":
        best, ids = logits.max(dim=-1)
        assert bool(best.isfinite().all())
        return ids.tolist()
    if kind == "whole":
        return _invert(_weights(logits, draws), draws).tolist()
    if kind == "top_k":
        return _from_top(logits, min(count, logits.shape[-1]), draws)
    return [_from_nucleus(logits[i : i + 1], draws[i : i + 1]) for i in range(len(draws))]


def _from_top(logits: torch.Tensor, count: int, draws: list[SamplingMetadata]) -> list[int]:
    top, ids = logits.topk(count, dim=-1)
    chosen = _invert(_weights(top, draws), draws)
    return ids.gather(-1, chosen[:, None])[:, 0].tolist()


def _from_nucleus(logits: torch.Tensor, draws: list[SamplingMetadata]) -> int:
    """One row, with top-p alone. Sorting the whole vocabulary is avoided where few tokens have the
    mass.
    """
    count = min(FIRST, logits.shape[-1])
    weights = _weights(logits, draws)
    top, ids = weights.topk(count, dim=-1)
    if float(top.sum() / weights.sum()) < draws[0].params.top_p:
        top, ids = weights.sort(dim=-1, descending=True)
    total = weights.sum(dim=-1, keepdim=True)
    return int(ids[0, _invert(top / total, draws)[0]])


def _weights(logits: torch.Tensor, draws: list[SamplingMetadata]) -> torch.Tensor:
    """[rows, candidates], float64, of sum 1."""
    temperatures = torch.tensor([draw.params.temperature for draw in draws], dtype=torch.float64)
    weights = torch.softmax(logits.double() / temperatures.to(logits.device)[:, None], dim=-1)
    assert bool(weights[:, 0].isfinite().all()), "logits that are no numbers"
    return weights


def _invert(weights: torch.Tensor, draws: list[SamplingMetadata]) -> torch.Tensor:
    """The candidate of each row at which the row's own uniform number falls. With a top-p below 1
    candidates come likeliest first.
    """
    total = weights.cumsum(dim=-1)
    device = weights.device
    numbers = torch.tensor([uniform(d.params, d.position) for d in draws], dtype=torch.float64)
    top_p = torch.tensor([d.params.top_p for d in draws], dtype=torch.float64)[:, None].to(device)
    # The token that crosses top_p is kept, so that there is always one; never one of no weight.
    kept = ((total - weights < top_p) & (weights > 0)).long().sum(dim=-1, keepdim=True)
    kept = torch.where(top_p < 1, kept, weights.shape[-1])
    points = numbers.to(device)[:, None] * total.gather(-1, kept - 1)
    return torch.searchsorted(total, points, right=True).clamp(max=kept - 1)[:, 0]
