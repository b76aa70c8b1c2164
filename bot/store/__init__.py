"""The store: what must survive a crash. Knows nothing of Slack's API, models or the filter."""

from bot.store.jobs import TooManyRunning
from bot.store.models import (
    DELIVERIES,
    Hold,
    HoldStatus,
    Job,
    JobKind,
    JobStatus,
    Message,
    SeenEvent,
    Source,
    Thread,
    Version,
    VersionStatus,
)
from bot.store.store import Store
from bot.store.transactions import StoreUnavailable
from bot.store.versions import Turn

__all__ = [
    "DELIVERIES",
    "Hold",
    "HoldStatus",
    "Job",
    "JobKind",
    "JobStatus",
    "Message",
    "SeenEvent",
    "Source",
    "Store",
    "StoreUnavailable",
    "Thread",
    "TooManyRunning",
    "Turn",
    "Version",
    "VersionStatus",
]
