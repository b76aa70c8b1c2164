"""Where the time of a decode step goes."""

import time
from collections.abc import Iterator

from torch.profiler import ProfilerActivity, profile

from inference.gpu_check.lab import Lab
from inference.gpu_check.local_engine import THREADS
from inference.gpu_check.report import Row

SHOWN = 14
STEPS = 3


def breakdown(lab: Lab) -> Iterator[Row]:
    """Give the kernels of a step that take longest (on a CPU: operators), for few and many texts,
    and how long the device has nothing to do.
    """
    activities = [ProfilerActivity.CPU]
    if lab.on_gpu:
        activities.append(ProfilerActivity.CUDA)
    engine, context = lab.engine(), lab.sizes.contexts[min(1, len(lab.sizes.contexts) - 1)]
    for rows in (lab.sizes.decode_rows[0], lab.sizes.decode_rows[-2]):
        pipeline = engine.pipeline()
        engine.settle(pipeline.scheduler, rows, context, 2 * STEPS + 4)
        for _ in range(STEPS):
            pipeline.step(THREADS)
        with profile(activities=activities) as found:
            began = time.perf_counter()
            for _ in range(STEPS):
                pipeline.step(THREADS)
            lab.wait()
            took = (time.perf_counter() - began) / STEPS
        kinds = [
            (event.key, event.count, event.self_device_time_total)
            if lab.on_gpu
            else (event.key, event.count, event.self_cpu_time_total)
            for event in found.key_averages()
            if not lab.on_gpu or event.device_type.name == "CUDA"
        ]
        busy, count = (sum(kind[i] for kind in kinds) / STEPS for i in (2, 1))
        point: Row = {"texts": rows, "context": context}
        # The profiler itself makes the step longer; decode's row has its true time.
        yield point | {"what": "whole", "us": took * 1e6, "times": round(count)}
        yield point | {"what": "all of these", "us": busy, "times": round(count)}
        for key, times, total in sorted(kinds, key=lambda kind: -kind[2])[:SHOWN]:
            yield point | {"what": key[:70], "us": total / STEPS, "times": round(times / STEPS)}
