"""The cells that every run of the tests drills: each fault once, at a stage that differs."""

from itertools import count

from tests.drill.cell import Cell, cells
from tests.drill.faults import FAULTS
from tests.drill.stages import STAGES


def sample() -> list[Cell]:
    """Return one cell a fault."""
    table = {cell.name: cell for cell in cells()}
    turn = count()
    chosen = []
    for fault in FAULTS:
        stages = (STAGES[next(turn) % len(STAGES)].name for _ in STAGES)
        names = (f"{fault.found_at or stage}:{fault.name}" for stage in stages)
        chosen.append(next(table[name] for name in names if name in table))
    return chosen
