"""`python -m tests.drill`: every fault at every stage of a draft, and a table of what came of it.

Ends with 1 if a cell failed.
"""

import argparse
import asyncio
import platform
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from tests.drill.cell import Cell, Outcome, Result, cells
from tests.drill.sample import sample
from tests.drill.stages import STAGES

Table = dict[str, dict[str, Outcome]]


def main() -> int:
    """Drill, print, and return the exit code."""
    arguments = _arguments()
    chosen = (
        [cell for cell in cells() if arguments.only in cell.name] if arguments.only else cells()
    )
    chosen = sample() if arguments.sample else chosen
    table = asyncio.run(drill(chosen, arguments.jobs))
    print(markdown(table))
    return int(any(o.result is Result.WRONG for row in table.values() for o in row.values()))


async def drill(chosen: Sequence[Cell], jobs: int) -> Table:
    """Run cells, some at a time; tell each on stderr as it ends."""
    table: Table = {cell.fault.name: {} for cell in chosen}
    room = asyncio.Semaphore(jobs)

    async def run(cell: Cell) -> None:
        async with room:
            outcome = await cell.run()
        table[cell.fault.name][cell.stage.name] = outcome
        print(f"{outcome.result:8}{outcome.seconds:6.1f} s  {cell.name}", file=sys.stderr)
        if outcome.report:
            print(outcome.report, file=sys.stderr, flush=True)

    async with asyncio.TaskGroup() as group:
        for cell in chosen:
            group.create_task(run(cell))
    return table


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
    parser.add_argument("--only", metavar="STAGE:FAULT", help="cells whose names have this in them")
    parser.add_argument("--sample", action="store_true", help="what every run of the tests drills")
    parser.add_argument("--jobs", type=int, default=2, help="cells at a time")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
