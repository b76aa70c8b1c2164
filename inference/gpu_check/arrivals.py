"""How long people wait when they come as they like: by chance, one after the other (Poisson)."""

import random
from collections.abc import Iterator
from itertools import accumulate

from inference.bench.timing import percentile
from inference.gpu_check.lab import Lab
from inference.gpu_check.report import Row


def arrivals(lab: Lab) -> Iterator[Row]:
    """Give times to the first token and for each later one."""
    engine, sizes = lab.engine(), lab.sizes
    length, count = sizes.arriving
    source = random.Random(7)  # noqa: S311
    times = accumulate(source.expovariate(sizes.rate) for _ in range(sizes.arrivals))
    wanted = list(zip(times, engine.texts(sizes.arrivals, length), strict=True))
    engine.write(wanted[:2], 4)
    texts = engine.write(wanted, count)
    first, later = ([getattr(text, name) for text in texts] for name in ("ttft", "tpot"))
    seconds = max(text.times[-1] for text in texts) - min(text.asked for text in texts)
    yield {
        "arrivals": sizes.arrivals,
        "a second": sizes.rate,
        "prompt": length,
        "new": count,
        "TTFT ms p50": percentile(first, 0.5) * 1e3,
        "TTFT ms p99": percentile(first, 0.99) * 1e3,
        "TPOT ms p50": percentile(later, 0.5) * 1e3,
        "TPOT ms p99": percentile(later, 0.99) * 1e3,
        "tokens/s": sum(len(text.tokens) for text in texts) / seconds,
    }
