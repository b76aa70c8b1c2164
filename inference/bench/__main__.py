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
import sys
from dataclasses import asdict
from pathlib import Path

import structlog

from inference.bench.engines import hear, load_model, peer_process, serving, start_peers
from inference.bench.peers import BANDWIDTH, CANNOT_GO_ON
from inference.bench.perplexity import measure_perplexity
from inference.bench.report import machine, say, say_table
from inference.bench.results import Results
from inference.bench.workloads import QUICK, WORKLOADS, Bench, WorkloadSizes
from inference.errors import OperatorError


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


if __name__ == "__main__":
    sys.exit(main())
