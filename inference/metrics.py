"""The metrics for Prometheus: numbers only, never a text. No torch here.

Names and meanings follow vLLM's, https://docs.vllm.ai/en/latest/design/metrics.html
"""

from functools import partial

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

from inference.engine.scheduler import SchedulerStats

TTFT_BUCKETS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2, 5, 10, 30, 60)
TPOT_BUCKETS = (0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5, 1)


class Metrics:
    """The metrics of one supervisor."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        gauge = partial(Gauge, namespace="draftsmith", registry=self.registry)
        counter = partial(Counter, namespace="draftsmith", registry=self.registry)
        histogram = partial(Histogram, namespace="draftsmith", registry=self.registry)
        self.running = gauge("requests_running", "Samples that are computed now.")
        self.waiting = gauge("requests_waiting", "Samples that wait for room.")
        self.pages = gauge("kv_pages", "Pages of the KV cache.")
        self.pages_held = gauge("kv_pages_held", "Pages that running samples hold.")
        self.ttft = histogram(
            "time_to_first_token_seconds",
            "From the request to its first token.",
            buckets=TTFT_BUCKETS,
        )
        self.tpot = histogram(
            "time_per_output_token_seconds",
            "Between tokens, a sample's mean.",
            buckets=TPOT_BUCKETS,
        )
        self.prompt_tokens = counter("prompt_tokens", "Tokens of prompts.")
        self.cached_tokens = counter("cached_tokens", "Those of them found in the cache.")
        self.tokens = counter("generation_tokens", "Tokens generated.")
        self.finished = counter("requests_finished", "Samples that ended.", ["reason"])
        self.preemptions = counter("preemptions", "Samples set back for want of pages.")
        self.guessed = counter("guessed_tokens", "Tokens computed on a guess.")
        self.accepted = counter("accepted_tokens", "Guesses that were right.")
        self.restarts = counter("restarts", "Times the ranks were started again.")
        self._load = SchedulerStats()

    def observe(self, load: SchedulerStats) -> None:
        """Record how busy the ranks are. Their own counters begin at 0 with each start."""
        self.running.set(load.running)
        self.waiting.set(load.waiting)
        self.pages_held.set(load.pages_held)
        self.preemptions.inc(load.preemptions - self._load.preemptions)
        self.guessed.inc(load.guessed - self._load.guessed)
        self.accepted.inc(load.accepted - self._load.accepted)
        self._load = load

    def ranks_began(self) -> None:
        self._load = SchedulerStats()

    def text(self) -> bytes:
        """Return all metrics in Prometheus' text format, version 0.0.4."""
        return generate_latest(self.registry)
