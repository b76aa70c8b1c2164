"""A static step draws the tokens that the plain runner draws, whatever comes and goes."""

from functools import cache

import pytest

from tests.inference.families import make
from tests.inference.ranks import RankResult, Results, run_ranks

# Rotation, learned positions, and windows, caps and norms of all kinds.
FAMILIES = ["llama2", "gpt2", "gemma2"]
PROMPTS = [[1, 50, 60, 70], [1, *range(20, 90)], [7], [5, 5, 5, 5, 5, 5], [9, 8, 7], [3, 1, 3, 1]]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """What the ranks write with and without a static step, by TP and number format."""
    directory = tmp_path_factory.mktemp("families")
    for family in FAMILIES:
        make(family, directory / family)

    @cache
    def results(tp: int, dtype: str) -> dict[str, RankResult]:
        paths, out = [directory / family for family in FAMILIES], tmp_path_factory.mktemp("ranks")
        return run_ranks(out, tp, paths, PROMPTS, decode_rows=8, dtype=dtype)

    return results


@pytest.mark.parametrize(("tp", "dtype"), [(1, "fp32"), (1, "bf16"), (2, "fp32")])
@pytest.mark.parametrize("family", FAMILIES)
def test_a_static_step_writes_what_the_plain_runner_writes(
    results: Results, family: str, tp: int, dtype: str
) -> None:
    found = results(tp, dtype)[family]
    assert found["static"] == found["plain"]
    assert found["ahead"] > len(PROMPTS) * 10
