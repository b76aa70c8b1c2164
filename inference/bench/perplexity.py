"""What each form of the weights costs in quality: its perplexity on a fixed text."""

import math
from dataclasses import replace
from statistics import mean

from inference.bench.engines import GREEDY, WorkerEngine, load_model, serving
from inference.bench.report import machine, say, say_table
from inference.bench.workloads import TEXT

FORMS = {
    "fp32": {"dtype": "fp32", "weights": "full"},
    "bf16": {"dtype": "bf16", "weights": "full"},
    "bf16, int8": {"dtype": "bf16", "weights": "int8"},
    "auto": {"dtype": "auto", "weights": "auto"},
}


async def measure_perplexity() -> dict[str, object]:
    """Print the perplexity of each form, and return all. Raises OperatorError."""
    model = load_model()
    ids = model.tokenizer.encode(TEXT.read_text())
    found: dict[str, float] = {}
    for name, form in FORMS.items():
        say(f"scoring with {name}")
        async with serving(model, "ours", **form) as ours:
            assert ours.supervisor.ready
            found[f"{name} ({ours.supervisor.ready.numbers})"] = await _perplexity(ours, ids)
    first = next(iter(found.values()))
    rows = [[form, f"{value:.3f}", f"{value / first:.4f}"] for form, value in found.items()]
    say_table(["form", "perplexity", "to fp32"], rows)
    return {"machine": machine(), "model": model.checkpoint.name, "perplexity": found}


async def _perplexity(ours: WorkerEngine, ids: list[int]) -> float:
    params = replace(GREEDY, max_tokens=0, prompt_logprobs=0)
    found: list[float] = []
    async for emitted in ours.supervisor.generate(ids, params):
        found += [token[0][1] for token in emitted.prompt_logprobs or []]
    assert len(found) == len(ids) - 1
    return math.exp(-mean(found))
