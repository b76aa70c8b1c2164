"""The folder of the bot's files, which its user alone may enter."""

import contextlib
import stat
from pathlib import Path

import structlog

from bot.errors import OperatorError

log = structlog.get_logger(__name__)

OTHERS = stat.S_IRWXG | stat.S_IRWXO


def open_folder(folder: Path) -> None:
    """Make the folder, or close one to others that is there. Raises OperatorError, OSError.

    It is closed rather than refused, so that an upgrade starts without a hand: whoever reads it
    reads drafts, which nobody meant to give. Where it is another user's, only that user can.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    mode = folder.stat().st_mode
    if not mode & OTHERS:
        return
    with contextlib.suppress(PermissionError):
        folder.chmod(stat.S_IMODE(mode) & ~OTHERS)
    if folder.stat().st_mode & OTHERS:
        raise OperatorError(
            f"{folder} is open to other users, and not ours to close: set DATA_DIR to a folder "
            "below it, which is then made for this user alone."
        )
    log.warning("folder closed to other users", folder=str(folder))
