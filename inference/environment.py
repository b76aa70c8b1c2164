"""What the worker's processes get of the environment: never a secret that they do not need."""

import os
import re

from inference.settings import WorkerSettings

SYSTEM = re.compile(
    r"(PATH|HOME|USER|LOGNAME|LANG|TZ|TMPDIR|LD_LIBRARY_PATH|LD_PRELOAD|VIRTUAL_ENV|CXX)$"
    r"|(LC|XDG|OMP|GOMP|KMP|MKL|DNNL|ONEDNN|TORCH|PYTORCH|ATEN|GLOO|NCCL|CUDA|NVIDIA"
    r"|CUBLAS|TRITON|MALLOC)_|PYTHON"
)
SETTINGS = frozenset(name.upper() for name in WorkerSettings.model_fields)


def system_environment() -> dict[str, str]:
    """Return what any program needs, and what sets the libraries of the ranks."""
    return {name: value for name, value in os.environ.items() if SYSTEM.match(name)}


def worker_environment() -> dict[str, str]:
    """Return the environment of a supervisor: its settings as well, and where its traces go."""
    settings = {
        name: value
        for name, value in os.environ.items()
        if name.upper() in SETTINGS or name.startswith("OTEL_")
    }
    return system_environment() | settings
