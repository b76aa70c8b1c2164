"""Whether the device draws the tokens that a CPU draws from the same logits, and how fast."""

from array import array
from collections.abc import Iterator
from functools import partial

import torch

from inference.engine.sampler import SamplingMetadata, sample
from inference.engine.sequence import SamplingParams, tokens_of
from inference.gpu_check.lab import Lab
from inference.gpu_check.report import Row

ROWS = 64
KINDS = {
    "greedy": SamplingParams(temperature=0.0),
    "as writers": SamplingParams(temperature=0.5, top_k=50, top_p=0.9, repetition_penalty=1.1),
    "top-p alone": SamplingParams(top_p=0.95),
    "free": SamplingParams(),
    "top-k of 500": SamplingParams(top_k=500),
}


def draws(lab: Lab) -> Iterator[Row]:
    """Give for each kind of draw how many of the tokens are the same, and what a draw takes."""
    vocab, source = lab.sizes.shape.vocab, torch.Generator().manual_seed(6)
    logits = 3 * torch.randn(ROWS, vocab, generator=source)
    there, seen = logits.to(lab.device.name), tokens_of(range(0, vocab, 7))
    for kind, params in KINDS.items():
        rows = [_row_of(params, position, seen) for position in range(ROWS)]
        ours, wanted = sample(there.clone(), rows), sample(logits.clone(), rows)
        same = sum(a == b for a, b in zip(ours, wanted, strict=True))
        took = lab.seconds(partial(_draw_again, there, rows))
        yield {"kind": kind, "rows": ROWS, "same": same, "ok": same == ROWS, "us": took * 1e6}


def _draw_again(logits: torch.Tensor, rows: list[SamplingMetadata]) -> None:
    # They are overwritten.
    sample(logits.clone(), rows)


def _row_of(params: SamplingParams, position: int, seen: "array[int]") -> SamplingMetadata:
    return SamplingMetadata(params, position, seen[: 200 + position])
