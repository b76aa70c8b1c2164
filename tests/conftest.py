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

import gguf
import hypothesis
import numpy as np
import pytest
from numpy.typing import NDArray

from inference.client import EngineClient
from inference.tokenization.vocabulary import BYTE_OF

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}"
    "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
START_SECONDS = 120

# How long an example takes depends on the machine only.
hypothesis.settings.register_profile("draftsmith", deadline=None)
hypothesis.settings.load_profile("draftsmith")


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


def write_tiny_gguf(
    path: Path,
    *,
    ends: bool = True,
    heads: int = 8,
    kv_heads: int = 4,
    ffn: int = 128,
    kind: gguf.GGMLQuantizationType = gguf.GGMLQuantizationType.F32,
) -> None:
    """Write a model with random weights and a context of 4,096 tokens.

    `kind` says how the matrices of the layers are stored. Without `ends` no token ends a text.
    """
    hidden, dim, layers = 64, 8, 2
    end = ["<|endoftext|>", "<|im_end|>"] if ends else ["<|first|>", "<|last|>"]
    specials = [end[0], "<|im_start|>", end[1]]
    letters = "etaoinshrdlu"
    pairs = [(a, b) for a in letters for b in letters]
    tokens = [*specials, *BYTE_OF, *(a + b for a, b in pairs)]
    random = np.random.default_rng(7)

    def matrix(rows: int, columns: int, scale: float = 1.0) -> NDArray[np.float32]:
        values = random.standard_normal((rows, columns)) * scale / columns**0.5
        return np.asarray(values, np.float32)

    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(4096)
    writer.add_embedding_length(hidden)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(ffn)
    writer.add_head_count(heads)
    writer.add_head_count_kv(kv_heads)
    writer.add_key_length(dim)
    writer.add_value_length(dim)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(10000.0)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types([3] * len(specials) + [1] * (len(tokens) - len(specials)))
    writer.add_token_merges([f"{a} {b}" for a, b in pairs])
    writer.add_bos_token_id(1)
    if ends:
        writer.add_eos_token_id(2)
    writer.add_chat_template(CHATML)
    writer.add_tensor("token_embd.weight", matrix(len(tokens), hidden, 8.0))
    output = matrix(len(tokens), hidden, 3.0)
    # Bytes that are no characters of their own are rare, so that there is text to look at.
    output[[i for i, token in enumerate(tokens) if BYTE_OF.get(token, 0) >= 0x80]] = 0
    writer.add_tensor("output.weight", output)
    writer.add_tensor("output_norm.weight", np.ones(hidden, np.float32))
    for layer in range(layers):
        block = f"blk.{layer}."
        writer.add_tensor(block + "attn_norm.weight", np.ones(hidden, np.float32))
        writer.add_tensor(block + "ffn_norm.weight", np.ones(hidden, np.float32))
        matrices = {
            "attn_q": matrix(heads * dim, hidden, 2.0),
            "attn_k": matrix(kv_heads * dim, hidden, 2.0),
            "attn_v": matrix(kv_heads * dim, hidden),
            "attn_output": matrix(hidden, heads * dim),
            "ffn_gate": matrix(ffn, hidden),
            "ffn_up": matrix(ffn, hidden),
            "ffn_down": matrix(hidden, ffn),
        }
        for name, values in matrices.items():
            data = gguf.quants.quantize(values, kind)
            writer.add_tensor(f"{block}{name}.weight", data, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
