"""From logits to a token. The draw depends on (seed, sample, position) and on nothing else, so that
a draft is the same whatever else runs, and goes on as it would have after a restart."""

from __future__ import annotations

from hashlib import blake2b

import torch

from inference.sequence import SamplingParams, Sequence

# Logits divided by less could overflow.
GREEDY_BELOW = 1e-4


def sample(logits: torch.Tensor, sequence: Sequence) -> int:
    """The next token of `sequence`. logits: [vocab], fp32.

    Repetition penalty (Keskar et al. 2019), then temperature, top-k, top-p (Holtzman et al. 2020).
    A temperature below 1e-4 takes the likeliest token.
    """
    assert bool(logits.isfinite().all())
    params = sequence.params
    if params.repetition_penalty != 1.0:
        logits = _penalised(logits, sequence.token_ids, params.repetition_penalty)
    if params.temperature < GREEDY_BELOW:
        return int(logits.argmax())
    candidates = params.top_k or len(logits)
    top, token_ids = logits.topk(min(candidates, len(logits)))
    weights = torch.softmax(top.double() / params.temperature, dim=-1)
    total = weights.cumsum(dim=-1)
    # The token that crosses top_p is kept, so that there is always one; never one of no weight.
    kept = int(((total - weights < params.top_p) & (weights > 0)).sum())
    point = uniform(params, sequence.emitted) * total[kept - 1]
    chosen = torch.searchsorted(total[:kept], point, right=True).clamp(max=kept - 1)
    return int(token_ids[chosen])


def uniform(params: SamplingParams, position: int) -> float:
    """A number in [0, 1) that belongs to this seed, sample and position."""
    key = f"{params.seed}/{params.index}/{position}".encode()
    return (int.from_bytes(blake2b(key, digest_size=8).digest(), "big") >> 11) * 2.0**-53


def _penalised(logits: torch.Tensor, seen: list[int], penalty: float) -> torch.Tensor:
    ids = torch.tensor(sorted(set(seen)), device=logits.device)
    values = logits[ids]
    values = torch.where(values > 0, values / penalty, values * penalty)
    return logits.index_put((ids,), values)
