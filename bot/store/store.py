"""The queries. Each method is one transaction; what it returns is detached: never change it."""

from bot.store.holds import HoldQueries
from bot.store.jobs import JobQueries
from bot.store.threads import ThreadQueries
from bot.store.versions import VersionQueries


class Store(JobQueries, ThreadQueries, VersionQueries, HoldQueries):
    """Everything that survives a crash."""
