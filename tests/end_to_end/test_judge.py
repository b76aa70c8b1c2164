"""The judge asks the real worker. A model of random weights answers in no form."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from safety import Filter, Stage, load_policy
from safety.judge.judge import JudgeServer
from safety.judge.prompts import PROMPTS
from tests.conftest import Worker

TEXT = "A sentence about the office."


def alternatives(answer: Any) -> list[float]:
    """Return the log-probabilities of the first token of each choice, in both kinds of answer."""
    found = []
    for choice in answer["choices"]:
        scored = choice["logprobs"]
        if "content" in scored:
            found += [each["logprob"] for each in scored["content"][0]["top_logprobs"]]
        else:
            found += scored["top_logprobs"][0].values()
    return found


@pytest.mark.parametrize("asks", PROMPTS.values(), ids=PROMPTS)
async def test_the_worker_answers_what_each_form_asks(
    tiny_worker: Worker, asks: Callable[[str, Stage], list[Any]]
) -> None:
    connector = aiohttp.UnixConnector(tiny_worker.url.removeprefix("unix:"))
    async with aiohttp.ClientSession("http://worker", connector=connector) as session:
        for ask in asks(TEXT, Stage.OUTPUT):
            async with session.post(ask.path, json=ask.body) as response:
                assert response.status == 200
                told = alternatives(await response.json())
            assert len(told) >= 5
            assert all(0 <= math.exp(each) <= 1 for each in told)


@pytest.mark.parametrize("form", PROMPTS)
async def test_a_model_that_answers_in_no_form_lets_nothing_pass(
    tiny_worker: Worker, form: str, tmp_path: Path
) -> None:
    file = tmp_path / "policy.toml"
    file.write_text(f'[judge]\nform = "{form}"\ntimeout_seconds = 30\n')
    by = Filter(load_policy(file), worker=JudgeServer(tiny_worker.url))
    verdict = await by.judge(TEXT, Stage.OUTPUT, request="r1")
    assert verdict.rules == ("detector_error",)


async def test_the_worker_keeps_what_it_judges_out_of_its_metrics_and_logs(
    tiny_worker: Worker,
) -> None:
    canary = "quetzalcoatlus"
    connector = aiohttp.UnixConnector(tiny_worker.url.removeprefix("unix:"))
    async with aiohttp.ClientSession("http://worker", connector=connector) as session:
        for form in PROMPTS.values():
            for ask in form(f"The {canary} flies.", Stage.INPUT):
                await session.post(ask.path, json=ask.body)
        for wrong in ({canary: 1}, {"messages": canary}, {"messages": [], "stop": [canary] * 99}):
            async with session.post("/v1/chat/completions", json=wrong) as response:
                assert response.status == 400
        async with session.get("/metrics") as response:
            metrics = await response.text()
    assert "requests_finished" in metrics
    assert canary not in metrics
    assert canary not in tiny_worker.output
