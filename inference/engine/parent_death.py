"""A process that ends with the one that started it, however that one ends. No torch here."""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def die_with_parent(parent: int) -> None:
    """Lets the kernel kill this process when `parent`, which must have started it, ends.

    Linux watches the thread that did: see PR_SET_PDEATHSIG in prctl(2).
    """
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    # A parent that died before the call was not seen.
    if os.getppid() != parent:
        sys.exit(0)
