"""The metrics of this process for Prometheus: numbers only, never a text, a token or an id.

The worker has its own, by the same library (inference/metrics.py). A process is one bot, so these
are constants, which any part of it may count by.
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

REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)

gauge = partial(Gauge, namespace="draftsmith", subsystem="bot", registry=REGISTRY)
counter = partial(Counter, namespace="draftsmith", subsystem="bot", registry=REGISTRY)
histogram = partial(Histogram, namespace="draftsmith", subsystem="bot", registry=REGISTRY)

# Slack waits 3 s for an ack.
ACK_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 10)
TEXT_BUCKETS = (0.25, 0.5, 1, 2, 3, 5, 10, 20, 30, 60, 120, 300, 600)
WAIT_BUCKETS = (0.01, 0.1, 0.5, 1, 2, 5, 10, 30, 60, 120, 300)
DATABASE_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)

ACKS = histogram(
    "ack_seconds",
    "From a delivery of Slack's to its answer, by kind and status.",
    ["kind", "status"],
    buckets=ACK_BUCKETS,
)
FIRST_TEXT = histogram(
    "first_text_seconds", "From a request to its first words in Slack.", buckets=TEXT_BUCKETS
)
QUEUE = gauge("queue", "Jobs of this bot to which the worker has not begun to answer.")
RUNNING = gauge("jobs_running", "Jobs that this bot works on.")
JOBS = gauge("jobs", "Jobs in the database that are not over, by state.", ["state"])
OLDEST = gauge("oldest_open_job_seconds", "The age of the oldest open job in the database.")
HOLDS = gauge("holds_waiting", "Texts that wait for a reviewer.")
OLDEST_HOLD = gauge("oldest_hold_seconds", "The age of the oldest text that waits for a reviewer.")
HEADS = gauge("heads_due", "Heads of threads that do not show the truth yet.")
SLACK_CALLS = histogram(
    "slack_call_seconds",
    "Calls of Slack's Web API, by method and HTTP status; 0 where no answer came.",
    ["method", "status"],
    buckets=ACK_BUCKETS,
)
SLACK_WAITS = histogram(
    "slack_wait_seconds",
    "How long a call waited for its turn in Slack's budgets: the lag of the outbox.",
    ["method", "priority"],
    buckets=WAIT_BUCKETS,
)
MEASURING = histogram("measuring_seconds", "Measuring the drafts of one job.", buckets=TEXT_BUCKETS)
VERDICTS = counter(
    "verdicts", "Texts that the filter changed or stopped.", ["stage", "action", "rule"]
)
DATABASE = histogram(
    "database_seconds", "Transactions, their wait included.", ["kind"], buckets=DATABASE_BUCKETS
)
TAKEOVERS = counter("lease_takeovers", "Jobs taken over from a bot that did not go on.")
READY = gauge("ready", "Whether a part that drafts need works.", ["part"])
TASKS = gauge("tasks", "Tasks of the event loop: as many as before, once all is done.")
CONNECTIONS = gauge("slack_connections", "Connections of Socket Mode that are open.")


def text() -> bytes:
    """Return all metrics in Prometheus' text format, version 0.0.4."""
    return generate_latest(REGISTRY)
