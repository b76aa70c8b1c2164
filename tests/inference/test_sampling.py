"""From logits to a token."""

from __future__ import annotations

import pytest
import torch

from inference.sampling import sample, uniform
from inference.sequence import SamplingParams, Sequence

LOGITS = torch.tensor([2.0, 1.0, 0.0, -1.0, 1.5])


def draws(count: int, **params: float) -> list[int]:
    return [
        sample(LOGITS, Sequence("s", [3], 1, SamplingParams(seed=seed, **params)))
        for seed in range(count)
    ]


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
    huge = Sequence("s", [3], 1, SamplingParams(temperature=temperature))
    assert sample(LOGITS * 1e30, huge) == 0


def test_logits_that_are_no_numbers_are_never_drawn_from() -> None:
    for bad in (float("nan"), float("inf")):
        with pytest.raises(AssertionError):
            sample(LOGITS + bad, Sequence("s", [3], 1, SamplingParams()))


def test_repetition_penalty_holds_down_what_is_in_the_text_already() -> None:
    # Token 0 falls from 2 to 2 / penalty, against the 1 of token 1, which is not in the text.
    for penalty, token in [(1.5, 0), (2.5, 1)]:
        params = SamplingParams(temperature=0, max_tokens=9, repetition_penalty=penalty)
        assert sample(LOGITS, Sequence("s", [0, 4], 1, params)) == token
    assert LOGITS.tolist() == [2.0, 1.0, 0.0, -1.0, 1.5]


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
