"""`python -m inference.gpu_check` measures this machine's GPU with the worker's own engine.

Eight minutes at most, the most important first. Weights are made at random on the card: neither a
model nor a network is needed, and of packages only torch, megatron-core, gguf and triton, and
transformers to compare with. Rows are printed as they come; --out gets them as JSON and Markdown.

`--device cpu --small` runs all of it on a CPU with a tiny model, to see that it runs.
"""

import argparse
import os
import sys
import time
from dataclasses import dataclass
from datetime import timedelta
from importlib import metadata
from pathlib import Path

import torch
import torch.distributed as dist

from inference.errors import ModelError
from inference.gpu_check.arrivals import arrivals
from inference.gpu_check.breakdown import breakdown
from inference.gpu_check.ceilings import ceilings
from inference.gpu_check.checks import Check, run_checks
from inference.gpu_check.cold_start import cold_start
from inference.gpu_check.decode import decode
from inference.gpu_check.draws import draws
from inference.gpu_check.few_bits import few_bits
from inference.gpu_check.graphs import graphs
from inference.gpu_check.kernel_errors import kernel_errors
from inference.gpu_check.lab import Lab
from inference.gpu_check.memory import memory
from inference.gpu_check.parity import parity
from inference.gpu_check.peers import peers
from inference.gpu_check.prefill import prefill
from inference.gpu_check.report import Report, Row
from inference.gpu_check.sameness import sameness
from inference.gpu_check.shapes import FULL, SMALL
from inference.model.device import Device, Limits
from inference.model.gpt_model import join_ranks

PACKAGES = ("torch", "triton", "megatron-core", "transformers", "numpy")
TIMEOUT = timedelta(minutes=10)
# In the order of what one would miss most, as far as the model need not be made anew.
CHECKS = [
    Check("ceilings", 20, ceilings),
    Check("kernels", 45, kernel_errors),
    Check("decode", 80, decode),
    Check("arrivals", 40, arrivals),
    Check("prefill", 45, prefill),
    Check("breakdown", 30, breakdown),
    Check("sameness", 60, sameness),
    Check("graphs", 30, graphs),
    Check("parity", 35, parity),
    Check("draws", 15, draws),
    Check("peers", 55, peers),
    Check("memory", 30, memory),
    Check("cold start", 90, cold_start),
    Check("few bits", 25, few_bits),
]


@dataclass(frozen=True)
class Asked:
    """What a user asks a device for."""

    device: str
    dtype: str = "auto"
    weights: str = "full"
    # What a card can do; `sameness` says what the strict mode costs.
    deterministic: bool | None = False
    kv_fraction: float | None = None
    max_running: int | None = None
    max_step_tokens: int | None = None


def main() -> int:
    """Return the exit code: 0 if all checks have ended well, 1 if not, 2 if there is no GPU."""
    parser = argparse.ArgumentParser(prog="python -m inference.gpu_check", description=__doc__)
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--small", action="store_true", help="a tiny model, to see that it runs")
    parser.add_argument("--only", action="append", choices=[check.name for check in CHECKS])
    parser.add_argument("--minutes", type=float, default=8.0, help="for all checks together")
    parser.add_argument("--out", type=Path, default=Path("gpu_check"), help="a directory")
    parser.add_argument("--resume", action="store_true", help="go on where a process has ended")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    try:
        device = Device.choose(Asked(args.device), 0, 1)
    except ModelError as error:
        print(f"gpu_check: {error.sentence}", file=sys.stderr)
        return error.exit_code
    limits = Limits.choose(Asked(args.device), device)
    report = Report(args.out, about(args.device))
    if args.resume:
        report.resume()
    join(device)
    lab = Lab(device, limits, SMALL if args.small else FULL, args.out)
    checks = [check for check in CHECKS if not args.only or check.name in args.only]
    run_checks(checks, lab, report, deadline(args.minutes))
    dist.destroy_process_group()
    failed = [check for check, rows in report.rows.items() if any("failed" in row for row in rows)]
    print(f"{len(report.rows)} checks in {args.out}; failed: {', '.join(failed) or 'none'}")
    return int(bool(failed))


def about(device: str) -> Row:
    """Return what was measured, and with what."""
    versions: Row = {name: metadata.version(name) for name in PACKAGES if _installed(name)}
    name = torch.cuda.get_device_name() if device == "cuda" else "CPU"
    python = ".".join(map(str, sys.version_info[:3]))
    return {"device": name, "on": time.strftime("%Y-%m-%d"), "Python": python} | versions


def join(device: Device) -> None:
    """Be the only rank."""
    dist.init_process_group(
        device.backend(1), store=torch._C._distributed_c10d.HashStore(), rank=0, world_size=1
    )
    join_ranks(1, TIMEOUT)


def deadline(minutes: float) -> float:
    """Return when all ends, by time.time(); a process that takes over inherits it."""
    until = os.environ.setdefault("GPU_CHECK_UNTIL", f"{time.time() + 60 * minutes}")
    return float(until)


def _installed(package: str) -> bool:
    try:
        metadata.version(package)
    except metadata.PackageNotFoundError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
