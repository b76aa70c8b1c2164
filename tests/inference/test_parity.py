"""The model is the one that transformers runs, on any number of ranks."""

from __future__ import annotations

import asyncio
import contextlib
from functools import lru_cache
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, PreTrainedModel

from inference.gguf_file import read_gguf
from inference.sequence import SamplingParams
from inference.settings import Settings
from inference.supervisor import Supervisor
from inference.tokenizer import Tokenizer, Turn

PROMPTS = [
    "Write a blog post about our new office in Lisbon",
    "Explain photosynthesis to a child.",
    "Translate to French: good morning, everyone",
    "List three uses of a brick, with prices: 10, 20 and 35 dollars.",
    "def fibonacci(n):",
]
NEW_TOKENS = 64


async def greedy(model: Path, tp: int, prompts: list[list[int]], count: int) -> list[list[int]]:
    """Greedy tokens for all prompts, computed together by `tp` ranks in fp32."""
    settings = Settings(model=str(model), tp=tp, dtype="fp32", _env_file=None)
    supervisor = Supervisor(settings, model, end_ids=frozenset({10**9}))

    async def one(prompt: list[int]) -> list[int]:
        params = SamplingParams(temperature=0, max_tokens=count)
        return [token async for token, _ in supervisor.generate(prompt, params)]

    ranks = asyncio.create_task(supervisor.run())
    answers = asyncio.gather(*map(one, prompts))
    try:
        async with asyncio.timeout(240):
            await asyncio.wait([ranks, answers], return_when=asyncio.FIRST_COMPLETED)
            if ranks.done():
                ranks.result()
            return await answers
    finally:
        ranks.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await ranks


@pytest.fixture(scope="module")
def prompts(smollm: Path) -> list[list[int]]:
    tokenizer = Tokenizer(read_gguf(smollm))
    return [tokenizer.encode_chat([Turn("user", text)]) for text in PROMPTS]


def reference_choices(path: Path, prompt: list[int], answer: list[int]) -> list[int]:
    """What transformers would have taken at each place of `answer`, after the same tokens."""
    with torch.inference_mode():
        logits = reference_model(path)(torch.tensor([prompt + answer])).logits[0]
    return logits[len(prompt) - 1 : -1].argmax(-1).tolist()


@lru_cache(maxsize=1)
def reference_model(path: Path) -> PreTrainedModel:
    return AutoModelForCausalLM.from_pretrained(
        str(path.parent), gguf_file=path.name, dtype=torch.float32
    )


@pytest.mark.parametrize("tp", [1, 3])
async def test_greedy_tokens_are_those_of_transformers(smollm, prompts, tp: int) -> None:
    answers = await greedy(smollm, tp, prompts, NEW_TOKENS)
    for prompt, answer in zip(prompts, answers, strict=True):
        # Every token is the reference's choice after the same tokens: so the texts are the same.
        assert len(answer) == NEW_TOKENS
        assert answer == reference_choices(smollm, prompt, answer)


async def test_a_tiny_model_says_the_same_on_one_two_and_four_ranks(tiny_gguf: Path) -> None:
    prompts = [[1, 50, 60, 70], [1, *range(20, 90)]]
    one, two, four = [await greedy(tiny_gguf, tp, prompts, 48) for tp in (1, 2, 4)]
    assert one == two == four
    assert len(set(one[0])) > 5
    for prompt, answer in zip(prompts, one, strict=True):
        assert answer == reference_choices(tiny_gguf, prompt, answer)
