"""How fast transformers writes the same texts: `generate`, and its continuous batching."""

import importlib.util
import time
from collections.abc import Callable, Iterator
from typing import Any

import torch

from inference.gpu_check.lab import Lab
from inference.gpu_check.parity import reference
from inference.gpu_check.report import Row

# What its cache may take of the memory. On a CPU it only has to run.
GPU_SHARE, CPU_SHARE = 0.8, 0.01

Writer = Callable[[list[list[int]], int], int]
"""Writes so many tokens after each prompt, greedily; returns how many came in all."""


def peers(lab: Lab) -> Iterator[Row]:
    """Give for each point the tokens a second from the prompts to the last token, for each engine,
    and how many times faster ours is.
    """
    engine, sizes = lab.engine(), lab.sizes
    ours = {}
    for rows, context in sizes.peer_points:
        prompts = engine.texts(rows, context, rows)
        # Twice: the first time something may be compiled or chosen.
        for _ in range(2):
            began = time.perf_counter()
            engine.write([(0.0, prompt) for prompt in prompts], sizes.peer_tokens)
            ours[rows, context] = rows * sizes.peer_tokens / (time.perf_counter() - began)
    texts = {point: engine.texts(*point, point[0]) for point in sizes.peer_points}
    for (rows, context), rate in ours.items():
        yield {"engine": "ours", "texts": rows, "prompt": context, "tokens/s": rate}
    if not importlib.util.find_spec("transformers"):
        yield {"failed": "transformers is not installed"}
        return
    del engine
    lab.give_up()
    model = reference(sizes.shape, lab.device.name, lab.device.dtype)
    writers: dict[str, Writer] = {
        "generate": lambda prompts, count: _generate(model, prompts, count),
        "continuous batching": lambda prompts, count: _batching(lab, model, prompts, count),
    }
    for name, write in writers.items():
        for (rows, context), prompts in texts.items():
            point: Row = {"engine": name, "texts": rows, "prompt": context}
            yield point | _timed(lab, write, prompts, ours[rows, context])
            _end_batching(model)


def _timed(lab: Lab, write: Writer, prompts: list[list[int]], ours: float) -> Row:
    try:
        # Once to warm up: caches, graphs and compiled functions are there afterwards.
        write(prompts, 2)
        lab.wait()
        began = time.perf_counter()
        count = write(prompts, lab.sizes.peer_tokens)
        lab.wait()
        rate = count / (time.perf_counter() - began)
    except (RuntimeError, ValueError, TypeError, AttributeError, ImportError) as error:
        return {"failed": f"{type(error).__name__}: {' '.join(str(error).split())[:120]}"}
    return {"tokens/s": rate, "ours over it": ours / rate}


@torch.inference_mode()
def _generate(model: Any, prompts: list[list[int]], count: int) -> int:
    ids = torch.tensor(prompts, device=model.device)
    out = model.generate(
        ids,
        attention_mask=torch.ones_like(ids),
        max_new_tokens=count,
        min_new_tokens=count,
        do_sample=False,
        pad_token_id=0,
    )
    return int(out[:, ids.shape[1] :].numel())


@torch.inference_mode()
def _batching(lab: Lab, model: Any, prompts: list[list[int]], count: int) -> int:
    # It may be missing, and takes seconds.
    transformers: Any = importlib.import_module("transformers")
    wanted = transformers.GenerationConfig(
        max_new_tokens=count, do_sample=False, eos_token_id=-1, pad_token_id=0
    )
    # Its cache and its graphs stay for the next call, as a server has them.
    outs = model.generate_batch(
        inputs=prompts,
        generation_config=wanted,
        progress_bar=False,
        persistent_manager=True,
        **_batching_limits(transformers, GPU_SHARE if lab.on_gpu else CPU_SHARE),
    )
    return sum(len(out.generated_tokens) for out in outs.values())


def _batching_limits(transformers: Any, share: float) -> dict[str, Any]:
    """Return what bounds its memory, and keeps it from fetching kernels; older versions have no
    such settings.
    """
    kind = getattr(transformers, "ContinuousBatchingConfig", None)
    known = getattr(kind, "__dataclass_fields__", {})
    wanted = {"max_memory_percent": share, "auto_switch_to_flash": False}
    limits = {name: value for name, value in wanted.items() if name in known}
    return {"continuous_batching_config": kind(**limits)} if kind else {}


def _end_batching(model: Any) -> None:
    """Free what the last call has kept: it was sized for its prompts."""
    if (end := getattr(model, "destroy_cached_continuous_batching_manager", None)) is not None:
        end()
