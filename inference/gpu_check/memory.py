"""What the largest step takes of a card, and what it leaves for the cache."""

from collections.abc import Iterator
from dataclasses import asdict

from inference.engine.memory_profile import largest_step, profile
from inference.gpu_check.lab import Lab
from inference.gpu_check.local_engine import PAGE_SIZE
from inference.gpu_check.report import Row


def memory(lab: Lab) -> Iterator[Row]:
    """Give the numbers of the profile. On a CPU there is none: it only has to run."""
    lab.give_up()
    model = lab.model(deterministic=lab.device.deterministic)
    if not lab.on_gpu:
        largest_step(model, lab.limits, PAGE_SIZE)
        rows = lab.limits.max_step_tokens
        yield {"what": f"a step of {rows} tokens, on a CPU", "ok": True}
        return
    found = profile(model, lab.limits, PAGE_SIZE)
    for name, size in asdict(found).items():
        yield {"what": name, "GB": size / 1e9}
    page = lab.sizes.shape.cache_bytes(PAGE_SIZE, 1, lab.device.dtype.itemsize)
    pages = found.pages(lab.limits, page)
    yield {"what": "cache", "GB": pages * page / 1e9, "tokens": pages * PAGE_SIZE}
