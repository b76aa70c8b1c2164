"""`draftsmith backup` and `draftsmith restore`: all that must not be lost, as one file.

That is the database, the audit log, and the key of both that was made in DATA_DIR. The bot may run
while it is backed up, not while it is restored.
"""

import asyncio
import fcntl
import io
import json
import os
import shutil
import socket
import tarfile
import tempfile
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from bot.cli.database_copy import backend, dump, load
from bot.errors import OperatorError
from bot.settings import Settings

ABOUT, DATABASE = "backup.json", "database"
# What stands in DATA_DIR beside the database.
FILES = ("audit.jsonl", "audit.key")


async def backup(settings: Settings, folder: Path) -> int:
    """Write a backup into a folder and print its path; return 0. Raises OperatorError."""
    taken = datetime.now(UTC)
    try:
        await asyncio.to_thread(folder.mkdir, mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".draftsmith-") as scratch:
            # The database first: whatever is in it has its lines in the audit log then.
            await dump(settings.database, Path(scratch) / DATABASE)
            target = await asyncio.to_thread(_pack, settings, Path(scratch), taken)
    except OSError as error:
        raise OperatorError(f"{folder} cannot be written ({error.strerror}).") from None
    print(target)
    if settings.audit_key:
        print("The key is that of AUDIT_KEY and not in it: keep it, apart from the backup.")
    return 0


def _pack(settings: Settings, work: Path, taken: datetime) -> Path:
    """Put all into one file, beside `work`; it has its name only when it is whole."""
    # Several bots may write into one folder.
    archive = f"draftsmith-{socket.gethostname()}-{taken:%Y%m%dT%H%M%S.%fZ}.tar"
    about = {
        "version": version("draftsmith"),
        "database": backend(settings.database),
        "taken": taken.isoformat(timespec="seconds"),
    }
    with open(os.open(work / "tar", os.O_CREAT | os.O_WRONLY, 0o600), "wb") as file:
        with tarfile.open(fileobj=file, mode="w") as tar:
            _add(tar, ABOUT, json.dumps(about).encode())
            tar.add(work / DATABASE, DATABASE)
            for name in FILES:
                if (path := settings.data_dir / name).is_file():
                    _add(tar, name, _read_whole_lines(path))
        file.flush()
        os.fsync(file.fileno())
    return (work / "tar").rename(work.parent / archive)


def _read_whole_lines(path: Path) -> bytes:
    """Read a file that a bot may append to: it writes each line under this lock."""
    with path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        return file.read()


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(data), 0o600
    tar.addfile(member, io.BytesIO(data))


async def restore(settings: Settings, file: Path) -> int:
    """Put a backup back where nothing is yet; return 0. Raises OperatorError."""
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path in (settings.data_dir / name for name in FILES):
        if path.exists():
            raise OperatorError(
                f"{path} is there already: name an empty DATA_DIR, or move it away."
            )
    try:
        with tempfile.TemporaryDirectory(dir=settings.data_dir, prefix=".restore-") as scratch:
            about = await asyncio.to_thread(_unpack, file, Path(scratch))
            if about["database"] != backend(settings.database):
                raise OperatorError(
                    f"The backup is of {about['database']}: set DATABASE_URL to one of that kind."
                )
            await load(settings.database, Path(scratch) / DATABASE)
            for name in FILES:
                if (path := Path(scratch) / name).exists():
                    path.rename(settings.data_dir / name)
    except (tarfile.TarError, KeyError, ValueError):
        raise OperatorError(f"{file} is no backup that `draftsmith backup` made.") from None
    except OSError as error:
        raise OperatorError(f"{error.filename or file}: {error.strerror}.") from None
    print(f"{settings.database_shown} is as it was at {about['taken']}.")
    return 0


def _unpack(file: Path, work: Path) -> dict[str, str]:
    """Write what a backup holds into `work`, and return what it says of itself.

    Raises KeyError, ValueError, TarError if it is no backup of ours, OSError.
    """
    with tarfile.open(file) as tar:
        for name in (ABOUT, DATABASE, *FILES):
            member = tar.extractfile(name) if name in tar.getnames() else None
            if member is not None:
                with open(os.open(work / name, os.O_CREAT | os.O_WRONLY, 0o600), "wb") as out:
                    shutil.copyfileobj(member, out)
    if not (work / DATABASE).exists():
        raise KeyError(DATABASE)
    about = json.loads((work / ABOUT).read_bytes()) if (work / ABOUT).exists() else {}
    return {name: str(about[name]) for name in ("version", "database", "taken")}
