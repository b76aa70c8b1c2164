"""The results of all workloads: a row for each engine, and what was to be reached."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from statistics import median

from inference.bench.engines import BenchEngine
from inference.bench.timing import TimedRun, percentile, rate_of


@dataclass(frozen=True, slots=True)
class BenchRow:
    """What an engine has done in a workload, in tokens, seconds and bytes.

    ratio: our speed divided by its speed; mbu: the share of the memory's bandwidth that it has used
    if every token was a step (guesses make that untrue).
    """

    workload: str
    engine: str
    rate: float
    ratio: float | None
    ttft_p50: float
    ttft_p99: float
    tpot_p50: float | None
    tpot_p99: float | None
    mbu: float | None
    weights: int
    memory: int


@dataclass(frozen=True, slots=True)
class Goal:
    """What should be reached, and what was measured."""

    workload: str
    what: str
    limit: float
    measured: float
    at_least: bool = True

    @property
    def met(self) -> bool:
        return self.measured >= self.limit if self.at_least else self.measured <= self.limit


@dataclass(slots=True)
class Results:
    """All rows and goals so far. bandwidth: of the memory, in bytes per second."""

    bandwidth: float
    rows: list[BenchRow] = field(default_factory=list)
    goals: list[Goal] = field(default_factory=list)

    def row(
        self,
        workload: str,
        engine: BenchEngine,
        runs: list[TimedRun],
        speed: Callable[[TimedRun], float] = rate_of,
    ) -> BenchRow:
        """Return all rounds of an engine as one row."""
        first = [stream.ttft for run in runs for stream in run]
        later = [stream.tpot for run in runs for stream in run if stream.tpot]
        shares = [
            engine.footprint.of_step(run) / run[0].tpot / self.bandwidth
            for run in runs
            if run[0].tpot
        ]
        return BenchRow(
            workload=workload,
            engine=engine.name,
            rate=median(map(speed, runs)),
            ratio=None,
            ttft_p50=median(first),
            ttft_p99=percentile(first, 0.99),
            tpot_p50=median(later) if later else None,
            tpot_p99=percentile(later, 0.99) if later else None,
            mbu=median(shares) if shares else None,
            weights=engine.footprint.weights,
            memory=engine.memory,
        )

    def compare(
        self,
        workload: str,
        engines: Sequence[BenchEngine],
        runs: dict[str, list[TimedRun]],
        goals: list[tuple[str, float]],
        *,
        speed: Callable[[TimedRun], float] = rate_of,
    ) -> None:
        """Add a row for each engine, the first of which is ours, and the goals.

        goals: beginnings of engines' names, and how many times faster than the best of them we
        should be.
        """
        ours = list(map(speed, runs[engines[0].name]))
        ratios = {
            name: median(a / speed(b) for a, b in zip(ours, theirs, strict=True))
            for name, theirs in runs.items()
        }
        for engine in engines:
            row = self.row(workload, engine, runs[engine.name], speed)
            self.rows.append(replace(row, ratio=ratios[engine.name]))
        for kind, limit in goals:
            if of_kind := {ratio: name for name, ratio in ratios.items() if name.startswith(kind)}:
                best = min(of_kind)
                self.goals.append(Goal(workload, f"x {of_kind[best]}", limit, best))

    def table_of_rows(self) -> tuple[list[str], list[list[str]]]:
        """Return the head and the lines of the table of rows."""
        times = ["TTFT ms p50", "p99", "TPOT ms p50", "p99"]
        head = ["workload", "engine", "tokens/s", "ours, x", *times]
        lines = [
            [
                row.workload,
                row.engine,
                f"{row.rate:.1f}",
                _cell(row.ratio, ".2f"),
                *(
                    _cell(seconds and seconds * 1000, ".1f")
                    for seconds in (row.ttft_p50, row.ttft_p99, row.tpot_p50, row.tpot_p99)
                ),
                _cell(row.mbu, ".0%"),
                f"{row.weights / 2**20:,.0f}",
                f"{row.memory / 2**20:,.0f}",
            ]
            for row in self.rows
        ]
        return [*head, "MBU", "weights MiB", "peak MiB"], lines

    def table_of_goals(self) -> tuple[list[str], list[list[str]]]:
        """Return the head and the lines of the table of goals."""
        lines = [
            [
                goal.workload,
                goal.what,
                f"{'>=' if goal.at_least else '<='} {goal.limit}",
                f"{goal.measured:.2f}",
                "yes" if goal.met else "no",
            ]
            for goal in self.goals
        ]
        return ["workload", "measure", "goal", "measured", "met"], lines


def _cell(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)
