"""`python -m inference.bench`: measures this machine's CPU, and other engines beside the worker.

All engines get the same weights and the same prompt tokens, in turns, and only one computes at a
time. The others are transformers and llama.cpp, if installed, each in a process of its own.
`python -m inference.bench perplexity` says instead what each form of the weights costs in quality.
"""

import argparse
import asyncio
import contextlib
import json
import logging
import math
import os
import sys
from dataclasses import asdict, replace
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from statistics import mean

import structlog

from inference.bench.engines import (
    GREEDY,
    WorkerEngine,
    hear,
    load_model,
    peer_process,
    say,
    serving,
    start_peers,
)
from inference.bench.peers import BANDWIDTH, CANNOT_GO_ON, CORES
from inference.bench.results import Results
from inference.bench.workloads import QUICK, TEXT, WORKLOADS, Bench, WorkloadSizes
from inference.errors import OperatorError

FORMS = {
    "fp32": {"dtype": "fp32", "weights": "full"},
    "bf16": {"dtype": "bf16", "weights": "full"},
    "bf16, int8": {"dtype": "bf16", "weights": "int8"},
    "auto": {"dtype": "auto", "weights": "auto"},
}
PACKAGES = ("torch", "megatron-core", "transformers", "llama_cpp_python")


def main() -> int:
    """Return the exit code: 0 measured, 2 not measured (a sentence says why)."""
    parser = argparse.ArgumentParser(prog="python -m inference.bench", description=__doc__)
    parser.add_argument("what", nargs="?", choices=["speed", "perplexity"], default="speed")
    parser.add_argument("--only", choices=WORKLOADS, help="one workload alone")
    parser.add_argument("--peers", choices=["none", "all"], default="all", help="other engines")
    parser.add_argument("--rounds", type=int, default=3, help="how often each one has its turn")
    parser.add_argument("--quick", action="store_true", help="short texts, to see that it runs")
    parser.add_argument("--json", type=Path, help="where to write the results")
    args = parser.parse_args()
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    try:
        result = asyncio.run(
            measure_perplexity() if args.what == "perplexity" else measure_speed(args)
        )
    except OperatorError as error:
        say(str(error))
        return CANNOT_GO_ON
    if args.json:
        args.json.write_text(json.dumps(result, indent=1) + "\n")
    return 0


async def measure_speed(args: argparse.Namespace) -> dict[str, object]:
    """Print the results of the workloads, and return them. Raises OperatorError."""
    model = load_model()
    async with contextlib.AsyncExitStack() as stack:
        async with peer_process(BANDWIDTH) as process:
            [bandwidth] = await hear("measuring the bandwidth", process)
        peers = await start_peers(model, stack) if args.peers == "all" else []
        ours = await stack.enter_async_context(serving(model, "ours"))
        sizes, results = QUICK if args.quick else WorkloadSizes(), Results(bandwidth)
        bench = Bench(model, ours, peers, sizes, args.rounds, results)
        for name in [args.only] if args.only else WORKLOADS:
            say(f"measuring {name}")
            await WORKLOADS[name](bench)
    say_table(*results.table_of_rows())
    say_table(*results.table_of_goals())
    return {
        "machine": machine() | {"bandwidth": bandwidth},
        "model": model.checkpoint.name,
        "rounds": args.rounds,
        "rows": [asdict(row) for row in results.rows],
        "goals": [asdict(goal) | {"met": goal.met} for goal in results.goals],
    }


async def measure_perplexity() -> dict[str, object]:
    """Print the perplexity of each form, and return all. Raises OperatorError."""
    model = load_model()
    ids = model.tokenizer.encode(TEXT.read_text())
    found: dict[str, float] = {}
    for name, form in FORMS.items():
        say(f"scoring with {name}")
        async with serving(model, "ours", **form) as ours:
            assert ours.supervisor.ready
            found[f"{name} ({ours.supervisor.ready.numbers})"] = await _perplexity(ours, ids)
    first = next(iter(found.values()))
    rows = [[form, f"{value:.3f}", f"{value / first:.4f}"] for form, value in found.items()]
    say_table(["form", "perplexity", "to fp32"], rows)
    return {"machine": machine(), "model": model.checkpoint.name, "perplexity": found}


async def _perplexity(ours: WorkerEngine, ids: list[int]) -> float:
    params = replace(GREEDY, max_tokens=0, prompt_logprobs=0)
    found: list[float] = []
    async for emitted in ours.supervisor.generate(ids, params):
        found += [token[0][1] for token in emitted.prompt_logprobs or []]
    assert len(found) == len(ids) - 1
    return math.exp(-mean(found))


def say_table(head: list[str], lines: list[list[str]]) -> None:
    """Print a markdown table whose columns are as wide as they must be."""
    widths = [max(map(len, column)) for column in zip(head, *lines, strict=True)]
    for line in [head, ["-" * width for width in widths], *lines]:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        sys.stdout.write(f"| {' | '.join(cells)} |\n")
    sys.stdout.write("\n")


def machine() -> dict[str, object]:
    """Say where, when and with what was measured."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return {
        "cpu": names[0] if names else "unknown",
        "cores": CORES,
        "load": os.getloadavg()[0],
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {package: _version(package) for package in PACKAGES},
    }


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


if __name__ == "__main__":
    sys.exit(main())
