"""How many threads compute a step: all that a rank has, or one while others need its cores.

The threads of a product wait for each other. If another process keeps one of their cores busy, they
wait for a time slice in every product of every layer: on two busy cores a step took 190 ms with two
threads and 10 ms with one; on idle cores it takes 7 ms.
"""

from collections.abc import Callable
from dataclasses import dataclass

CROWDED = 4.0
PATIENCE = 3
SHORTEST, LONGEST = 50, 800


@dataclass(slots=True)
class ThreadTuner:
    """Rank 0 has it and tells the others the number of threads with each plan.

    usual: the recent best of the time of a step over the time that its products take by `cost`.
    After PATIENCE slow steps one thread computes the next `pause` steps; then all are tried again.
    """

    most: int
    cost: Callable[[int], float]
    usual: float = float("inf")
    slow: int = 0
    alone: int = 0
    pause: int = SHORTEST

    def __post_init__(self) -> None:
        assert self.most > 0

    @property
    def threads(self) -> int:
        return 1 if self.alone else self.most

    def observe(self, rows: int, seconds: float) -> None:
        """Take in how long a step of `rows` rows took."""
        if self.alone or self.most == 1:
            self.alone = max(0, self.alone - 1)
            return
        ratio = seconds / self.cost(rows)
        # Forget the best slowly: a machine may have become slower for good.
        self.usual = min(self.usual * 1.005, ratio)
        if ratio < CROWDED * self.usual:
            self.slow, self.pause = 0, SHORTEST
            return
        self.slow += 1
        if self.slow >= PATIENCE:
            self.alone, self.pause = self.pause, min(2 * self.pause, LONGEST)
