"""The directory of what is found out once for this machine: compiled kernels, measured products."""

import os
import tempfile
from functools import cache
from pathlib import Path


class NoCache(Exception):
    """The directory cannot be used; says why."""


def cache_directory() -> Path:
    """Return the directory. Only its owner may write to it: code is loaded from there. Raises
    NoCache.
    """
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    path = Path(base) / "draftsmith"
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = path.stat()
    except (OSError, RuntimeError) as error:
        raise NoCache(f"{path} cannot be used: {error}.") from None
    if status.st_uid != os.geteuid() or status.st_mode & 0o077:
        raise NoCache(f"{path} is not this user's alone; its mode should be 0700.")
    return path


def write_whole(path: Path, text: str) -> None:
    """Write a file so that others see all of it or nothing. Raises OSError."""
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as file:
        file.write(text)
    Path(file.name).replace(path)


@cache
def machine() -> str:
    """Return what says how code runs on this CPU: its model and its flags."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return ""
    names = ("model name", "flags", "Features", "CPU part")
    return "\n".join(sorted({line for line in lines if line.startswith(names)}))
