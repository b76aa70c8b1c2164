"""How many threads a step is computed by: all that a rank has, or one while others need its cores.

The threads of a product wait for each other. When another process keeps one of their cores busy
they do so for a time slice, in every product of every layer: on two crowded cores a step took 190
ms by two threads and 10 by one, where it takes 7 ms when nobody else is there.
"""

from collections.abc import Callable
from dataclasses import dataclass

CROWDED = 4.0
PATIENCE = 3
SHORTEST, LONGEST = 50, 800


@dataclass(slots=True)
class ThreadTuner:
    """Rank 0 keeps it and tells the others with each plan.

    usual: what a step takes over what its products take by `cost`, at best of late. After PATIENCE
    slow steps one thread computes the next `pause`; then all are tried again.
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
        """A step of so many rows took so long."""
        if self.alone or self.most == 1:
            self.alone = max(0, self.alone - 1)
            return
        ratio = seconds / self.cost(rows)
        # What was usual is forgotten by and by: a machine may have become slower for good.
        self.usual = min(self.usual * 1.005, ratio)
        if ratio < CROWDED * self.usual:
            self.slow, self.pause = 0, SHORTEST
            return
        self.slow += 1
        if self.slow >= PATIENCE:
            self.alone, self.pause = self.pause, min(2 * self.pause, LONGEST)
