"""Whatever a file, a server or the other side of a socket holds is read, or refused by name."""

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from aiohttp import web
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bot.http_server import serve_http
from inference.checkpoint.open import open_model
from inference.checkpoint.safetensors_files import read_file
from inference.client import (
    ChatMessage,
    Delta,
    EngineClient,
    EngineRefused,
    EngineUnavailable,
    Sampling,
    Usage,
)
from inference.engine.step_plan import Chunk, StepPlan
from inference.errors import ModelError
from tests.fuzzing import FUZZ
from tests.tiny_gguf import write_tiny_gguf

HEADER = 12_000  # Of the tiny model, its tokens included.

quick = settings(
    max_examples=60 * FUZZ, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("whole") / "tiny.gguf"
    write_tiny_gguf(path)
    return path.read_bytes()


@quick
@given(
    changes=st.lists(st.tuples(st.integers(0, HEADER), st.integers(0, 255)), max_size=6),
    length=st.integers(0, HEADER) | st.none(),
    huge=st.lists(st.integers(0, HEADER // 8), max_size=2),
)
def test_a_damaged_gguf_file_is_read_or_refused_with_a_sentence(
    whole: bytes,
    tmp_path: Path,
    changes: list[tuple[int, int]],
    length: int | None,
    huge: list[int],
) -> None:
    data = bytearray(whole)
    for at, value in changes:
        data[at] = value
    for at in huge:
        data[at * 8 : at * 8 + 8] = b"\xff" * 8
    path = tmp_path / "damaged.gguf"
    path.write_bytes(data[:length])
    _opens_or_refuses(lambda: open_model(str(path)))


@quick
@given(header=json_values | st.dictionaries(st.text(max_size=8), json_values), length=st.integers())
@example({"a": {"dtype": "F32", "shape": [2**70], "data_offsets": [0, 2**72]}}, 0)
@example({"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, -4]}}, 0)
@example({"a": {"dtype": "F32", "shape": [2], "data_offsets": [10**9, 10**9 + 8]}}, 0)
def test_a_damaged_header_of_safetensors_is_read_or_refused_with_a_sentence(
    tmp_path: Path, header: object, length: int
) -> None:
    said = json.dumps(header).encode()
    size = (len(said) + length % 3 - 1) % 2**64
    path = tmp_path / "damaged.safetensors"
    path.write_bytes(size.to_bytes(8, "little") + said + b"\0" * 64)
    _opens_or_refuses(lambda: read_file(path))


def test_a_whole_header_of_safetensors_is_read(tmp_path: Path) -> None:
    safetensors.numpy.save_file({"a": np.ones(4, np.float32)}, tmp_path / "whole.safetensors")
    assert [*read_file(tmp_path / "whole.safetensors")] == ["a"]


def _opens_or_refuses(open_: Callable[[], object]) -> None:
    said = "."
    try:
        open_()
    except ModelError as error:
        said = str(error)
    assert said.endswith(".")


ids = st.integers(-(2**31), 2**31)
chunks = st.builds(
    lambda tokens, start, table, n, adapter: Chunk(
        tokens, start, table, n % (len(tokens) + 1), adapter
    ),
    st.lists(ids, min_size=1, max_size=8),
    st.integers(0, 2**31),
    st.lists(st.integers(0, 2**31), max_size=8),
    st.integers(0, 8),
    st.text(max_size=8),
)
plans = st.builds(
    StepPlan,
    st.lists(chunks, max_size=4),
    st.lists(st.tuples(ids, ids), max_size=4),
    st.integers(1, 64),
    st.booleans(),
)


@settings(max_examples=100 * FUZZ)
@given(plan=plans)
def test_a_plan_arrives_as_it_was_sent(plan: StepPlan) -> None:
    assert StepPlan.from_bytes(plan.to_bytes()) == plan


lines = st.one_of(
    st.binary(max_size=40),
    json_values.map(lambda value: b"data: " + json.dumps(value).encode()),
    st.builds(
        lambda index, delta, rest: (
            b"data: " + json.dumps({"choices": [{"index": index, "delta": delta, **rest}]}).encode()
        ),
        st.integers(-1, 3) | json_values,
        st.fixed_dictionaries({"content": st.text(max_size=20)}) | json_values,
        st.fixed_dictionaries({}, optional={"finish_reason": json_values, "tokens": json_values}),
    ),
    st.sampled_from([b"data: [DONE]", b": waiting", b"data:", b"event: x", b"data: {"]),
)


async def test_whatever_a_server_streams_is_text_or_says_that_it_is_no_answer() -> None:
    streamed: list[bytes] = []

    async def chat(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for part in streamed:
            await response.write(part)
        return response

    app = web.Application()
    app.router.add_post("/v1/chat/completions", chat)
    async with serve_http(app, "127.0.0.1", 0) as url, EngineClient(url) as client:
        for each in _examples(st.lists(lines, max_size=6), 150 * FUZZ):
            streamed[:] = [line + b"\n\n" for line in each]
            with suppress(EngineUnavailable, EngineRefused):
                async for item in client.chat([ChatMessage("user", "x")], Sampling()):
                    assert isinstance(item, Delta | Usage)


def _examples(strategy: "st.SearchStrategy[list[bytes]]", count: int) -> list[list[bytes]]:
    """Draw examples for one event loop, which hypothesis itself cannot run in."""
    drawn: list[list[bytes]] = []

    @settings(max_examples=count, database=None)
    @given(strategy)
    def draw(each: list[bytes]) -> None:
        drawn.append(each)

    draw()
    return drawn
