"""The store: what must survive a crash. Knows nothing of Slack's API, models or the filter."""

from bot.store.feedback import FeedbackQueries
from bot.store.heads import DueHead, HeadQueries
from bot.store.holds import HoldQueries
from bot.store.jobs import JobQueries, TooManyRunning
from bot.store.kept import GUEST, MUTED, KeptQueries
from bot.store.looks import LookQueries
from bot.store.models import (
    DELIVERIES,
    STANDING,
    Feedback,
    FeedbackReason,
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
from bot.store.threads import ThreadQueries
from bot.store.transactions import StoreUnavailable
from bot.store.versions import HistoryStep, VersionQueries

__all__ = [
    "DELIVERIES",
    "GUEST",
    "MUTED",
    "STANDING",
    "DueHead",
    "Feedback",
    "FeedbackReason",
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


class Store(
    JobQueries,
    ThreadQueries,
    VersionQueries,
    HoldQueries,
    HeadQueries,
    KeptQueries,
    LookQueries,
    FeedbackQueries,
):
    """All queries as one object. Each is one transaction; never change a record it returns."""
