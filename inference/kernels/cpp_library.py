"""Compiles the kernels in C++ for this machine, once, and loads them.

The library computes with the threads of torch: it is linked to the OpenMP runtime that torch has
loaded. Two runtimes in one process would each have threads of their own, which wait for each other.
"""

import ctypes
import hashlib
import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import torch

from inference import rank_log
from inference.kernels.machine_cache import NoCache, cache_directory, machine

SOURCES = Path(__file__).parent
FLAGS = (
    *("-std=c++17", "-O3", "-march=native", "-fopenmp", "-fPIC"),
    *("-fno-math-errno", "-fno-trapping-math"),
)
COMPILERS = ("c++", "g++", "clang++")
PATIENCE_SECONDS = 120


class CannotCompile(Exception):
    """There is no library; says why in a sentence for the log."""


@cache
def load_library() -> ctypes.CDLL | None:
    """Return the kernels, compiled or from the cache; None, with a line in the log, if there is no
    way to have them here.
    """
    try:
        return _load(cache_directory(), openmp_runtime(), find_compiler())
    except (CannotCompile, NoCache, OSError) as error:
        rank_log.say("no kernels in C++, torch computes the layers", reason=str(error))
        return None


def _load(directory: Path, runtime: Path, compiler: str) -> ctypes.CDLL:
    version = _run([compiler, "--version"])
    path = directory / f"kernels-{_hash(version, str(runtime))}.so"
    if not path.exists():
        _compile(compiler, runtime, path)
    library = ctypes.CDLL(str(path))
    if len(_openmp_runtimes()) != 1:
        raise CannotCompile("The kernels have brought a second OpenMP runtime.")
    return library


def find_compiler() -> str:
    """Return the command of the C++ compiler. Raises CannotCompile."""
    asked = os.environ.get("CXX")
    for name in (asked,) if asked else COMPILERS:
        if path := shutil.which(name):
            return path
    raise CannotCompile(f"There is no C++ compiler: {asked or ', '.join(COMPILERS)}.")


def openmp_runtime() -> Path:
    """Return the file of the runtime that torch has loaded. Raises CannotCompile."""
    found = _openmp_runtimes()
    if len(found) != 1:
        raise CannotCompile(f"torch has loaded {len(found)} OpenMP runtimes, not one.")
    return found.pop()


def sources() -> list[str]:
    """Return the text of the kernels."""
    return [path.read_text() for path in sorted(SOURCES.glob("cpu_*.*"))]


def _openmp_runtimes() -> set[Path]:
    try:
        lines = Path("/proc/self/maps").read_text().splitlines()
    except OSError:
        return set()
    paths = {Path(line.split(maxsplit=5)[5]) for line in lines if "/" in line}
    return {path for path in paths if path.name.startswith(("libgomp", "libomp", "libiomp"))}


def _hash(*parts: str) -> str:
    whole = "\0".join([*parts, *sources(), *FLAGS, machine(), torch.__version__])
    return hashlib.sha256(whole.encode()).hexdigest()[:24]


def _compile(compiler: str, runtime: Path, path: Path) -> None:
    """Several ranks may do this at once: each writes a file of its own, and the last one stays."""
    with tempfile.TemporaryDirectory(dir=path.parent) as directory:
        thing, library = Path(directory, "kernels.o"), Path(directory, "kernels.so")
        _run([compiler, *FLAGS, "-c", str(SOURCES / "cpu_kernels.cpp"), "-o", str(thing)])
        # Without -fopenmp, which would bring the compiler's own runtime.
        _run([compiler, "-shared", str(thing), str(runtime), "-o", str(library)])
        library.replace(path)


def _run(command: list[str]) -> str:
    try:
        done = subprocess.run(  # noqa: S603
            command, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise CannotCompile(f"{command[0]} took more than {PATIENCE_SECONDS} s.") from None
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if "error" in line] or [""]
        raise CannotCompile(f"{command[0]} has failed: {lines[0]}")
    return done.stdout
