"""From logits to a token."""

from typing import TypedDict, Unpack

import numpy as np
import pytest
import torch

from inference.engine.draws import DrawParams, draw_all, draw_top, penalise_
from inference.engine.sampler import (
    SamplingMetadata,
    draw_block,
    kind_of,
    logprobs,
    penalise,
    read_logprobs,
    sample,
    uniform,
)
from inference.engine.sequence import SamplingParams, tokens_of
from tests.inference.operators import HIDDEN_READS, Calls, Reads


class Drawn(TypedDict, total=False):
    """How a token is drawn."""

    temperature: float
    top_k: int
    top_p: float
    repetition_penalty: float


LOGITS = torch.tensor([2.0, 1.0, 0.0, -1.0, 1.5])


def draw(seed: int = 0, seen: tuple[int, ...] = (3,), **params: Unpack[Drawn]) -> SamplingMetadata:
    return SamplingMetadata(SamplingParams(seed=seed, **params), 0, tokens_of(seen))


def draws(count: int, **params: Unpack[Drawn]) -> list[int]:
    return sample(LOGITS.repeat(count, 1), [draw(seed, **params) for seed in range(count)])


def shares(tokens: list[int]) -> torch.Tensor:
    return torch.bincount(torch.tensor(tokens), minlength=5) / len(tokens)


def test_tokens_come_as_often_as_the_softmax_says() -> None:
    # 4,000 fixed seeds: a standard error of at most 0.008.
    assert torch.allclose(shares(draws(4000)), LOGITS.softmax(0), atol=0.03)
    warm = (LOGITS / 2).softmax(0)
    assert torch.allclose(shares(draws(4000, temperature=2.0)), warm, atol=0.03)


def test_top_k_and_top_p_leave_only_the_likeliest() -> None:
    assert set(draws(300, top_k=2)) == {0, 4}
    # softmax: .45 .16 .06 .02 .27; the token that crosses 0.5 is kept.
    assert set(draws(300, top_p=0.5)) == {0, 4}
    assert set(draws(300, top_p=0.01)) == {0}
    assert set(draws(300, temperature=0)) == {0}


@pytest.mark.parametrize("temperature", [0, 5e-324, 1e-308, 1e-30, 1e-5, 1e-4])
def test_a_temperature_next_to_nothing_takes_the_likeliest(temperature: float) -> None:
    assert set(draws(20, temperature=temperature)) == {0}
    assert sample(LOGITS[None] * 1e30, [draw(temperature=temperature)]) == [0]


def test_logits_that_are_no_numbers_are_never_drawn_from() -> None:
    for bad in (float("nan"), float("inf")):
        for params in (Drawn(), Drawn(top_k=3), Drawn(top_p=0.5), Drawn(temperature=0)):
            with pytest.raises(AssertionError):
                sample(LOGITS[None] + bad, [draw(**params)])


def test_repetition_penalty_holds_down_what_is_in_the_text_already() -> None:
    # Token 0 falls from 2 to 2 / penalty, against the 1 of token 1, which is not in the text.
    for penalty, token in [(1.5, 0), (2.5, 1)]:
        # Seen twice is held down once.
        wanted = draw(seen=(0, 4, 0), temperature=0, repetition_penalty=penalty)
        assert sample(LOGITS[None].clone(), [wanted]) == [token]


def test_a_draw_belongs_to_seed_sample_and_position() -> None:
    keys = [
        (SamplingParams(seed=seed, index=index), position)
        for seed in (0, 1, -1, 10**18)
        for index in (0, 1)
        for position in range(50)
    ]
    numbers = [uniform(params, position) for params, position in keys]
    assert len(set(numbers)) == len(keys)
    assert numbers == [uniform(params, position) for params, position in keys]
    assert all(0 <= number < 1 for number in numbers)


KINDS: list[Drawn] = [
    {},
    {"top_k": 2},
    {"top_k": 4, "top_p": 0.7},
    {"top_p": 0.8},
    {"temperature": 0},
    {"temperature": 1.7, "repetition_penalty": 1.3},
    {"top_k": 64, "temperature": 3.0, "repetition_penalty": 0.8},
    {"top_k": 65, "top_p": 0.99},
    {"top_k": 1000, "temperature": 2.0},
    {"top_k": 2000, "temperature": 2.5},
    {"top_p": 0.999, "temperature": 2.0},
    {"temperature": 0, "repetition_penalty": 1.9},
]


def logits_like(kind: str, rows: int, vocab: int) -> torch.Tensor:
    """Return logits of a model: in bf16 many are equal, and few values make whole rows of ties."""
    numbers = torch.randn(rows, vocab, generator=torch.Generator().manual_seed(vocab))
    if kind == "bf16":
        return (numbers * 4).bfloat16().float()
    # Both zeros, which are equal.
    return numbers.round().clamp(-1, 1) if kind == "ties" else numbers * 4


def plainly(logits: torch.Tensor, wanted: SamplingMetadata) -> int:
    """Draw for one row as the papers say, in float64 and in full order."""
    params, row = wanted.params, logits.numpy().copy()
    seen, penalty = np.unique(wanted.seen), np.float32(params.repetition_penalty)
    row[seen] = np.where(row[seen] > 0, row[seen] / penalty, row[seen] * penalty)
    order = np.lexsort([np.arange(len(row)), -row])
    if params.temperature == 0:
        return int(order[0])
    if not params.top_k and params.top_p == 1:
        order = np.arange(len(row))
    scores = row[order[: params.top_k or None]].astype(np.float64) / params.temperature
    shares = np.exp(scores - scores.max())
    shares /= shares.sum()
    if params.top_p < 1:
        shares = shares[: int((shares.cumsum() < params.top_p).sum()) + 1]
    point = uniform(params, wanted.position) * shares.sum()
    return int(order[(shares.cumsum() <= point).sum()])


@pytest.mark.parametrize("vocab", [3, 70, 3000, 5000])
@pytest.mark.parametrize("kind", ["fp32", "bf16", "ties"])
def test_tokens_are_those_that_a_plain_reference_draws(kind: str, vocab: int) -> None:
    logits = logits_like(kind, 120, vocab)
    wanted = [
        draw(seed, (seed % 3, 1, 0, 1), **KINDS[seed % len(KINDS)]) for seed in range(len(logits))
    ]
    expected = [plainly(row, one) for row, one in zip(logits, wanted, strict=True)]
    assert sample(logits.clone(), wanted) == expected
    # As an output layer leaves them that has more rows than the vocabulary.
    wide = torch.nn.functional.pad(logits, (0, 29), value=99.0)
    assert sample(wide[:, :vocab], wanted) == expected


def params_of(wanted: list[SamplingMetadata]) -> DrawParams:
    return DrawParams.of(draw_block(wanted))


@pytest.mark.parametrize("kind", ["fp32", "bf16", "ties"])
def test_a_static_step_draws_the_tokens_of_any_other_step(kind: str) -> None:
    logits = logits_like(kind, 120, 3000)
    wanted = [draw(seed, (seed, 7), **KINDS[seed % len(KINDS)]) for seed in range(120)]
    tokens = sample(logits.clone(), wanted)
    seen = torch.zeros(logits.shape, dtype=torch.bool)
    for row, one in enumerate(wanted):
        seen[row, list(one.seen)] = True
    penalise_(logits, seen, params_of(wanted).penalty)
    assert draw_all(logits, params_of(wanted)).tolist() == tokens
    static = [row for row, one in enumerate(wanted) if kind_of(one.params) in ("greedy", "top")]
    some = params_of([wanted[row] for row in static])
    assert draw_top(logits[static], some).tolist() == [tokens[row] for row in static]
    assert len(static) == 50


def test_a_bitmap_and_pairs_of_row_and_id_hold_down_the_same_tokens() -> None:
    logits = torch.randn(3, 50, generator=torch.Generator().manual_seed(1))
    wanted = [
        draw(seen=(1, 2, 1), repetition_penalty=1.3),
        draw(seen=(5,)),
        draw(seen=(4, 49), repetition_penalty=0.7),
    ]
    seen, other = torch.zeros(3, 50, dtype=torch.bool), logits.clone()
    for row, one in enumerate(wanted):
        seen[row, list(one.seen)] = True
    penalise_(logits, seen, params_of(wanted).penalty)
    before = other.clone()
    penalise(other, wanted, draw_block(wanted))
    assert torch.equal(logits, other)
    assert (before != other).nonzero().tolist() == [[0, 1], [0, 2], [2, 4], [2, 49]]


def cost(rows: int, kinds: list[Drawn]) -> tuple[int, int]:
    """Return how many operators and reads it takes to draw."""
    logits = logits_like("fp32", rows, 3000) * 4
    wanted = [draw(seed, (seed, 7), **kinds[seed % len(kinds)]) for seed in range(rows)]
    with Reads() as reads, Calls() as calls:
        sample(logits, wanted)
    assert not HIDDEN_READS & set(calls.counts)
    return calls.counts.total(), reads.count


@pytest.mark.parametrize(
    ("kinds", "operators"),
    [([KINDS[4]], 24), ([KINDS[1]], 85), ([KINDS[0]], 51), ([KINDS[3]], 90), (KINDS[:6], 250)],
    ids=["greedy", "top-k", "whole", "top-p", "mixed"],
)
def test_a_step_is_drawn_with_one_read_and_as_many_operators_for_any_number_of_rows(
    kinds: list[Drawn], operators: int
) -> None:
    assert cost(32, kinds) == cost(len(kinds), kinds) == (operators, 1)


def test_no_row_has_any_part_in_another_rows_token() -> None:
    random = torch.Generator().manual_seed(5)
    logits = torch.randn(60, 3000, generator=random) * 3
    wanted = [draw(seed, (seed, 7), **KINDS[seed % len(KINDS)]) for seed in range(60)]
    alone = [sample(row[None].clone(), [one])[0] for row, one in zip(logits, wanted, strict=True)]
    assert sample(logits.clone(), wanted) == alone
    assert len(set(alone)) > 30


def test_top_p_alone_is_the_same_with_few_candidates_and_with_many() -> None:
    # Flat: the likeliest 1,024 of 3,000 do not have half of the mass.
    logits = torch.arange(3000, dtype=torch.float32)[None] / 3000
    tokens = {sample(logits.clone(), [draw(seed, top_p=0.5)])[0] for seed in range(300)}
    order = logits[0].softmax(0).flip(0).cumsum(0)
    kept = int((order < 0.5).sum()) + 1
    assert min(tokens) >= 3000 - kept
    assert min(tokens) < 3000 - 1024


def test_logprobs_are_those_of_the_model_with_the_token_itself_first() -> None:
    (item,) = logprobs(LOGITS[None], [2], 2)
    logs = LOGITS.log_softmax(0).tolist()
    assert [token for token, _ in item] == [2, 0, 4]
    assert [value for _, value in item] == pytest.approx([logs[2], logs[0], logs[4]])


def test_logprobs_of_a_step_are_read_at_once() -> None:
    wanted = [
        (LOGITS[None], [2], 2),
        (LOGITS.repeat(2, 1), [0, 1], 0),
        (LOGITS[:0].view(0, 5), [], 1),
    ]
    with Reads() as reads, Calls() as calls:
        found = read_logprobs(wanted)
    assert found == [logprobs(*one) for one in wanted]
    assert [len(one) for one in found] == [1, 2, 0]
    assert reads.count == 1
    assert "_local_scalar_dense" not in calls.counts
