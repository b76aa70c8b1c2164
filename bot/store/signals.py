"""What the bots of one database tell each other by PostgreSQL's LISTEN and NOTIFY.

A signal may be lost with its connection: whoever listens also looks for itself now and then.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from bot.store.transactions import SIGNALS, StoreUnavailable, Transactions

# How SQLAlchemy and the network say that there is no connection.
GONE = (DBAPIError, PoolTimeout, OSError, TimeoutError)

Hear = Callable[[Sequence[str]], None]

# Seconds between two questions whether the other end of a silent connection is still there.
ASK_SECONDS, ANSWER_SECONDS = 30.0, 5.0


class Signals(Transactions):
    """Signals between bots: `free`, `stop <job> <version>`, `ended <job>`."""

    async def listen(self, hear: Hear) -> None:
        """Hear signals on a connection of their own until it breaks. Raises StoreUnavailable.

        Only on PostgreSQL. `free` is heard first: something may have come before we listened.
        """
        # Only the extra `postgres` brings it.
        import asyncpg  # noqa: PLC0415

        try:
            async with self._engine.connect() as connection:
                raw = await connection.get_raw_connection()
                driver: Any = raw.driver_connection
                try:
                    await _listen(driver, hear)
                finally:
                    # Back in the pool it would listen on.
                    await connection.invalidate()
        except (*GONE, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise StoreUnavailable(type(error).__name__) from None


async def _listen(driver: Any, hear: Hear) -> None:
    broken = asyncio.Event()
    driver.add_termination_listener(lambda _: broken.set())
    await driver.add_listener(SIGNALS, lambda _c, _pid, _channel, said: hear(said.split()))
    hear(["free"])
    while not broken.is_set():
        try:
            async with asyncio.timeout(ASK_SECONDS):
                await broken.wait()
        except TimeoutError:
            await driver.execute("SELECT 1", timeout=ANSWER_SECONDS)
    raise StoreUnavailable("connection lost")
