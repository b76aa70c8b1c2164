"""The lease of this bot: while it is valid, no other bot runs its jobs."""

import asyncio
import hashlib
import hmac
import secrets
import time
from collections.abc import Awaitable, Callable

import structlog
from pydantic import SecretStr

from bot.store import Living, OtherKey, Store, StoreUnavailable

log = structlog.get_logger(__name__)

# Seconds before a lease that could not be renewed is asked for again.
AGAIN_SECONDS = 1.0
# Of a lease, what passes between two renewals, and what is kept from its end: a call to Slack that
# is under way then has time to arrive before another bot begins.
RENEWED, KEPT = 1 / 6, 1 / 6
# Of a lease, how long one try to renew it may take: a connection may be dead without a word.
TRIED = 1 / 3
# Goes on while the machine sleeps, where there is such a clock.
CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Lease:
    """What this process may do as one of several bots: SQLite's only bot may do all."""

    def __init__(self, store: Store, key: SecretStr, seconds: float) -> None:
        """Begin without a lease. `key` is what all bots of the database share."""
        self.bot = secrets.token_hex(8)
        self.living = Living(1, oldest=True)
        self._store = store
        self._key_print = key_print(key)
        self._seconds = seconds
        self._until = float("-inf")

    @property
    def is_valid(self) -> bool:
        """Whether no other bot can have begun to run what this one runs."""
        return time.clock_gettime(CLOCK) < self._until

    @property
    def seconds_to_write(self) -> float:
        """How long a write that begins now may take; 0: none may begin.

        One that took longer might arrive after another bot has looked for what stands.
        """
        left = self._until - time.clock_gettime(CLOCK)
        return left + self._seconds * KEPT if left > 0 else 0.0

    @property
    def is_oldest(self) -> bool:
        """Whether this bot does what one bot is enough for."""
        return self.is_valid and self.living.oldest

    async def join(self) -> None:
        """Begin the lease. Raises OtherKey, StoreUnavailable."""
        began = time.clock_gettime(CLOCK)
        self.living = await self._store.join(self.bot, self._key_print, self._seconds)
        self._set(began)

    async def keep(
        self, lapsed: Callable[[], Awaitable[None]], changed: Callable[[int], None]
    ) -> None:
        """Renew the lease for as long as the bot runs.

        `lapsed()` ends what was begun under a lease that ended, before the next one begins.
        `changed(bots)` hears how many live.
        """
        changed(self.living.bots)
        while self._store.is_shared:
            renewed = self.is_valid and await self._renew(changed)
            if not self.is_valid:
                log.warning("lease lost")
                await lapsed()
                renewed = await self._rejoin(changed)
            await asyncio.sleep(self._seconds * RENEWED if renewed else AGAIN_SECONDS)

    async def leave(self) -> None:
        """End the lease, so that others go on at once with what this bot ran."""
        self._until = float("-inf")
        try:
            await self._store.leave(self.bot)
        except StoreUnavailable:
            log.warning("lease left to end by itself")

    async def _renew(self, changed: Callable[[int], None]) -> bool:
        began, before = time.clock_gettime(CLOCK), self.living.bots
        try:
            async with asyncio.timeout(self._seconds * TRIED):
                known = await self._store.renew(self.bot, self._seconds)
                self.living = await self._store.living(self.bot)
        except (StoreUnavailable, TimeoutError):
            return False
        # It ended while it was renewed, or others have forgotten it: begin anew.
        if not known or not self.is_valid:
            self._until = float("-inf")
            return False
        self._set(began)
        if self.living.bots != before:
            log.info("bots live", bots=self.living.bots)
            changed(self.living.bots)
        return True

    async def _rejoin(self, changed: Callable[[int], None]) -> bool:
        try:
            async with asyncio.timeout(self._seconds):
                await self._store.leave(self.bot)
                await self.join()
        except (StoreUnavailable, TimeoutError):
            return False
        except OtherKey:
            log.error("bots with another AUDIT_KEY live on this database")
            return False
        log.info("lease begun again")
        changed(self.living.bots)
        return True

    def _set(self, began: float) -> None:
        kept = self._seconds * (1 - KEPT) if self._store.is_shared else float("inf")
        self._until = began + kept


def key_print(key: SecretStr) -> str:
    """Return a fingerprint by which bots know that they have the same key."""
    secret = key.get_secret_value().encode()
    return hmac.new(secret, b"bots of one database", hashlib.sha256).hexdigest()
