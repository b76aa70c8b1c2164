"""The HTTP API of a running worker."""

import asyncio
import json
import re
import socket
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import aiohttp
import openai
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from structlog.testing import capture_logs

from inference.api.app import answer_errors
from inference.api.requests import RequestError, parse_chat, parse_completion
from inference.client import ChatMessage, Delta, EngineClient, Sampling, Usage
from tests.conftest import StartWorker, Worker
from tests.inference.conftest import Ask, SamplingFields

HELLO = [{"role": "user", "content": "Hello"}]
TOKEN = "a-token-of-the-test-suite"


def http(url: str) -> aiohttp.ClientSession:
    if url.startswith("unix:"):
        connector = aiohttp.UnixConnector(url.removeprefix("unix:"))
        return aiohttp.ClientSession("http://worker", connector=connector)
    return aiohttp.ClientSession(url)


async def test_the_same_seed_gives_the_same_text_and_another_seed_another(
    tiny_worker: Worker, ask: Ask
) -> None:
    first = await ask(tiny_worker.url, "Hello", seed=5, max_tokens=60)
    again = await ask(tiny_worker.url, "Hello", seed=5, max_tokens=60)
    other = await ask(tiny_worker.url, "Hello", seed=6, max_tokens=60)
    assert first == again
    assert first[0] != other[0]


async def test_each_of_many_requests_at_once_gives_what_it_gives_alone(
    tiny_worker: Worker, ask: Ask
) -> None:
    asks: list[tuple[str, SamplingFields]] = [
        (f"Topic {i} " + "and so on " * (i * 17 % 90), {"seed": i, "max_tokens": 40 + 13 * (i % 5)})
        for i in range(12)
    ]
    alone = [await ask(tiny_worker.url, text, **more) for text, more in asks]
    together = await asyncio.gather(*(ask(tiny_worker.url, text, **more) for text, more in asks))
    assert together == alone


async def test_the_default_model_gives_the_same_text_alone_and_in_a_batch(
    smollm_worker: Worker, ask: Ask
) -> None:
    brief = "Write a blog post about our new office in Lisbon"
    sampling = SamplingFields(temperature=0.5, top_k=50, top_p=0.9, repetition_penalty=1.1)
    wanted = sampling | SamplingFields(seed=3, max_tokens=48)
    alone = await ask(smollm_worker.url, brief, **wanted)
    others = [ask(smollm_worker.url, f"Tell me of {i}", seed=i, max_tokens=30) for i in range(4)]
    together, *_ = await asyncio.gather(ask(smollm_worker.url, brief, **wanted), *others)
    assert together == alone
    assert len(alone[0][0].split()) > 20


async def test_samples_of_one_request_differ_and_each_is_told_apart(
    tiny_worker: Worker, ask: Ask
) -> None:
    texts, reasons, usage = await ask(tiny_worker.url, "Hello", seed=1, n=3, max_tokens=50)
    assert sorted(texts) == sorted(reasons) == [0, 1, 2]
    assert len(set(texts.values())) == 3
    alone, _, one = await ask(tiny_worker.url, "Hello", seed=1, n=1, max_tokens=50)
    assert alone[0] == texts[0]
    assert usage.completion_tokens > one.completion_tokens
    assert usage.prompt_tokens == one.prompt_tokens > 5


async def test_a_stop_string_across_tokens_ends_the_text_before_it(
    tiny_worker: Worker, ask: Ask
) -> None:
    whole, _, _ = await ask(tiny_worker.url, "Hello", seed=2, max_tokens=40)
    stop = whole[0][11:16]
    cut, reasons, _ = await ask(tiny_worker.url, "Hello", seed=2, max_tokens=40, stop=(stop,))
    assert cut[0] == whole[0][: whole[0].index(stop)]
    assert reasons[0] == "stop"


async def test_the_limit_on_tokens_is_kept_and_named(tiny_worker: Worker, ask: Ask) -> None:
    _, reasons, usage = await ask(tiny_worker.url, "Hello", seed=2, max_tokens=7)
    assert (reasons[0], usage.completion_tokens) == ("length", 7)


BAD = [
    ({"messages": []}, "'messages' cannot be used"),
    ({}, "'messages' is missing"),
    ({"messages": [{"role": "user", "content": " \n "}]}, "every message is empty"),
    ({"messages": [{"role": "tool", "content": "x"}]}, "'messages.0.role' cannot be used"),
    ({"messages": HELLO, "temperature": 3}, "'temperature' cannot be used: .* equal to 2"),
    ({"messages": HELLO, "temperature": "hot"}, "'temperature' cannot be used"),
    ({"messages": HELLO, "top_p": 0}, "'top_p' cannot be used: .* greater than 0"),
    ({"messages": HELLO, "top_k": -1}, "'top_k' cannot be used"),
    ({"messages": HELLO, "repetition_penalty": 9}, "'repetition_penalty' cannot be used"),
    ({"messages": HELLO, "max_tokens": 0}, "'max_tokens' cannot be used|max_completion_tokens"),
    ({"messages": HELLO, "n": 100}, "'n' cannot be used: .* equal to 8"),
    ({"messages": HELLO, "seed": 1.5}, "'seed' cannot be used"),
    ({"messages": HELLO, "stop": [""]}, "'stop.0' cannot be used"),
    ({"messages": HELLO, "logprobs": 3}, "'logprobs' cannot be used"),
    ({"messages": HELLO, "top_logprobs": 21}, "'top_logprobs' cannot be used: .* equal to 20"),
    ({"messages": HELLO, "logit_bias": {"5": 1}}, "'logit_bias' is not supported"),
    ({"messages": HELLO, "tools": [{}]}, "'tools' is not supported"),
    ({"messages": HELLO, "frequency_penalty": 0.5}, "'frequency_penalty' is not supported"),
    ({"messages": HELLO, "temprature": 1}, "'temprature' is not a parameter"),
    (["messages"], "must be a JSON object"),
    ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "cannot be used"),
]


@pytest.mark.parametrize(("body", "sentence"), BAD)
def test_a_bad_request_is_refused_with_what_is_wrong(body: object, sentence: str) -> None:
    with pytest.raises(RequestError, match=sentence) as caught:
        parse_chat(body)
    assert caught.value.status == 400
    assert caught.value.message.endswith(".")
    assert "hot" not in caught.value.message


BAD_COMPLETIONS = [
    ({}, "'prompt' is missing"),
    ({"prompt": ""}, "'prompt' cannot be used"),
    ({"prompt": []}, "'prompt' cannot be used"),
    ({"prompt": [[]]}, "'prompt' cannot be used"),
    ({"prompt": [-1]}, "'prompt' cannot be used"),
    ({"prompt": ["a", 5]}, "'prompt' cannot be used"),
    ({"prompt": {"a": 1}}, "'prompt' cannot be used: it must be a text or token ids"),
    ({"prompt": ["a"] * 17}, "'prompt' cannot be used: .* at most 16 items"),
    ({"prompt": "half \ud83d"}, "only half there"),
    ({"prompt": "a", "max_tokens": 0}, "asks for nothing"),
    ({"prompt": "a", "max_tokens": 0, "echo": True}, "asks for nothing"),
    ({"prompt": "a", "logprobs": 21}, "'logprobs' cannot be used: .* equal to 20"),
    ({"prompt": "a", "best_of": 3}, "'best_of' is not supported"),
    ({"prompt": "a", "suffix": "b"}, "'suffix' is not supported"),
    ({"prompt": "a", "messages": HELLO}, "'messages' is not a parameter"),
]


@pytest.mark.parametrize(("body", "sentence"), BAD_COMPLETIONS)
def test_a_bad_completion_is_refused_with_what_is_wrong(body: object, sentence: str) -> None:
    with pytest.raises(RequestError, match=sentence) as caught:
        parse_completion(body)
    assert caught.value.status == 400
    assert caught.value.message.endswith(".")


def test_what_changes_nothing_is_accepted() -> None:
    fields = {"user": "u", "metadata": {}, "logprobs": False, "frequency_penalty": 0, "stop": None}
    chat = parse_chat({"messages": HELLO, "max_tokens": 9, "stop": "end", "n": 3} | fields)
    assert (chat.max_tokens, chat.n) == (9, 3)
    assert parse_chat({"messages": HELLO, "max_completion_tokens": 7}).max_tokens == 7
    both = {"messages": HELLO, "max_completion_tokens": 7, "max_tokens": 9}
    assert parse_chat(both).max_tokens == 7
    assert parse_chat({"messages": HELLO, "stop": "end"}).stop == ["end"]
    assert parse_chat({"messages": HELLO, "temperature": 1, "top_k": 50, "top_p": 0.95})


WRONG = [
    ({"messages": HELLO, "model": "gpt-4o"}, 404, "model_not_found", "'tiny'"),
    (
        {"messages": [{"role": "user", "content": "x " * 5000}]},
        400,
        "context_length_exceeded",
        r"The prompt has [\d,]+ tokens and .* 4,096, .* cut at least [\d,]+ tokens",
    ),
    ({"messages": HELLO, "top_p": 2}, 400, "invalid_value", "'top_p'"),
]


@pytest.mark.parametrize(("body", "status", "code", "sentence"), WRONG)
async def test_refusals_have_the_shape_of_the_openai_api(
    tiny_worker: Worker, body: object, status: int, code: str, sentence: str
) -> None:
    async with http(tiny_worker.url) as session:
        response = await session.post("/v1/chat/completions", json=body)
        error = (await response.json())["error"]
    assert (response.status, error["code"]) == (status, code)
    assert error["type"] == "invalid_request_error"
    assert re.search(sentence, error["message"])


HALF_A_CHARACTER = rb'{"messages": [{"role": "user", "content": "a \ud83d b"}]}'


@pytest.mark.parametrize(
    ("method", "path", "data", "status"),
    [
        ("POST", "/v1/chat/completions", b"{not json", 400),
        ("POST", "/v1/chat/completions", b"[" * 100_000, 400),
        ("POST", "/v1/chat/completions", b"\xff\xfe{", 400),
        ("POST", "/v1/chat/completions", HALF_A_CHARACTER, 400),
        ("POST", "/v1/chat/completions", b" " * 1_100_000, 413),
        ("GET", "/v1/chat/completions", None, 405),
        ("GET", "/v1/nothing", None, 404),
    ],
)
async def test_requests_that_are_none_get_a_sentence_too(
    tiny_worker: Worker, method: str, path: str, data: bytes | None, status: int
) -> None:
    async with http(tiny_worker.url) as session:
        response = await session.request(method, path, data=data)
        assert response.status == status
        assert (await response.json())["error"]["message"].endswith(".")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": "application/json; charset=nonsense"}, 200),
        ({"Content-Type": "text/plain"}, 200),
        ({"Content-Encoding": "gzip"}, 400),
    ],
)
async def test_headers_that_do_not_fit_the_body_are_no_error_of_ours(
    tiny_worker: Worker, headers: dict[str, str], status: int
) -> None:
    body = json.dumps({"messages": HELLO, "max_tokens": 2}).encode()
    async with http(tiny_worker.url) as session:
        request = session.post("/v1/chat/completions", data=body, headers=headers, compress=False)
        async with request as response:
            assert response.status == status
            assert status == 200 or "Content-Encoding" in await response.text()


async def test_an_error_of_ours_has_the_shape_of_the_api_and_no_text_in_the_log() -> None:
    async def broken(request: web.Request) -> web.StreamResponse:
        raise KeyError("what a user wrote")

    with capture_logs() as events:
        response = await answer_errors(make_mocked_request("GET", "/v1/models"), broken)
    assert isinstance(response, web.Response)
    assert response.status == 500
    assert json.loads(response.text or "")["error"]["type"] == "server_error"
    (event,) = events
    assert re.fullmatch(r"KeyError at .*test_api\.py:\d+", event["error"])
    assert "user wrote" not in str(event) + (response.text or "")


async def test_three_long_samples_drawn_as_writers_like_them_are_accepted(
    tiny_worker: Worker, ask: Ask
) -> None:
    sampling = SamplingFields(max_tokens=1024, temperature=1.0, top_k=50, top_p=0.95, n=3, seed=8)
    texts, reasons, usage = await ask(tiny_worker.url, "Hello", **sampling)
    assert len(set(texts.values())) == 3
    assert set(reasons.values()) <= {"stop", "length"}
    assert usage.completion_tokens <= 3 * 1024


async def test_a_refinement_pays_only_for_what_is_new(tiny_worker: Worker) -> None:
    # The words differ from those the tokenizer would choose: the model draws what it likes.
    chat = [ChatMessage("user", "What a refinement costs")]
    sampling = Sampling(temperature=1.0, top_k=0, max_tokens=200, seed=77)
    async with EngineClient(tiny_worker.url) as client:
        items = [item async for item in client.chat(chat, sampling)]
        draft = "".join(item.text for item in items if isinstance(item, Delta))
        first = next(item for item in items if isinstance(item, Usage))
        chat += [ChatMessage("assistant", draft), ChatMessage("user", "shorter")]
        again = [item async for item in client.chat(chat, sampling)]
        second = next(item for item in again if isinstance(item, Usage))
        # All of the first prompt and of the draft; of the draft's last token nothing was computed.
        assert second.cached_tokens >= first.prompt_tokens + first.completion_tokens - 2
        # A text that the model has not written is read as any other.
        chat[1] = ChatMessage("assistant", draft + "!")
        other = [item async for item in client.chat(chat, sampling)]
        third = next(item for item in other if isinstance(item, Usage))
        assert third.cached_tokens < second.cached_tokens


async def test_each_sample_tells_at_its_end_how_many_tokens_it_has(tiny_worker: Worker) -> None:
    async with EngineClient(tiny_worker.url) as client:
        sampling = Sampling(n=2, max_tokens=20, seed=5)
        items = [item async for item in client.chat([ChatMessage("user", "Hello")], sampling)]
    tokens = [item.tokens or 0 for item in items if isinstance(item, Delta) and item.finish_reason]
    assert len(tokens) == 2
    usage = items[-1]
    assert isinstance(usage, Usage)
    assert sum(tokens) == usage.completion_tokens


async def test_samples_of_one_request_share_the_work_on_its_prompt(tiny_worker: Worker) -> None:
    body = {"messages": [{"role": "user", "content": "Shared " * 60}], "max_tokens": 5, "n": 4}
    before = await metric(tiny_worker, "cached_tokens_total")
    async with http(tiny_worker.url) as session:
        response = await session.post("/v1/chat/completions", json=body)
        usage = (await response.json())["usage"]
    shared = await metric(tiny_worker, "cached_tokens_total") - before
    assert shared >= 3 * (usage["prompt_tokens"] - 1)


async def metric(worker: Worker, name: str) -> float:
    async with http(worker.url) as session:
        lines = (await (await session.get("/metrics")).text()).splitlines()
    return float(next(line for line in lines if line.startswith(f"draftsmith_{name} ")).split()[1])


async def test_metrics_count_what_was_asked_and_hold_no_text(tiny_worker: Worker, ask: Ask) -> None:
    names = ["prompt_tokens_total", "generation_tokens_total", "time_to_first_token_seconds_count"]
    before = [await metric(tiny_worker, name) for name in names]
    _, _, usage = await ask(tiny_worker.url, "Zanzibar", seed=3, max_tokens=9)
    after = [await metric(tiny_worker, name) for name in names]
    wanted = [usage.prompt_tokens, usage.completion_tokens, 1]
    assert [b - a for a, b in zip(before, after, strict=True)] == wanted
    assert await metric(tiny_worker, "requests_running") == 0
    async with http(tiny_worker.url) as session:
        response = await session.get("/metrics")
        assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        assert "Zanzibar" not in await response.text()


async def test_a_prompt_is_scored_and_echoed_without_a_token_more(tiny_worker: Worker) -> None:
    body = {"prompt": "the tea is on a stone", "max_tokens": 0, "echo": True, "logprobs": 2}
    async with http(tiny_worker.url) as session:
        whole = await (await session.post("/v1/completions", json=body)).json()
        both = body | {"prompt": ["another one", body["prompt"]]}
        many = await (await session.post("/v1/completions", json=both)).json()
    (choice,) = whole["choices"]
    assert (choice["text"], choice["finish_reason"]) == (body["prompt"], "length")
    told = choice["logprobs"]
    assert "".join(told["tokens"]) == body["prompt"]
    assert told["text_offset"] == [
        len("".join(told["tokens"][:i])) for i in range(len(told["tokens"]))
    ]
    assert told["token_logprobs"][0] is None
    assert all(value < 0 for value in told["token_logprobs"][1:])
    assert whole["usage"]["completion_tokens"] == 0
    assert [c["text"] for c in many["choices"]] == both["prompt"]
    assert many["choices"][1]["logprobs"] == told


async def test_a_completion_goes_on_from_ids_as_from_their_text(tiny_worker: Worker) -> None:
    ask = {"prompt": "the tea", "max_tokens": 12, "seed": 4, "temperature": 1.0, "logprobs": 0}
    async with http(tiny_worker.url) as session:
        score = ask | {"max_tokens": 0, "echo": True}
        scored = await (await session.post("/v1/completions", json=score)).json()
        text = await (await session.post("/v1/completions", json=ask)).json()
        # Each letter pair of the tiny vocabulary is a token; control tokens come first.
        response = await session.post("/v1/completions", json=ask | {"prompt": [10**6]})
        assert response.status == 400
        assert "send ids below" in await response.text()
        stream = await session.post("/v1/completions", json=ask | {"stream": True, "n": 2})
        events = [json.loads(e[6:]) for e in (await stream.text()).split("\n\n")[:-2]]
    assert len(scored["choices"][0]["logprobs"]["tokens"]) == scored["usage"]["prompt_tokens"]
    streamed = "".join(e["choices"][0]["text"] for e in events if e["choices"][0]["index"] == 0)
    assert streamed == text["choices"][0]["text"]
    assert len(text["choices"][0]["logprobs"]["tokens"]) == text["usage"]["completion_tokens"]


async def test_ready_is_a_real_token_and_live_is_not(tiny_worker: Worker) -> None:
    async with http(tiny_worker.url) as session:
        assert (await session.get("/health/live")).status == 200
        response = await session.get("/health/ready")
        assert (response.status, (await response.json())["status"]) == (200, "ready")
        models = await (await session.get("/v1/models")).json()
    assert [model["id"] for model in models["data"]] == ["tiny"]


def test_the_socket_is_for_its_owner_only(tiny_worker: Worker) -> None:
    mode = (tiny_worker.directory / "w.sock").stat().st_mode
    assert stat.S_ISSOCK(mode)
    assert stat.S_IMODE(mode) == 0o600


@pytest.fixture(scope="module")
def tcp_worker(start_worker: StartWorker, tiny_gguf: Path) -> Worker:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    worker = start_worker(
        wait=False,
        model=tiny_gguf,
        dtype="fp32",
        kv_tokens=16384,
        worker_bind=f"tcp:127.0.0.1:{port}",
        worker_token=TOKEN,
    )
    worker.wait_ready()
    return worker


async def test_the_openai_client_works_over_tcp_with_a_token(tcp_worker: Worker) -> None:
    async with openai.AsyncOpenAI(base_url=f"{tcp_worker.url}/v1", api_key=TOKEN) as client:
        assert [model.id async for model in client.models.list()] == ["tiny"]
        ask: dict[str, Any] = {
            "model": "tiny",
            "messages": HELLO,
            "seed": 4,
            "max_tokens": 30,
            "n": 2,
        }
        whole = await client.chat.completions.create(**ask, stop=["@@"])
        stream = await client.chat.completions.create(
            **ask, stream=True, stream_options={"include_usage": True}, extra_body={"top_k": 50}
        )
        texts = {0: "", 1: ""}
        usage: Any = None
        async for chunk in stream:
            usage = chunk.usage or usage
            for choice in chunk.choices:
                texts[choice.index] += choice.delta.content or ""
        assert [choice.message.content for choice in whole.choices] == [texts[0], texts[1]]
        assert usage.completion_tokens == whole.usage.completion_tokens
        # What the first request has computed, the second finds.
        assert usage.prompt_tokens_details.cached_tokens == usage.prompt_tokens - 1
        told = await client.chat.completions.create(**ask, logprobs=True, top_logprobs=3)
        for choice in told.choices:
            content = choice.logprobs.content
            assert all(len(item.top_logprobs) == 3 for item in content)
            assert all(item.logprob <= item.top_logprobs[0].logprob + 1e-6 for item in content)
        with pytest.raises(openai.BadRequestError, match="'temperature' cannot be used"):
            await client.chat.completions.create(**ask, temperature=5)
        with pytest.raises(openai.NotFoundError, match="serves 'tiny' and no other model"):
            await client.chat.completions.create(**(ask | {"model": "other"}))


NO_TOKENS = [
    "",
    TOKEN,
    f"Basic {TOKEN}",
    "Bearer wrong-token-of-some-length",
    "Bearer ümläut",
    "Bearer \udcff",
    f"Bearer {TOKEN[:-1]}",
]


@pytest.mark.parametrize("authorization", NO_TOKENS)
async def test_a_wrong_token_gets_401_and_nothing_else(
    tcp_worker: Worker, authorization: str
) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    async with http(tcp_worker.url) as session:
        for method, path in [
            ("GET", "/v1/models"),
            ("POST", "/v1/chat/completions"),
            ("GET", "/metrics"),
        ]:
            response = await session.request(method, path, headers=headers)
            assert response.status == 401
            assert (await response.json())["error"]["code"] == "invalid_api_key"


@pytest.mark.parametrize("module", ["inference.__main__", "inference.client", "inference.api.app"])
def test_the_supervisor_and_the_client_never_import_torch(module: str) -> None:
    code = f"import {module}, sys; sys.exit('torch' in sys.modules or 'megatron' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


async def test_a_request_has_one_name_in_the_log_and_in_the_answer(tiny_worker: Worker) -> None:
    async with EngineClient(tiny_worker.url) as client:
        hello = client.chat([ChatMessage("user", "hi")], Sampling(max_tokens=2), request="job-77")
        assert [item async for item in hello]
    async with http(tiny_worker.url) as session:
        body = {"prompt": "hi", "max_tokens": 1}
        for given in ("job-78", "no name, but words"):
            headers = {"X-Request-Id": given}
            async with session.post("/v1/completions", json=body, headers=headers) as answer:
                assert (answer.headers["X-Request-Id"] == given) is (given == "job-78")
        async with session.post("/no/such/page", json=body) as answer:
            assert answer.headers["X-Request-Id"]
    lines = [line for line in tiny_worker.output.splitlines() if "answered" in line]
    assert any("request=job-77" in line and "/v1/chat/completions" in line for line in lines)
    assert any("request=job-78" in line and "status=200" in line for line in lines)
    assert "no name, but words" not in tiny_worker.output
    assert "/no/such/page" not in tiny_worker.output
