"""How many threads a step is computed by."""

from inference.engine.thread_tuner import LONGEST, PATIENCE, SHORTEST, ThreadTuner

QUICK, SLOW = 0.002, 0.1


def pace(threads: int = 2) -> ThreadTuner:
    p = ThreadTuner(threads, cost=lambda rows: rows * 0.001)
    for _ in range(20):
        p.observe(1, QUICK)
    return p


def steps_alone(p: ThreadTuner) -> int:
    """Return how many steps one thread computes until all are tried again."""
    count = 0
    while p.threads == 1:
        p.observe(1, SLOW / 5)
        count += 1
    return count


def test_all_threads_compute_while_steps_take_what_they_usually_take() -> None:
    p = pace()
    for rows in (1, 8, 200):
        p.observe(rows, rows * QUICK)
        assert p.threads == 2


def test_one_slow_step_is_chance_and_some_in_a_row_are_not() -> None:
    p = pace()
    for _ in range(50):
        p.observe(1, SLOW)
        p.observe(1, QUICK)
    assert p.threads == 2
    for _ in range(PATIENCE):
        assert p.threads == 2
        p.observe(1, SLOW)
    assert p.threads == 1


def test_all_are_tried_again_and_ever_more_seldom_while_it_stays_crowded() -> None:
    p = pace()
    for _ in range(PATIENCE):
        p.observe(1, SLOW)
    pauses = []
    for _ in range(6):
        pauses.append(steps_alone(p))
        p.observe(1, SLOW)
    assert pauses == [SHORTEST, 2 * SHORTEST, 4 * SHORTEST, 8 * SHORTEST, LONGEST, LONGEST]
    steps_alone(p)
    p.observe(1, QUICK)
    assert (p.threads, p.slow, p.pause) == (2, 0, SHORTEST)


def test_a_rank_with_one_thread_stays_with_it() -> None:
    p = pace(1)
    for _ in range(20):
        p.observe(1, SLOW)
    assert p.threads == 1
    assert p.alone == 0
