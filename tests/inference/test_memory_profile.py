"""How much of a card the cache gets, in numbers: no card is needed for that."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.engine.kv_cache import PagePool
from inference.engine.memory_profile import MemoryProfile, fill_step
from inference.engine.scheduler import Scheduler
from inference.errors import ModelError
from inference.model.device import Limits

GB = 10**9
SERVER = Limits(kv_fraction=0.9, max_running=64, max_step_tokens=2048)
# 36 layers, 8 heads of 128 numbers in bf16, 16 tokens.
PAGE = 2 * 36 * 8 * 128 * 2 * 16


def test_pages_take_nine_tenths_of_what_the_largest_step_leaves() -> None:
    profile = MemoryProfile(140 * GB, others=1 * GB, peak=25 * GB, graphs=4 * GB)
    assert profile.left == 110 * GB
    assert profile.pages(SERVER, PAGE) == 99 * GB // PAGE


@given(
    st.integers(1, 200 * GB),
    *[st.integers(0, 120 * GB)] * 3,
    st.floats(0.01, 0.95),
    st.integers(1, 256),
    st.integers(1000, 10**8),
)
def test_all_that_is_held_at_the_worst_moment_fits_or_a_sentence_says_that_it_does_not(
    total: int, others: int, peak: int, graphs: int, fraction: float, running: int, page: int
) -> None:
    profile = MemoryProfile(total, others, peak, graphs)
    limits = Limits(fraction, running, 65_536)
    try:
        pages = profile.pages(limits, page)
    except ModelError:
        assert running > max(0, total - others - peak - graphs) * fraction / page - 1
        return
    assert pages >= running
    assert others + peak + graphs + pages * page <= total


def test_too_little_memory_is_told_in_one_sentence_with_the_numbers() -> None:
    profile = MemoryProfile(24 * GB, others=1 * GB, peak=22 * GB, graphs=2 * GB)
    with pytest.raises(ModelError) as error:
        profile.pages(SERVER, PAGE)
    assert error.value.sentence == (
        "Of 24.0 GB the model and its largest step take 22.0 GB, captured steps 2.0 GB and others "
        "1.0 GB: KV_FRACTION=0.9 of the rest holds 0 pages, fewer than MAX_RUNNING=64; lower "
        "MAX_STEP_TOKENS or MAX_RUNNING, raise TP, or take a model of fewer bits."
    )


@pytest.mark.parametrize("limits", [SERVER, Limits(0.1, 16, 256), Limits(0.1, 3, 16)])
@pytest.mark.parametrize("vocab", [40, 151_936])
def test_the_step_that_is_measured_is_full_and_wants_logits_after_every_row(
    limits: Limits, vocab: int
) -> None:
    sequences = fill_step(limits, 40_960, vocab)
    scheduler = Scheduler(
        PagePool(4096, 16), frozenset(), limits.max_running, limits.max_step_tokens
    )
    for sequence in sequences:
        scheduler.add(sequence)
    plan = scheduler.schedule()
    assert len(plan.chunks) == limits.max_running
    assert plan.rows == sum(chunk.samples for chunk in plan.chunks) == limits.max_step_tokens
    assert all(token < vocab for chunk in plan.chunks for token in chunk.tokens)


def test_no_sample_of_the_measured_step_is_longer_than_the_context() -> None:
    assert {s.max_len for s in fill_step(Limits(0.9, 1, 2048), 512, 1000)} == {512}
