"""Events that come before the message that they are about is recorded: kept, and handled then.

Slack may deliver a reaction or a reply before our own post is answered, or a crash lies between.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable

import structlog

from bot.drafting.slack_port import SlackError, where
from bot.encryption import Encryption
from bot.listeners.payloads import Body
from bot.store import Store, StoreUnavailable

log = structlog.get_logger(__name__)

LOOK_SECONDS = 1.0

Handle = Callable[[Body], Awaitable[None]]


class TooEarly(Exception):
    """The event is about a message of ours that is not recorded yet."""

    def __init__(self, channel: str, ts: str) -> None:
        super().__init__("not recorded yet")
        self.channel = channel
        self.ts = ts


class EarlyEvents:
    """The events that wait, in the store: any bot handles them."""

    def __init__(self, store: Store, seal: Encryption) -> None:
        self._store = store
        self._seal = seal
        self._handlers: dict[str, Handle] = {}

    def handler(self, name: str, handle: Handle) -> Handle:
        """Return a listener for the events of this name, which keeps those that come too early."""
        self._handlers[name] = handle

        async def listener(body: Body) -> None:
            try:
                await handle(body)
            except TooEarly as early:
                sealed = self._seal.encrypt(json.dumps(body))
                await self._store.keep_early_event(early.channel, early.ts, sealed)

        return listener

    async def watch(self) -> None:
        """Handle what waits as soon as its message is recorded, for as long as the bot runs."""
        while True:
            try:
                for event in await self._store.list_early_events():
                    await self._handle(event.sealed)
                    await self._store.drop_early_event(event.id)
            except (StoreUnavailable, SlackError) as away:
                log.warning("early events wait", away=type(away).__name__)
            await asyncio.sleep(LOOK_SECONDS)

    async def _handle(self, sealed: str) -> None:
        opened = self._seal.decrypt(sealed)
        if opened is None:
            return
        body = json.loads(opened)
        handle = self._handlers[body["event"]["type"]]
        try:
            await handle(body)
        except (StoreUnavailable, SlackError):
            raise
        except Exception as error:
            # Once more would fail as well.
            log.error("early event not handled", error=where(error))
