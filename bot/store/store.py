"""All queries as one object. Each method is one transaction; never change a record it returns."""

from bot.store.holds import HoldQueries
from bot.store.jobs import JobQueries
from bot.store.threads import ThreadQueries
from bot.store.versions import VersionQueries


class Store(JobQueries, ThreadQueries, VersionQueries, HoldQueries):
    """Everything that survives a crash."""
