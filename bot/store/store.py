"""The queries. Each method is one transaction; what it returns is detached: never change it."""

from bot.store.holds import Holds
from bot.store.jobs import Requests
from bot.store.threads import Threads
from bot.store.versions import Versions


class Store(Requests, Threads, Versions, Holds):
    """Everything that survives a crash."""
