"""`python -m tests.drill`: every fault at every stage of a draft, and a table of what came of it.

Ends with 1 if a cell failed.
"""

import argparse
import asyncio
import platform
import sys
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime

from tests.drill.cell import Cell, Outcome, Result, cells, run_all
from tests.drill.sample import sample
from tests.drill.stages import STAGES

# Cells that follow each other in one scene; a worker that dies often is started later and later.
RUN, WORKERS_RUN = 5, 2

Table = dict[str, dict[str, Outcome]]


def main() -> int:
    """Drill, print, and return the exit code."""
    arguments = _arguments()
    stage, _, fault = arguments.only.partition(":")
    whole = sample() if arguments.sample else cells()
    chosen = [c for c in whole if stage in c.stage.name and fault in c.fault.name]
    table = asyncio.run(drill(chosen, arguments.jobs))
    print(markdown(table))
    return int(any(o.result is Result.WRONG for row in table.values() for o in row.values()))


async def drill(chosen: Sequence[Cell], jobs: int) -> Table:
    """Run cells, `jobs` scenes at a time; tell of each on stderr as it ends."""
    table: Table = {cell.fault.name: {} for cell in chosen}
    waiting = deque(runs_of(chosen))

    async def work() -> None:
        while waiting:
            async for cell, outcome in run_all(waiting.popleft()):
                table[cell.fault.name][cell.stage.name] = outcome
                tell(cell, outcome)

    async with asyncio.TaskGroup() as group:
        for _ in range(jobs):
            group.create_task(work())
    return table


def runs_of(chosen: Sequence[Cell]) -> list[list[Cell]]:
    """Group cells that one scene serves; those of a setting that takes longest to set up first."""
    runs: list[list[Cell]] = []
    for setting in sorted({c.fault.setting for c in chosen}, key=lambda s: s.cost, reverse=True):
        same = [cell for cell in chosen if cell.fault.setting == setting]
        most = WORKERS_RUN if setting.own_worker else RUN
        runs += [same[i : i + most] for i in range(0, len(same), most)]
    return runs


def tell(cell: Cell, outcome: Outcome) -> None:
    print(f"{outcome.result:8}{outcome.seconds:6.1f} s  {cell.name}", file=sys.stderr, flush=True)
    if outcome.report:
        print(outcome.report, file=sys.stderr, flush=True)


def markdown(table: Table) -> str:
    """Return the table: a row for each fault, a column for each stage, seconds in the cells."""
    names = [s.name for s in STAGES if any(s.name in row for row in table.values())]
    lines = ["| fault | " + " | ".join(names) + " |", "| --- |" + " ---: |" * len(names)]
    for fault, row in table.items():
        lines.append(f"| {fault} | " + " | ".join(shown(row.get(name)) for name in names) + " |")
    outcomes = [outcome for row in table.values() for outcome in row.values()]
    counts = ", ".join(f"{sum(o.result is r for o in outcomes)} {r}" for r in Result)
    made = f"{datetime.now(UTC):%Y-%m-%d}, Python {platform.python_version()}, {platform.machine()}"
    return "\n".join([*lines, "", f"{len(outcomes)} cells: {counts}. {made}."])


def shown(outcome: Outcome | None) -> str:
    """Return the seconds; a dash where there was nothing to break; a word where it failed."""
    if outcome is None or outcome.result is Result.IDLE:
        return "–"
    return f"{outcome.seconds:.1f}" if outcome.result is Result.RIGHT else f"**{outcome.result}**"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.drill", description=__doc__)
    parser.add_argument(
        "--only", default="", metavar="STAGE:FAULT", help="parts of the names; either may be empty"
    )
    parser.add_argument("--sample", action="store_true", help="what every run of the tests drills")
    parser.add_argument("--jobs", type=int, default=2, help="cells at a time")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
