"""Fixtures of more than one part: a tiny random model, a worker that serves it, PostgreSQL."""

import asyncio
import getpass
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import hypothesis
import pytest

from inference.client import EngineClient
from tests.fuzzing import FUZZ
from tests.tiny_gguf import write_tiny_gguf

START_SECONDS = 120

# How long an example takes depends on the machine only.
hypothesis.settings.register_profile("draftsmith", deadline=None, max_examples=100 * FUZZ)
hypothesis.settings.load_profile("draftsmith")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs a card where there is none."""
    needing = [item for item in items if item.get_closest_marker("gpu")]
    if not needing:
        return
    # It takes seconds, and most of the suites need none of it.
    import torch  # noqa: PLC0415

    if not torch.cuda.is_available():
        for item in needing:
            item.add_marker(pytest.mark.skip(reason="needs a GPU that CUDA can use: none is here"))


@dataclass
class Worker:
    """A worker process of its own, as `python -m inference` starts it."""

    process: subprocess.Popen[bytes]
    directory: Path
    env: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return self.env["WORKER_BIND"].replace("tcp:", "http://")

    @property
    def output(self) -> str:
        return (self.directory / "output").read_text()

    @property
    def ranks(self) -> list[int]:
        """Process ids of the ranks that live now."""
        pid = self.process.pid
        return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def wait_ready(self) -> None:
        async def wait() -> None:
            async with EngineClient(self.url) as client:
                waiting = asyncio.create_task(client.wait_ready(START_SECONDS))
                while not waiting.done():
                    assert self.process.poll() is None, self.output
                    await asyncio.wait([waiting], timeout=0.2)
                await waiting

        asyncio.run(wait())

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise


StartWorker = Callable[..., Worker]


@pytest.fixture(scope="session")
def start_worker() -> Iterator[StartWorker]:
    """Return what starts a worker with the given environment; stop all of them at the end."""
    workers: list[Worker] = []

    def start(*, wait: bool = True, **settings: object) -> Worker:
        # A short path: a Unix socket's is at most 107 bytes.
        directory = Path(tempfile.mkdtemp(prefix="dsw-"))
        env = {"WORKER_BIND": f"unix:{directory}/w.sock", "OMP_NUM_THREADS": "1"}
        env |= {name.upper(): str(value) for name, value in settings.items()}
        with (directory / "output").open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "inference"],
                env=os.environ | env,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        workers.append(Worker(process, directory, env))
        if wait:
            workers[-1].wait_ready()
        return workers[-1]

    yield start
    for worker in workers:
        worker.stop()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """Run a server of our own on a Unix socket for the session; yield its URL."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    assert programs, "These tests need PostgreSQL's server: apt-get install postgresql"
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    # The server refuses to run as root.
    become = ["runuser", "-u", "postgres", "--"] if getpass.getuser() == "root" else []
    if become:
        shutil.chown(folder, "postgres")

    def run(*command: str) -> None:
        subprocess.run([*become, programs[-1] / command[0], *command[1:]], check=True, cwd=folder)

    data, log = f"{folder}/data", f"{folder}/log"
    run("initdb", "-D", data, "-U", "draftsmith", "--auth=trust", "--no-sync", "-E", "UTF8")
    run("pg_ctl", "-D", data, "-l", log, "-w", "-o", f"-k {folder} -c listen_addresses=", "start")
    yield f"postgresql+asyncpg://draftsmith@/postgres?host={folder}"
    run("pg_ctl", "-D", data, "-m", "immediate", "stop")
    shutil.rmtree(folder)


@pytest.fixture
def own_database(postgres: str) -> str:
    """Return the address of an empty database on PostgreSQL."""
    name = f"own{os.urandom(4).hex()}"
    folder = parse_qs(urlsplit(postgres).query)["host"][0]
    subprocess.run(["createdb", "-h", folder, "-U", "draftsmith", name], check=True)
    return postgres.replace("/postgres?", f"/{name}?")


@pytest.fixture(scope="session")
def tiny_worker(start_worker: StartWorker, tiny_gguf: Path) -> Worker:
    """Return a worker that serves the tiny model: fast, and writes nonsense."""
    return start_worker(model=tiny_gguf, dtype="fp32", kv_tokens=16384, max_waiting=32)


@pytest.fixture(scope="session")
def tiny_gguf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a llama-family model with random weights: 8 heads over 4 key/value heads."""
    path = tmp_path_factory.mktemp("model") / "tiny.gguf"
    write_tiny_gguf(path)
    return path


@pytest.fixture(scope="session")
def make_tiny_gguf() -> Callable[..., None]:
    return write_tiny_gguf
