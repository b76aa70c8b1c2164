"""Opens the address of the worker: a Unix socket for this user alone, or a TCP port."""

import os
import socket
import stat
from pathlib import Path

from aiohttp import web

from inference.errors import OperatorError


async def listen(runner: web.AppRunner, bind: str) -> None:
    """Serve at "unix:/path" or "tcp:host:port". Raises OperatorError if that is not possible."""
    kind, _, place = bind.partition(":")
    host, _, port = place.rpartition(":")
    try:
        site = (
            web.SockSite(runner, _unix_socket(Path(place)))
            if kind == "unix"
            else web.TCPSite(runner, host.strip("[]"), int(port))
        )
        await site.start()
    except OSError as error:
        # If the address is in use, asyncio has a long text of its own; the number's text is plain.
        reason = os.strerror(error.errno) if error.errno else str(error)
        sentence = f"Cannot listen on {bind}: {reason}; set another WORKER_BIND."
        raise OperatorError(sentence) from error


def _unix_socket(path: Path) -> socket.socket:
    """Return a listening socket that only this user can reach. Raises OperatorError, OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    owner = path.parent.stat()
    if owner.st_uid != os.getuid() or stat.S_IMODE(owner.st_mode) & 0o077:
        raise OperatorError(
            f"{path.parent} can be entered by other users; run chmod 700 on it, "
            "or set WORKER_BIND to a socket in a directory of your own."
        )
    if path.is_socket():
        with socket.socket(socket.AF_UNIX) as probe:
            if probe.connect_ex(str(path)) == 0:
                raise OperatorError(
                    f"Another worker listens on {path}; stop it or set another WORKER_BIND."
                )
        path.unlink(missing_ok=True)
    elif path.exists():
        raise OperatorError(f"{path} is there and is no socket; set another WORKER_BIND.")
    listener = socket.socket(socket.AF_UNIX)
    old = os.umask(0o177)
    try:
        listener.bind(str(path))
    finally:
        os.umask(old)
    return listener
