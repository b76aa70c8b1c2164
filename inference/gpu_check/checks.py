"""Runs checks one after the other, each with a limit of time; one that fails stops no other."""

import gc
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from types import FrameType

import torch

from inference.gpu_check.lab import Lab
from inference.gpu_check.report import Report, Row

# A check that hangs in the driver hears no signal: its process is replaced after so much more.
GRACE_SECONDS = 20.0


class TookTooLong(Exception):
    """A check had its time."""


@dataclass(frozen=True, slots=True)
class Check:
    """One question to the card. seconds: what it may take; run: gives its rows as it finds them."""

    name: str
    seconds: float
    run: Callable[[Lab], Iterator[Row]]


def run_checks(checks: list[Check], lab: Lab, report: Report, until: float) -> None:
    """Run those that have not begun, as far as there is time. until: by time.time()."""
    for check in checks:
        if check.name in report.rows:
            continue
        left = until - time.time()
        if left <= 0:
            report.add(check.name, {"failed": "no time was left"})
            continue
        report.begin(check.name)
        began = time.monotonic()
        try:
            with time_limit(min(check.seconds, left), partial(_hung, report, check.name)):
                for row in check.run(lab):
                    report.add(check.name, row)
        except Exception as error:
            report.add(check.name, {"failed": what_failed(error)})
            if is_fatal(error):
                start_again()
        print(f"{check.name}: {time.monotonic() - began:.1f} s", flush=True)
        gc.collect()
        if lab.on_gpu:
            torch.cuda.empty_cache()


@contextmanager
def time_limit(seconds: float, hung: Callable[[], None]) -> Iterator[None]:
    """Raise TookTooLong inside after `seconds`; call `hung` if nobody hears it."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise TookTooLong(f"{seconds:.0f} s were not enough")

    watchdog = threading.Timer(seconds + GRACE_SECONDS, hung)
    watchdog.daemon = True
    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    watchdog.start()
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        watchdog.cancel()


def what_failed(error: Exception) -> str:
    """Return class, message and the last line of our own that raised it."""
    ours = [f for f in traceback.extract_tb(error.__traceback__) if "inference" in f.filename]
    place = f" at {os.path.basename(ours[-1].filename)}:{ours[-1].lineno}" if ours else ""
    message = " ".join(str(error).split())[:200]
    return f"{type(error).__name__}{place}: {message}"


def is_fatal(error: Exception) -> bool:
    """Say whether CUDA answers every later call with this error as well."""
    fatal = any(words in str(error) for words in ("CUDA error", "Triton Error [CUDA]"))
    return fatal and not isinstance(error, torch.OutOfMemoryError)


def start_again() -> None:
    """Go on in a new process, with the checks that have not begun."""
    again = [argument for argument in sys.argv[1:] if argument != "--resume"]
    command = [sys.executable, "-m", "inference.gpu_check", *again, "--resume"]
    os.execv(sys.executable, command)  # noqa: S606


def _hung(report: Report, name: str) -> None:
    report.add(name, {"failed": "it hung, and its process was replaced"})
    start_again()
