"""Which promises of sameness hold on this device, in both modes, and what the strict one costs."""

from collections.abc import Iterator, Sequence
from functools import partial
from statistics import median

import torch

from inference.engine.sequence import SamplingParams
from inference.engine.step_plan import Chunk, StepPlan
from inference.gpu_check.lab import Lab
from inference.gpu_check.local_engine import PAGE_SIZE, LocalEngine
from inference.gpu_check.report import Row

LENGTHS = (5, 40, 61, 130, 17, 96, 33, 71)
DRAWN = SamplingParams(temperature=0.8, top_k=50, top_p=0.95, repetition_penalty=1.1)


def sameness(lab: Lab) -> Iterator[Row]:
    """Give for each mode and promise whether every bit is the same, and then the time of a step."""
    for strict in (False, True):
        engine = lab.engine(deterministic=strict)
        mode = "strict" if strict else "fast"
        for promise, one, other in _promises(engine):
            pairs = list(zip(one, other, strict=True))
            unlike = sum(int((a != b).sum()) for a, b in pairs) / sum(a.numel() for a, _ in pairs)
            yield {
                "mode": mode,
                "promise": promise,
                "same": unlike == 0,
                "share of numbers that differ": unlike,
                "largest difference": max(float((a - b).abs().max()) for a, b in pairs),
            }
        yield from _texts(engine, mode)
        for rows in (1, lab.sizes.decode_rows[-1]):
            context = lab.sizes.contexts[0]
            took = median(engine.step_seconds(rows, context, lab.sizes.steps))
            yield {"mode": mode, "promise": f"(a step of {rows} x {context})", "ms": took * 1e3}
        length = lab.sizes.prefills[len(lab.sizes.prefills) // 2]
        took = lab.seconds(partial(_read, engine, length), 3)
        yield {"mode": mode, "promise": f"(a prompt of {length})", "ms": took * 1e3}
        # The next one needs its memory.
        del engine


def _read(engine: LocalEngine, length: int) -> None:
    engine.write([(0.0, engine.texts(1, length)[0])], 1)


def _promises(engine: LocalEngine) -> Iterator[tuple[str, list[torch.Tensor], list[torch.Tensor]]]:
    """Yield what is promised, and the logits that should be the same."""
    texts = [engine.texts(1, length, length)[0] for length in LENGTHS]
    alone = [logits_after(engine, [text])[0] for text in texts]
    yield "twice the same", alone, [logits_after(engine, [text])[0] for text in texts]
    yield f"alone = beside {len(texts) - 1} others", alone, logits_after(engine, texts)
    yield "whole = in pieces", alone, logits_after(engine, texts, cuts=(0.3, 0.5, 0.9))
    decoded = [logits_after(engine, [text], last=True)[0] for text in texts]
    yield "the last token read = decoded", alone, decoded
    together = logits_after(engine, texts, last=True)
    yield f"decoded alone = beside {len(texts) - 1} others", decoded, together


def logits_after(
    engine: LocalEngine, texts: list[list[int]], cuts: Sequence[float] = (), *, last: bool = False
) -> list[torch.Tensor]:
    """Return the logits after each text, computed together, in pieces that end at these shares of
    them, or with the last token by itself.
    """
    tables, page = [], 0
    for text in texts:
        count = -(-len(text) // PAGE_SIZE)
        tables.append(list(range(page, page + count)))
        page += count
    done = [0] * len(texts)
    logits = torch.empty(0)
    for share in [*cuts, *[1.0] * (1 + last)]:
        left = (
            last
            and share == 1.0
            and all(at < len(t) - 1 for at, t in zip(done, texts, strict=True))
        )
        ends = [max(at + 1, int(share * len(t)) - left) for at, t in zip(done, texts, strict=True)]
        plan = StepPlan(
            [
                Chunk(text[at:end], at, table, samples=1)
                for text, at, end, table in zip(texts, done, ends, tables, strict=True)
            ],
            threads=torch.get_num_threads(),
        )
        logits, done = engine.runner.execute(plan).clone(), ends
    return list(logits)


def _texts(engine: LocalEngine, mode: str) -> Iterator[Row]:
    """Compare whole texts, each alone, with all of them as they join and leave: through the
    scheduler, the draws and whatever is captured.
    """
    prompts, count = [engine.texts(1, length, length)[0] for length in LENGTHS], 24
    alone = [engine.write([(0.0, prompt)], count, DRAWN)[0].tokens for prompt in prompts[:1]]
    every = [(0.02 * i, prompt) for i, prompt in enumerate(prompts)]
    first, second = (engine.write(every, count, DRAWN) for _ in range(2))
    same = sum(a.tokens == b.tokens for a, b in zip(first, second, strict=True))
    yield {
        "mode": mode,
        "promise": "texts drawn twice, as others join and leave",
        "same": same == len(prompts),
        "texts": f"{same} of {len(prompts)}",
    }
    yield {
        "mode": mode,
        "promise": "a text drawn alone = as others join and leave",
        "same": alone[0] == first[0].tokens,
    }
