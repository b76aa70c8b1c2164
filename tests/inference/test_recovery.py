"""What happens when something dies, leaves, or cannot begin."""

import asyncio
import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
from pydantic import SecretStr

from inference.client import (
    ChatMessage,
    Delta,
    EngineClient,
    EngineRefused,
    EngineUnavailable,
    Sampling,
    Usage,
)
from tests.conftest import StartWorker, Worker

LONG = Sampling(
    temperature=1.0, top_k=0, top_p=1.0, repetition_penalty=1.0, max_tokens=750, seed=11, n=2
)
CHAT = "/v1/chat/completions"
HELLO = [ChatMessage("user", "Hello")]
HANG_SECONDS = 5
NOTICED_SECONDS = 2
RAISE_ON_SIGNAL = """
import signal

def fail(*_):
    raise RuntimeError("an error of the test")

signal.signal(signal.SIGUSR1, fail)
"""
# As the bot does it.
START_AND_SLEEP = """
import os, subprocess, sys, time
env = os.environ | {"WORKER_PARENT": str(os.getpid())}
worker = subprocess.Popen([sys.executable, "-m", "inference"], env=env)
print(worker.pid, flush=True)
time.sleep(300)
"""


async def read(
    stream: AsyncIterator[Delta | Usage], texts: dict[int, str], until: int = 10**9
) -> None:
    async for item in stream:
        if isinstance(item, Delta):
            texts[item.index] = texts.get(item.index, "") + item.text
            if length(texts) >= until:
                return


def http(worker: Worker) -> aiohttp.ClientSession:
    connector = aiohttp.UnixConnector(worker.url.removeprefix("unix:"))
    return aiohttp.ClientSession("http://worker", connector=connector)


def length(texts: dict[int, str]) -> int:
    return sum(map(len, texts.values()))


async def new_ranks(worker: Worker, old: list[int]) -> list[int]:
    await until(lambda: len(worker.ranks) == len(old) and not set(worker.ranks) & set(old))
    return worker.ranks


@pytest.fixture(scope="module")
def endless_gguf(
    tmp_path_factory: pytest.TempPathFactory, make_tiny_gguf: Callable[..., None]
) -> Path:
    """The tiny model, which never ends a text of its own accord."""
    path = tmp_path_factory.mktemp("endless") / "endless.gguf"
    make_tiny_gguf(path, ends=False)
    return path


@pytest.fixture(scope="module")
def worker(
    start_worker: StartWorker, endless_gguf: Path, tmp_path_factory: pytest.TempPathFactory
) -> Worker:
    """A worker of this module alone: it is killed and crowded. Room for two long samples."""
    # In each of its processes: an error wherever its code stands when the signal comes.
    site = tmp_path_factory.mktemp("site")
    (site / "sitecustomize.py").write_text(RAISE_ON_SIGNAL)
    return start_worker(
        model=endless_gguf,
        tp=2,
        dtype="fp32",
        kv_tokens=1600,
        hang_seconds=HANG_SECONDS,
        slack_bot_token="xoxb-of-the-test",
        pythonpath=site,
    )


async def test_ranks_that_die_or_freeze_are_not_noticed_in_the_text(worker: Worker) -> None:
    sampling = replace(LONG, max_tokens=500)
    async with EngineClient(worker.url) as client:
        whole: dict[int, str] = {}
        await read(client.chat(HELLO, sampling), whole)
        interrupted: dict[int, str] = {}
        stream = client.chat(HELLO, sampling)
        await read(stream, interrupted, until=100)
        await seen_to_end(worker, 0, signal.SIGKILL, within=NOTICED_SECONDS)
        await read(stream, interrupted, until=length(interrupted) + 50)
        ranks = worker.ranks
        await seen_to_end(worker, 1, signal.SIGKILL, within=NOTICED_SECONDS)
        # The one after it dies too, before it has read the model.
        os.kill((await new_ranks(worker, ranks))[1], signal.SIGKILL)
        for rank in (1, 0):
            await read(stream, interrupted, until=length(interrupted) + 50)
            await seen_to_end(worker, rank, signal.SIGSTOP, within=HANG_SECONDS + NOTICED_SECONDS)
        await read(stream, interrupted)
    assert interrupted == whole
    assert len(whole[0]) > 400


async def seen_to_end(worker: Worker, rank: int, number: signal.Signals, within: float) -> None:
    """Send a signal to one rank, and check that all of them are gone soon."""
    ranks = worker.ranks
    os.kill(ranks[rank], number)
    async with asyncio.timeout(within):
        await all_gone(ranks)


async def test_an_error_in_a_step_of_any_rank_is_a_pause_and_not_an_end(worker: Worker) -> None:
    sampling = replace(LONG, max_tokens=400)
    async with EngineClient(worker.url) as client:
        whole: dict[int, str] = {}
        await read(client.chat(HELLO, sampling), whole)
        interrupted: dict[int, str] = {}
        stream = client.chat(HELLO, sampling, request="the-interrupted")
        for rank in (0, 1):
            await read(stream, interrupted, until=length(interrupted) + 50)
            await seen_to_end(worker, rank, signal.SIGUSR1, within=NOTICED_SECONDS)
        await read(stream, interrupted)
    assert interrupted == whole
    assert worker.output.count("an error of the test") >= 2
    assert worker.output.count("requests=['the-interrupted']") == 2


async def test_an_idle_rank_that_freezes_is_replaced_while_readiness_is_asked_for(
    worker: Worker,
) -> None:
    ranks = worker.ranks
    async with EngineClient(worker.url) as client:
        assert await client.ready()
        os.kill(ranks[1], signal.SIGSTOP)
        deadline = time.monotonic() + 60
        while not await client.ready() or worker.ranks == ranks:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.2)
        await all_gone(ranks)


def test_the_ranks_get_none_of_the_secrets(worker: Worker) -> None:
    for rank in worker.ranks:
        environment = Path(f"/proc/{rank}/environ").read_bytes()
        assert b"xoxb-" not in environment
        assert b"PATH=" in environment


async def test_a_client_that_leaves_frees_its_pages_at_once(worker: Worker) -> None:
    async with EngineClient(worker.url) as client:
        await client.wait_ready(60)
        stream = client.chat(HELLO, LONG)
        async with contextlib.aclosing(stream):
            await read(stream, {}, until=50)
            assert await gauge(worker, "requests_running") == 2
            assert await gauge(worker, "kv_pages_held") > 2
        deadline = time.monotonic() + NOTICED_SECONDS
        while await gauge(worker, "requests_running") or await gauge(worker, "kv_pages_held"):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.02)


async def gauge(worker: Worker, name: str) -> float:
    async with http(worker) as session:
        text = await (await session.get("/metrics")).text()
    (value,) = re.findall(rf"^draftsmith_{name} (.+)$", text, re.MULTILINE)
    return float(value)


async def test_requests_that_find_no_room_together_get_their_texts_all_the_same(
    worker: Worker,
) -> None:
    async with EngineClient(worker.url) as client:
        alone: dict[int, str] = {}
        await read(client.chat(HELLO, LONG), alone)
        together: list[dict[int, str]] = [{}, {}]
        # Three thousand tokens where 1,600 have room.
        await asyncio.gather(*(read(client.chat(HELLO, LONG), texts) for texts in together))
    assert together == [alone] * 2
    assert await gauge(worker, "preemptions_total") > 0


async def test_the_ranks_end_with_the_supervisor_however_it_dies(
    start_worker: StartWorker, tiny_gguf: Path
) -> None:
    worker = start_worker(wait=False, model=tiny_gguf, dtype="fp32")
    await asyncio.to_thread(worker.wait_ready)
    ranks = worker.ranks
    async with EngineClient(worker.url) as client:
        stream = client.chat(HELLO, LONG)
        worker.process.kill()
        with pytest.raises(EngineUnavailable):
            await read(stream, {})
        with pytest.raises(EngineUnavailable):
            await client.models()
        assert not await client.ready()
    await all_gone(ranks)


async def test_a_worker_ends_with_the_process_that_started_it_and_leaves_its_socket_usable(
    start_worker: StartWorker, tiny_gguf: Path, tmp_path: Path
) -> None:
    tmp_path.chmod(0o700)
    settings = {"MODEL": str(tiny_gguf), "DTYPE": "fp32", "OMP_NUM_THREADS": "1"}
    settings |= {"WORKER_BIND": f"unix:{tmp_path}/w.sock"}
    parent = subprocess.Popen(
        [sys.executable, "-c", START_AND_SLEEP],
        env=os.environ | settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    with parent:
        assert parent.stdout is not None
        supervisor = int(parent.stdout.readline())
        async with EngineClient(settings["WORKER_BIND"]) as client:
            await client.wait_ready(60)
        family = [supervisor, *children(supervisor)]
        assert len(family) == 2
        parent.kill()
    await all_gone(family)
    again = start_worker(wait=False, **{name.lower(): it for name, it in settings.items()})
    await asyncio.to_thread(again.wait_ready)
    assert again.stop() == 0


async def test_sigterm_lets_a_running_draft_end_and_refuses_new_ones(
    start_worker: StartWorker, endless_gguf: Path
) -> None:
    worker = start_worker(wait=False, model=endless_gguf, dtype="fp32")
    await asyncio.to_thread(worker.wait_ready)
    async with EngineClient(worker.url) as client:
        texts: dict[int, str] = {}
        stream = client.chat(HELLO, Sampling(max_tokens=1500, seed=1))
        await read(stream, texts, until=20)
        worker.process.send_signal(signal.SIGTERM)
        await asyncio.sleep(0.3)
        with pytest.raises(EngineUnavailable, match="stopping"):
            await read(client.chat(HELLO, Sampling()), {})
        async with http(worker) as session, session.get("/health/ready") as response:
            assert (response.status, (await response.json())["status"]) == (503, "draining")
        await read(stream, texts)
        assert len(texts[0]) > 500
    assert await asyncio.to_thread(worker.process.wait, 10) == 0


async def test_a_draft_that_cannot_go_on_ends_with_an_error_event(
    start_worker: StartWorker, endless_gguf: Path, tmp_path: Path
) -> None:
    model = tmp_path / "model.gguf"
    model.write_bytes(endless_gguf.read_bytes())
    worker = start_worker(wait=False, model=model, dtype="fp32")
    await asyncio.to_thread(worker.wait_ready)
    body = {"messages": [{"role": "user", "content": "Hello"}], "stream": True}
    async with http(worker) as session, session.post(CHAT, json=body) as response:
        await response.content.readuntil(b"\n\n")
        # The next ranks find another file in its place.
        (tmp_path / "other").write_text("no model")
        (tmp_path / "other").replace(model)
        os.kill(worker.ranks[0], signal.SIGKILL)
        events = (await response.read()).decode().strip().split("\n\n")
    error = json.loads(events[-1].removeprefix("data: "))["error"]
    assert error == {
        "message": "The worker has stopped.",
        "type": "server_error",
        "param": None,
        "code": "engine_failed",
    }
    assert await asyncio.to_thread(worker.process.wait, 20) == 2
    assert "model.gguf is not a GGUF file" in worker.output


async def test_the_client_says_what_was_refused(worker: Worker) -> None:
    async with EngineClient(worker.url) as client:
        with pytest.raises(EngineRefused, match=r"cut at least [\d,]+ tokens") as caught:
            await read(client.chat([ChatMessage("user", "x " * 5000)], Sampling()), {})
        assert caught.value.code == "context_length_exceeded"
        with pytest.raises(EngineRefused, match="'n' cannot be used"):
            await read(client.chat(HELLO, Sampling(n=99)), {})
    async with EngineClient(worker.url, model="other") as client:
        with pytest.raises(EngineRefused, match="ask for one of these"):
            await read(client.chat(HELLO, Sampling()), {})


@pytest.mark.parametrize("url", ["unix:/nowhere/w.sock", "http://127.0.0.1:9"])
async def test_a_worker_that_is_not_there_is_unavailable(url: str) -> None:
    async with EngineClient(url, token=SecretStr("t" * 16)) as client:
        assert not await client.ready()
        with pytest.raises(EngineUnavailable, match=r"does not answer\.$"):
            await read(client.chat(HELLO, Sampling()), {})
        with pytest.raises(EngineUnavailable, match="not ready within"):
            await client.wait_ready(0.2)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"model": "/nowhere/m.gguf"}, "The model /nowhere/m.gguf does not exist"),
        ({"model": "no-such-package"}, "The package 'no-such-package' is not installed"),
        ({"tp": 2}, "TP=2 does not divide this model (9 attention heads"),
        ({"worker_bind": "tcp:127.0.0.1:0"}, "needs a WORKER_TOKEN of at least 16 characters"),
        ({"worker_bind": "tcp:127.0.0.1:0", "worker_token": "short"}, "at least 16 characters"),
        ({"worker_bind": "udp:1"}, "WORKER_BIND: must be unix:/path/to/socket or tcp:host:port"),
        ({"dtype": "fp8"}, "DTYPE: Input should be 'auto', 'fp32' or 'bf16'"),
        ({"weights": "int8", "dtype": "fp32"}, "WEIGHTS=int8 needs DTYPE=bf16"),
        ({"kv_tokens": "many"}, "KV_TOKENS: Input should be a valid integer"),
    ],
)
def test_a_worker_that_cannot_start_says_why_and_exits_2(
    start_worker: StartWorker, settings: dict[str, object], sentence: str
) -> None:
    ends_with_a_sentence(start_worker(wait=False, **settings), sentence)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"kv_fraction": 0.000001}, "KV_FRACTION=1e-06 of the free memory holds"),
        ({"kv_tokens": 100_000_000}, "KV_TOKENS=100,000,000 takes 6,553.6 GB on each"),
    ],
)
def test_a_cache_that_is_too_small_or_too_large_is_refused_by_the_rank(
    start_worker: StartWorker,
    make_tiny_gguf: Callable[..., None],
    tmp_path: Path,
    settings: dict[str, object],
    sentence: str,
) -> None:
    make_tiny_gguf(tmp_path / "wide.gguf", heads=512, kv_heads=512)
    worker = start_worker(wait=False, model=tmp_path / "wide.gguf", dtype="fp32", **settings)
    ends_with_a_sentence(worker, sentence)


def ends_with_a_sentence(worker: Worker, sentence: str) -> None:
    assert worker.process.wait(60) == 2
    assert sentence in worker.output
    assert "Traceback" not in worker.output


@pytest.mark.parametrize("place", ["file", "file/w.sock", "x" * 120])
def test_a_place_that_is_no_socket_is_left_alone_and_named(
    start_worker: StartWorker, tiny_gguf: Path, tmp_path: Path, place: str
) -> None:
    tmp_path.chmod(0o700)
    (tmp_path / "file").write_text("of somebody")
    worker = start_worker(wait=False, model=tiny_gguf, worker_bind=f"unix:{tmp_path}/{place}")
    assert worker.process.wait(60) == 2
    assert re.search(r"^worker: .*set another WORKER_BIND\.$", worker.output, re.MULTILINE)
    assert "Traceback" not in worker.output
    assert (tmp_path / "file").read_text() == "of somebody"


def test_a_port_that_is_taken_is_named(start_worker: StartWorker, tiny_gguf: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        bind = f"tcp:127.0.0.1:{taken.getsockname()[1]}"
        worker = start_worker(wait=False, model=tiny_gguf, worker_bind=bind, worker_token="t" * 16)
        assert worker.process.wait(60) == 2
    assert f"Cannot listen on {bind}: Address already in use; set another" in worker.output
    assert "Traceback" not in worker.output


def test_a_socket_directory_that_others_can_enter_is_refused(
    start_worker: StartWorker, tiny_gguf: Path, tmp_path: Path
) -> None:
    tmp_path.chmod(0o755)
    worker = start_worker(wait=False, model=tiny_gguf, worker_bind=f"unix:{tmp_path}/w.sock")
    assert worker.process.wait(60) == 2
    assert "run chmod 700 on it" in worker.output


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


async def all_gone(pids: list[int]) -> None:
    await until(lambda: not any(_lives(pid) for pid in pids))


async def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
