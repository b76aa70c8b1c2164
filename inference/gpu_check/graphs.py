"""Whether captured steps, the same steps run eagerly, and steps without buffers give the same."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle

import torch

from inference.engine.decode_step import DecodeStep
from inference.engine.sequence import SamplingParams
from inference.gpu_check.lab import Lab
from inference.gpu_check.local_engine import LocalEngine
from inference.gpu_check.report import Row

# Texts of many lengths, of which some join while others are written and leave.
LENGTHS = (5, 40, 61, 130, 17, 96, 33, 71, 12, 44)
AT_ONCE = 6
WAYS = (
    SamplingParams(temperature=0.0),
    SamplingParams(temperature=0.8, top_k=40),
    SamplingParams(temperature=1.0),
    SamplingParams(temperature=0.9, top_k=20, top_p=0.9, repetition_penalty=1.1),
)


def graphs(lab: Lab) -> Iterator[Row]:
    """Give how many texts are the same, token for token, and the bits of the last step's logits.
    Strict: there, the bits of a row depend on it alone, so that steps of other sizes give the same.
    """
    engine = lab.engine(deterministic=True)
    step = engine.runner.decode_step
    assert step is not None
    captured, ahead = written(engine)
    kept = sum(buffers.graph is not None for buffers in step.buffers.values())
    with eagerly(step):
        eager, _ = written(engine)
    engine.runner.decode_step = None
    plain, _ = written(engine)
    engine.runner.decode_step = step
    yield {"what": "steps captured", "count": kept, "ok": kept > 0 or not lab.on_gpu}
    yield {"what": "rows that began before their token was read", "count": ahead, "ok": ahead > 0}
    yield _same("captured = eager", captured, eager)
    yield {"what": "captured = eager, logits of a step bit for bit", "ok": same_bits(engine)}
    yield _same("captured = without buffers", captured, plain)


@contextmanager
def eagerly(step: DecodeStep) -> Iterator[None]:
    """Let steps be computed without their graphs inside."""
    held = [(some, some.graph, some.logits) for some in step.buffers.values()]
    for some, _, _ in held:
        some.graph = None
    try:
        yield
    finally:
        # A graph writes its logits to where they were when it was captured.
        for some, graph, logits in held:
            some.graph, some.logits = graph, logits


def written(engine: LocalEngine) -> tuple[list[list[int]], int]:
    """Return the tokens of each text, and how many rows began before their token was read. Texts
    join by the count of steps, the same each time.
    """
    pipeline, ahead = engine.pipeline(), 0
    tokens: list[list[int]] = [[] for _ in LENGTHS]
    ways = [way for way, _ in zip(cycle(WAYS), LENGTHS, strict=False)]
    waiting = list(range(len(LENGTHS)))
    while waiting or pipeline.scheduler.has_work:
        if waiting and len(pipeline.scheduler.running) < AT_ONCE:
            i = waiting.pop(0)
            prompt = engine.texts(1, LENGTHS[i], i)[0]
            pipeline.scheduler.add(engine.sequence(f"{i}", prompt, 12 + 3 * i, ways[i]))
        for output in pipeline.step()[1]:
            tokens[int(output.id)] += output.tokens
        ahead += sum(t < 0 for step in pipeline.scheduler.steps for _, c in step for t in c.tokens)
    return tokens, ahead


def same_bits(engine: LocalEngine) -> bool:
    """Compute one step by its graph and then without, and compare all logits."""
    scheduler, step = engine.pipeline().scheduler, engine.runner.decode_step
    assert step is not None
    engine.settle(scheduler, 3, LENGTHS[-1], 4)
    plan = scheduler.schedule()
    step.launch(plan, scheduler.planned).read()
    size = next(size for size in step.sizes if size >= plan.rows)
    buffers = step.buffers[size, step.lengths[0]]
    assert buffers.logits is not None
    captured = buffers.logits.clone()
    with eagerly(step):
        step.launch(plan, scheduler.planned).read()
        return torch.equal(captured, buffers.logits)


def _same(what: str, one: list[list[int]], other: list[list[int]]) -> Row:
    alike = sum(a == b for a, b in zip(one, other, strict=True))
    return {"what": what, "texts": len(one), "same": alike, "ok": alike == len(one)}
