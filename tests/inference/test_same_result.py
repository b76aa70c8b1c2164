"""A request's tokens do not depend on what runs beside it, what is cached, or how many ranks."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from gguf import GGMLQuantizationType

from inference.checkpoint.open import open_vocabulary
from inference.engine.supervisor import Supervisor
from inference.tokenization.chat_template import ChatTurn
from inference.tokenization.tokenizer import Tokenizer
from tests.inference.devices import DEVICES
from tests.inference.engine import Params, engine, write

Prompt = list[int]
Request = tuple[Prompt, Params]
# As writers have it, and as the model's own distribution draws: the least change would show.
DRAWN = Params(temperature=0.8, top_k=50, top_p=0.95, repetition_penalty=1.1)
FREE = Params(temperature=1.0)
GREEDY = Params(temperature=0.0)


def asks(prompts: list[Prompt], count: int) -> list[Request]:
    kinds = [DRAWN, FREE, GREEDY]
    return [
        (prompt, kinds[i % 3] | Params(seed=i, max_tokens=count + 3 * i))
        for i, prompt in enumerate(prompts)
    ]


async def one_by_one(supervisor: Supervisor, wanted: list[Request]) -> list[list[int]]:
    return [await write(supervisor, prompt, **params) for prompt, params in wanted]


async def together(supervisor: Supervisor, wanted: list[Request]) -> list[list[int]]:
    return list(await asyncio.gather(*(write(supervisor, p, **params) for p, params in wanted)))


async def results(model: Path, wanted: list[Request], **settings: Any) -> list[list[list[int]]]:
    """Return the results of the same requests: alone with an empty cache, alone with a full one,
    some at once, and all at once where there is room for a few.
    """
    async with engine(model, kv_tokens=256, max_step_tokens=24, **settings) as supervisor:
        alone = await one_by_one(supervisor, wanted)
        hit = await one_by_one(supervisor, wanted[::-1])
        some = await together(supervisor, wanted[:2])
        assert counted(supervisor, "cached_tokens") > 0
        assert counted(supervisor, "preemptions") == 0
        all_at_once = await together(supervisor, wanted)
        assert counted(supervisor, "preemptions") > 0
    return [alone, hit[::-1], some + alone[2:], all_at_once]


def counted(supervisor: Supervisor, name: str) -> float:
    value = supervisor.metrics.registry.get_sample_value(f"draftsmith_{name}_total")
    assert value is not None
    return value


@pytest.fixture(scope="module")
def chats(smollm: Path) -> list[Prompt]:
    tokenizer = Tokenizer(open_vocabulary(smollm))
    topics = ["our new office in Lisbon", "the tram", "rain, rain, rain and rain", "a cat"]
    # Four of these have no room at once, however short the texts.
    return [tokenizer.encode_chat([ChatTurn("user", f"Write of {it}. " * 6)]) for it in topics]


@pytest.fixture(scope="module")
def lists() -> list[Prompt]:
    return [[1, *range(20, 20 + 9 * i), *[50, 51, 52] * i] for i in range(1, 9)]


@pytest.mark.long
async def test_the_default_model_in_fp32_writes_the_same_at_any_number_of_ranks(
    smollm: Path, chats: list[Prompt]
) -> None:
    wanted = asks(chats, 24)
    one = await results(smollm, wanted, tp=1, max_running=8)
    async with engine(smollm, tp=3, max_running=8) as supervisor:
        three = await together(supervisor, wanted)
    assert all(result == one[0] for result in [*one, three])


async def test_a_tiny_model_of_six_heads_writes_the_same_on_one_two_and_three_ranks(
    make_tiny_gguf: Callable[..., None], tmp_path: Path, lists: list[Prompt]
) -> None:
    model = tmp_path / "six.gguf"
    make_tiny_gguf(model, heads=6, kv_heads=6, ffn=192)
    wanted = asks(lists, 30)
    ranks = [await results(model, wanted, tp=tp, max_running=8) for tp in (1, 2, 3)]
    assert all(result == ranks[0][0] for each in ranks for result in each)
    assert len({tuple(tokens) for tokens in ranks[0][0]}) == len(wanted)


@pytest.mark.parametrize(
    ("weights", "device"),
    [
        ("auto", "cpu"),
        pytest.param("int8", "cpu", marks=pytest.mark.long),
        ("full", "cpu"),
        pytest.param("full", "cuda", marks=pytest.mark.gpu),
    ],
)
async def test_the_default_model_in_bf16_writes_the_same_alone_and_in_company(
    smollm: Path, chats: list[Prompt], weights: str, device: str
) -> None:
    wanted, how = asks(chats, 24), {"weights": weights, "device": device, "deterministic": True}
    each = await results(smollm, wanted, dtype="bf16", max_running=8, **how)
    assert all(result == each[0] for result in each)


@pytest.mark.parametrize("kind", [GGMLQuantizationType.Q4_0, GGMLQuantizationType.Q8_0])
async def test_models_in_few_bits_write_the_same_alone_and_in_company_on_two_ranks(
    make_tiny_gguf: Callable[..., None],
    tmp_path: Path,
    lists: list[Prompt],
    kind: GGMLQuantizationType,
) -> None:
    model = tmp_path / "few.gguf"
    make_tiny_gguf(model, kind=kind)
    each = await results(model, asks(lists, 30), dtype="bf16", tp=2, max_running=8)
    assert all(result == each[0] for result in each)


@pytest.mark.parametrize("device", DEVICES)
async def test_guesses_change_no_token_at_any_temperature(
    smollm: Path, chats: list[Prompt], device: str
) -> None:
    strict: dict[str, Any] = {"dtype": "bf16", "device": device, "deterministic": True}
    # A text that the prompt holds already is guessed; one that is drawn freely hardly ever.
    async with engine(smollm, speculate=False, **strict) as supervisor:
        draft = await write(supervisor, chats[0], **GREEDY | Params(max_tokens=80))
        wanted = asks([chats[0] + draft + chats[0], chats[0] + draft + draft[:40], *chats], 32)
        plain = await together(supervisor, wanted)
    async with engine(smollm, speculate=True, **strict) as supervisor:
        assert await together(supervisor, wanted) == plain
        assert await one_by_one(supervisor, wanted) == plain
        assert counted(supervisor, "accepted_tokens") > 20


@pytest.mark.parametrize("device", DEVICES)
async def test_samples_of_one_prompt_share_its_prefill_and_differ(
    tiny_gguf: Path, device: str
) -> None:
    strict: dict[str, Any] = {"dtype": "bf16", "device": device, "deterministic": True}
    async with engine(tiny_gguf, **strict) as supervisor:
        prompt = [1, *range(20, 150)]
        many = [(prompt, FREE | Params(seed=9, index=i, max_tokens=20)) for i in range(4)]
        drafts = await together(supervisor, many)
        assert counted(supervisor, "cached_tokens") == 3 * (len(prompt) - 1)
        assert len({tuple(draft) for draft in drafts}) == 4
        assert await one_by_one(supervisor, many) == drafts


async def test_what_is_not_deterministic_writes_as_well_but_is_free_to_differ(
    make_tiny_gguf: Callable[..., None], tmp_path: Path
) -> None:
    # In few bits: then there is more than one way to compute a product.
    model, prompt = tmp_path / "few.gguf", [1, *range(20, 220)]
    make_tiny_gguf(model, kind=GGMLQuantizationType.Q4_0)
    async with engine(model, dtype="bf16", deterministic=False) as supervisor:
        assert len(await write(supervisor, prompt, **GREEDY | Params(max_tokens=20))) == 20
