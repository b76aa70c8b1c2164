"""A PostgreSQL server of our own, on a Unix socket in a folder of its own."""

import getpass
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

# The server refuses to run as root.
BECOME = ["runuser", "-u", "postgres", "--"] if getpass.getuser() == "root" else []


class PostgresServer:
    """One server; `start` it. Its data is new, or the copy of a `template`'s."""

    def __init__(self, template: "PostgresServer | None" = None) -> None:
        self._programs = postgres_programs()
        self.folder = Path(tempfile.mkdtemp(prefix="pg-"))
        if BECOME:
            shutil.chown(self.folder, "postgres")
        if template is None:
            who = ("-U", "draftsmith", "--auth=trust", "-E", "UTF8")
            self._run("initdb", "-D", str(self._data), "--no-sync", *who)
        else:
            # It keeps the owner, without whom the server does not start.
            subprocess.run(["cp", "-a", template._data, self._data], check=True)

    @property
    def socket(self) -> Path:
        return self.folder / ".s.PGSQL.5432"

    @property
    def url(self) -> str:
        return f"postgresql+asyncpg://draftsmith@/postgres?host={self.folder}"

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def start(self) -> None:
        options = f"-k {self.folder} -c listen_addresses="
        self._run(
            "pg_ctl",
            "-D",
            str(self._data),
            "-l",
            f"{self.folder}/log",
            "-w",
            "-o",
            options,
            "start",
        )

    def stop(self, mode: str = "immediate") -> None:
        """End it; `fast` disconnects everybody in good order, `immediate` leaves a recovery."""
        self._run("pg_ctl", "-D", str(self._data), "-m", mode, "stop")

    def kill(self) -> None:
        """Kill it with every process that it began, as the kernel does when memory is short."""
        main = int((self._data / "postmaster.pid").read_text().split()[0])
        children = Path(f"/proc/{main}/task/{main}/children").read_text().split()
        for pid in (main, *map(int, children)):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue

    def remove(self) -> None:
        shutil.rmtree(self.folder)

    def _run(self, program: str, *arguments: str) -> None:
        command = [*BECOME, str(self._programs / program), *arguments]
        subprocess.run(command, check=True, cwd=self.folder, stdout=subprocess.DEVNULL)


def postgres_programs() -> Path:
    """Return the folder of the newest server's programs."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    assert programs, "These tests need PostgreSQL's server: apt-get install postgresql"
    return programs[-1]
