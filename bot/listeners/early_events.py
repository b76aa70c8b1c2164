"""Events that come before the message that they are about is recorded: kept, and handled then.

Slack may deliver a reaction or a reply before our own post is answered, or a crash lies between.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable

import structlog

from bot.drafting.slack_port import SlackUnavailable, where
from bot.encryption import Encryption
from bot.listeners.payloads import Body
from bot.listeners.slack_time import moment
from bot.store import Store, StoreUnavailable
from bot.store.early_events import EARLY_KEPT
from bot.store.models import now

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
        """Return a listener for the events of this name, which keeps those that come too early.

        What is about an old message is no draft's: of people's words below it, nothing is kept.
        """
        self._handlers[name] = handle

        async def listener(body: Body) -> None:
            try:
                await handle(body)
            except TooEarly as early:
                if moment(early.ts) < now() - EARLY_KEPT:
                    return
                sealed = self._seal.encrypt(json.dumps(body))
                await self._store.keep_early_event(early.channel, early.ts, sealed)

        return listener

    async def watch(self) -> None:
        """Handle what waits as soon as its message is recorded, for as long as the bot runs."""
        while True:
            try:
                for event in await self._store.list_early_events():
                    if await self._is_done(event.sealed):
                        await self._store.drop_early_event(event.id)
            except StoreUnavailable as away:
                log.warning("early events wait", away=type(away).__name__)
            await asyncio.sleep(LOOK_SECONDS)

    async def _is_done(self, sealed: str) -> bool:
        """Handle an event; say whether that need not be tried again."""
        try:
            if opened := self._seal.decrypt(sealed):
                body = json.loads(opened)
                await self._handlers[body["event"]["type"]](body)
        except (StoreUnavailable, SlackUnavailable) as away:
            log.warning("early event waits", away=type(away).__name__)
            return False
        except Exception as error:
            # Once more would fail as well.
            log.error("early event not handled", error=where(error))
        return True
