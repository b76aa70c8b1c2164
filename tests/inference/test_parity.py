"""The model is the one that transformers runs, on any number of ranks."""

import asyncio
from functools import cache
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, PreTrainedModel

from inference.checkpoint.open import open_vocabulary
from inference.tokenization.chat_template import ChatTurn
from inference.tokenization.tokenizer import Tokenizer
from tests.inference.engine import engine, steps, write
from tests.inference.families import reference_logits

PROMPTS = [
    "Write a blog post about our new office in Lisbon",
    "Translate to French: good morning, everyone",
    "List three uses of a brick, with prices: 10, 20 and 35 dollars.",
]
NEW_TOKENS = 40


async def greedy(
    model: Path, tp: int, prompts: list[list[int]], count: int, device: str = "cpu"
) -> list[list[int]]:
    """Return greedy tokens for all prompts, computed together by `tp` ranks in fp32."""
    async with engine(model, tp=tp, device=device) as supervisor:
        asks = [write(supervisor, prompt, temperature=0, max_tokens=count) for prompt in prompts]
        return list(await asyncio.gather(*asks))


@pytest.fixture(scope="module")
def prompts(smollm: Path) -> list[list[int]]:
    tokenizer = Tokenizer(open_vocabulary(smollm))
    return [tokenizer.encode_chat([ChatTurn("user", text)]) for text in PROMPTS]


def reference_choices(path: Path, prompt: list[int], answer: list[int]) -> list[int]:
    """Return what transformers takes at each place of `answer`, after the same tokens."""
    logits = reference_logits(reference_model(path), prompt + answer)
    return logits[len(prompt) - 1 : -1].argmax(-1).tolist()


@cache
def reference_model(path: Path) -> PreTrainedModel:
    return AutoModelForCausalLM.from_pretrained(
        str(path.parent), gguf_file=path.name, dtype=torch.float32
    )


@pytest.mark.parametrize(
    ("tp", "device"), [(1, "cpu"), (3, "cpu"), pytest.param(1, "cuda", marks=pytest.mark.gpu)]
)
async def test_greedy_tokens_are_those_of_transformers(
    smollm: Path, prompts: list[list[int]], tp: int, device: str
) -> None:
    answers = await greedy(smollm, tp, prompts, NEW_TOKENS, device)
    for prompt, answer in zip(prompts, answers, strict=True):
        # Every token is the reference's choice after the same tokens: so the texts are the same.
        assert len(answer) == NEW_TOKENS
        assert answer == reference_choices(smollm, prompt, answer)


async def test_a_tiny_model_says_the_same_on_one_and_on_four_ranks(tiny_gguf: Path) -> None:
    prompts = [[1, 50, 60, 70], [1, *range(20, 90)]]
    one, four = [await greedy(tiny_gguf, tp, prompts, 48) for tp in (1, 4)]
    assert one == four
    assert len(set(one[0])) > 5
    for prompt, answer in zip(prompts, one, strict=True):
        assert answer == reference_choices(tiny_gguf, prompt, answer)


async def test_a_prompt_is_scored_as_transformers_scores_it(
    smollm: Path, prompts: list[list[int]]
) -> None:
    prompt = prompts[0] + prompts[1]
    logits = reference_logits(reference_model(smollm), prompt)
    wanted = logits.log_softmax(-1)[:-1].gather(-1, torch.tensor(prompt[1:])[:, None])[:, 0]
    async with engine(smollm, max_step_tokens=32) as supervisor:
        # Cached or not, in many chunks: every token gets its own.
        for _ in range(2):
            parts = await steps(
                supervisor, prompt, temperature=0, max_tokens=3, logprobs=2, prompt_logprobs=1
            )
            scores = [item for part in parts for item in part.prompt_logprobs or []]
            assert [item[0][0] for item in scores] == prompt[1:]
            assert torch.allclose(torch.tensor([i[0][1] for i in scores]), wanted, atol=1e-3)
            assert all(len(item) == 2 and item[1][1] >= item[0][1] - 1e-6 for item in scores)
            drawn = [token for part in parts for token in part.tokens]
            told = [item for part in parts for item in part.logprobs or []]
            # Greedy: the token is its own likeliest alternative.
            assert [item[0] for item in told] == [item[1] for item in told]
            assert [item[0][0] for item in told] == drawn
