"""A worker serves a directory and its adapters to any client of OpenAI's API."""

import aiohttp
import pytest
import torch
from peft import LoraConfig, get_peft_model

from inference.client import ChatMessage, Delta, EngineClient, EngineRefused, Sampling
from tests.conftest import StartWorker, Worker
from tests.inference.families import make
from tests.inference.vocabularies import byte_level

ASKED = {"temperature": 0, "repetition_penalty": 1, "max_tokens": 24}


@pytest.fixture(scope="module")
def worker(start_worker: StartWorker, tmp_path_factory: pytest.TempPathFactory) -> Worker:
    directory = tmp_path_factory.mktemp("served") / "house"
    model = make("qwen3", directory)
    byte_level(directory)
    adapted = get_peft_model(model, LoraConfig(r=4, target_modules=["q_proj", "down_proj"]))
    for key, parameter in adapted.named_parameters():
        if "lora_B" in key:
            torch.nn.init.normal_(parameter, std=0.2)
    adapted.save_pretrained(str(directory / "voice"))
    return start_worker(
        model=directory,
        adapters=f"voice={directory / 'voice'}",
        dtype="fp32",
        kv_tokens=2048,
    )


async def answer(worker: Worker, model: str | None) -> str:
    async with EngineClient(worker.url) as client:
        chat = client.chat(
            [ChatMessage("user", "The tram")],
            Sampling(temperature=0.0, repetition_penalty=1.0, max_tokens=24),
            model=model,
        )
        return "".join([item.text async for item in chat if isinstance(item, Delta)])


async def test_each_request_chooses_the_model_or_one_of_its_adapters(worker: Worker) -> None:
    async with EngineClient(worker.url) as client:
        names = await client.models()
    assert len(names) == 2
    assert names[1] == f"{names[0]}:voice"
    plain, voice = await answer(worker, names[0]), await answer(worker, names[1])
    assert plain == await answer(worker, None)
    assert plain != voice == await answer(worker, names[1])
    with pytest.raises(EngineRefused, match=r"serves '.*house', '.*house:voice' and no other"):
        await answer(worker, f"{names[0]}:nobody")


async def test_the_api_tells_of_adapters_and_of_reasoning(worker: Worker) -> None:
    path = worker.url.removeprefix("unix:")
    async with aiohttp.ClientSession("http://w", connector=aiohttp.UnixConnector(path)) as http:
        base, voice = (await (await http.get("/v1/models")).json())["data"]
        assert (base["parent"], voice["parent"]) == (None, base["id"])
        asked = {"model": voice["id"], "messages": [{"role": "user", "content": "The tram"}]}
        told = await (await http.post("/v1/chat/completions", json=asked | ASKED)).json()
    assert told["model"] == voice["id"]
    assert told["usage"]["completion_tokens_details"] == {"reasoning_tokens": 0}
    assert told["choices"][0]["message"]["content"] == await answer(worker, voice["id"])
