"""What the bench prints: markdown tables on stdout, what is going on on stderr."""

import os
import sys
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from inference.bench.peers import CORES

PACKAGES = ("torch", "megatron-core", "transformers", "llama_cpp_python")


def say(text: str) -> None:
    sys.stderr.write(f"bench: {text}\n")


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
