"""A process that dies with the one that started it, however that one ends. No torch here."""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def die_with_parent(parent: int) -> None:
    """Let the kernel kill this process when `parent`, which must have started it, dies.

    Linux watches the thread that started it: see PR_SET_PDEATHSIG in prctl(2).
    """
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    # The kernel does not see a parent that died before the call.
    if os.getppid() != parent:
        sys.exit(0)
