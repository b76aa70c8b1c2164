"""Which tokens of a text are penalised on the device."""

import torch

from inference.engine.seen_tokens import SeenTokens
from inference.engine.sequence import SamplingParams, Sequence, tokens_of


def text(tokens: list[int], penalty: float = 1.2) -> Sequence:
    params = SamplingParams(max_tokens=9, repetition_penalty=penalty)
    return Sequence("", tokens_of(tokens), len(tokens), params)


def marked(seen: SeenTokens, rows: list[int]) -> list[list[int]]:
    bits = seen.at(torch.tensor(rows))
    return [row.nonzero()[:, 0].tolist() for row in bits]


def test_all_tokens_before_the_step_are_marked_and_the_step_adds_its_own() -> None:
    seen, one, other = SeenTokens(2, 10, torch.device("cpu")), text([3, 4, 5]), text([9, 5])
    rows = seen.rows_for([(one, 2), (other, 1)])
    assert marked(seen, rows) == [[3, 4], [9]]
    seen.add(torch.tensor(rows), torch.tensor([5, 5]))
    assert marked(seen, rows) == [[3, 4, 5], [5, 9]]


def test_tokens_that_were_drawn_elsewhere_are_marked_when_the_text_comes_back() -> None:
    seen, one = SeenTokens(2, 10, torch.device("cpu")), text([3])
    (row,) = seen.rows_for([(one, 0)])
    seen.add(torch.tensor([row]), torch.tensor([3]))
    one.token_ids.extend([6, 7, 8])
    assert marked(seen, seen.rows_for([(one, 3)])) == [[3, 6, 7]]


def test_a_text_that_takes_the_place_of_another_has_none_of_its_tokens() -> None:
    seen = SeenTokens(1, 10, torch.device("cpu"))
    first = seen.rows_for([(text([1, 2, 3]), 2)])
    second = seen.rows_for([(text([7, 8]), 1)])
    assert first == second
    assert marked(seen, second) == [[7]]


def test_texts_without_a_penalty_take_no_place() -> None:
    seen = SeenTokens(1, 10, torch.device("cpu"))
    free, other, one = text([1], penalty=1.0), text([2], penalty=1.0), text([4, 5])
    a, b, c = seen.rows_for([(free, 0), (other, 0), (one, 1)])
    assert a == b != c
    assert marked(seen, [c]) == [[4]]
