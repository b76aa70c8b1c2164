"""From logits to a token."""

from typing import TypedDict, Unpack

import pytest
import torch

from inference.engine.sampler import SamplingMetadata, logprobs, sample, uniform
from inference.engine.sequence import SamplingParams, tokens_of


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
]


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
