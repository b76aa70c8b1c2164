"""What Prometheus is told at /metrics: numbers alone, never a text. No torch here.

Names and meanings follow vLLM's, https://docs.vllm.ai/en/latest/design/metrics.html
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from inference.engine.scheduler import SchedulerStats

TTFT_BUCKETS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2, 5, 10, 30, 60)
TPOT_BUCKETS = (0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5, 1)


class Metrics:
    """The numbers of one supervisor."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.running = self._gauge("requests_running", "Samples that are computed now.")
        self.waiting = self._gauge("requests_waiting", "Samples that wait for room.")
        self.pages = self._gauge("kv_pages", "Pages of the KV cache.")
        self.pages_held = self._gauge("kv_pages_held", "Pages that running samples hold.")
        self.ttft = self._histogram(
            "time_to_first_token_seconds", "From the request to its first token.", TTFT_BUCKETS
        )
        self.tpot = self._histogram(
            "time_per_output_token_seconds", "Between tokens, a sample's mean.", TPOT_BUCKETS
        )
        self.prompt_tokens = self._counter("prompt_tokens", "Tokens of prompts.")
        self.cached_tokens = self._counter("cached_tokens", "Those of them found in the cache.")
        self.tokens = self._counter("generation_tokens", "Tokens generated.")
        self.finished = self._counter("requests_finished", "Samples that ended.", ["reason"])
        self.preemptions = self._counter("preemptions", "Samples set back for want of pages.")
        self.guessed = self._counter("guessed_tokens", "Tokens computed on a guess.")
        self.accepted = self._counter("accepted_tokens", "Guesses that were right.")
        self.restarts = self._counter("restarts", "Times the ranks were started again.")
        self._load = SchedulerStats()

    def observe(self, load: SchedulerStats) -> None:
        """How busy the ranks are; their counters begin at nothing with each start."""
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
        """In Prometheus' text format, version 0.0.4."""
        return generate_latest(self.registry)

    def _gauge(self, name: str, help_: str) -> Gauge:
        return Gauge(f"draftsmith_{name}", help_, registry=self.registry)

    def _counter(self, name: str, help_: str, labels: list[str] | None = None) -> Counter:
        return Counter(f"draftsmith_{name}", help_, labels or [], registry=self.registry)

    def _histogram(self, name: str, help_: str, buckets: tuple[float, ...]) -> Histogram:
        return Histogram(f"draftsmith_{name}", help_, buckets=buckets, registry=self.registry)
