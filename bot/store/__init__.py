"""The store: what must survive a crash. Knows nothing of Slack's API, models or the filter."""

from bot.store.jobs import TooManyRunning
from bot.store.models import (
    DELIVERIES,
    Hold,
    HoldStatus,
    Job,
    JobKind,
    JobStatus,
    Source,
    Thread,
    Version,
    VersionStatus,
)
from bot.store.store import Store
from bot.store.transactions import StoreUnavailable
from bot.store.versions import HistoryStep

__all__ = [
    "DELIVERIES",
    "HistoryStep",
    "Hold",
    "HoldStatus",
    "Job",
    "JobKind",
    "JobStatus",
    "Source",
    "Store",
    "StoreUnavailable",
    "Thread",
    "TooManyRunning",
    "Version",
    "VersionStatus",
]
