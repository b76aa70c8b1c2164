"""The store: what must survive a crash. Knows nothing of Slack's API, models or the filter."""

from bot.store.bots import BotQueries, Living, OtherKey
from bot.store.channel_settings import ChannelSettingsQueries
from bot.store.database import NewerDatabase
from bot.store.early_events import EarlyEventQueries
from bot.store.feedback import FeedbackQueries
from bot.store.file_lock import DatabaseInUse, alone_on
from bot.store.footers import DueFooters, FooterQueries
from bot.store.heads import DueHead, HeadQueries
from bot.store.holds import HoldQueries
from bot.store.jobs import RESTING, JobQueries, TooManyRunning
from bot.store.kept import GUEST, MUTED, KeptQueries
from bot.store.looks import LookQueries
from bot.store.models import (
    DELIVERIES,
    STANDING,
    Feedback,
    FeedbackReason,
    FittedRanking,
    Hold,
    HoldStatus,
    Job,
    JobKind,
    JobStatus,
    Preferences,
    SavedVoice,
    Source,
    Thread,
    Version,
    VersionStatus,
)
from bot.store.preferences import PreferenceQueries
from bot.store.probe import Backlog, ProbeQueries
from bot.store.rankings import RankingQueries
from bot.store.signals import Signals
from bot.store.threads import ThreadQueries
from bot.store.transactions import LeaseLost, StoreUnavailable
from bot.store.versions import HistoryStep, VersionQueries
from bot.store.voices import VoiceQueries

__all__ = [
    "DELIVERIES",
    "GUEST",
    "MUTED",
    "RESTING",
    "STANDING",
    "Backlog",
    "DatabaseInUse",
    "DueFooters",
    "DueHead",
    "Feedback",
    "FeedbackReason",
    "FittedRanking",
    "HistoryStep",
    "Hold",
    "HoldStatus",
    "Job",
    "JobKind",
    "JobStatus",
    "LeaseLost",
    "Living",
    "NewerDatabase",
    "OtherKey",
    "Preferences",
    "SavedVoice",
    "Source",
    "Store",
    "StoreUnavailable",
    "Thread",
    "TooManyRunning",
    "Version",
    "VersionStatus",
    "alone_on",
]


class Store(
    BotQueries,
    JobQueries,
    ThreadQueries,
    VersionQueries,
    HoldQueries,
    HeadQueries,
    FooterQueries,
    RankingQueries,
    ChannelSettingsQueries,
    KeptQueries,
    LookQueries,
    EarlyEventQueries,
    FeedbackQueries,
    PreferenceQueries,
    VoiceQueries,
    ProbeQueries,
    Signals,
):
    """All queries as one object. Each is one transaction; never change a record it returns."""
