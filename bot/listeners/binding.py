"""How a handler, which takes a typed payload and the services, becomes what Bolt calls."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from slack_bolt import BoltResponse
from slack_bolt.async_app import AsyncAck

from bot.listeners.payloads import Body
from bot.listeners.services import Services

P = TypeVar("P")

# A reviewer's click may have a text judged once more.
HANDLER_SECONDS = 120.0


class SentAck(AsyncAck):
    """Bolt's ack, which tells as well that it was given."""

    def __init__(self, ack: AsyncAck) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._ack = ack
        self.given = asyncio.Event()

    async def __call__(self, *args: Any, **kwargs: Any) -> BoltResponse:
        response = await self._ack(*args, **kwargs)
        self.given.set()
        return response


def bind(
    handler: Callable[[AsyncAck, P, Services], Coroutine[Any, Any, None]],
    read: Callable[[Body], P],
    services: Services,
) -> Callable[[AsyncAck, Body], Awaitable[None]]:
    """Return a listener for a command, a click or a form; the handler acks by itself.

    Bolt sends the ack when the listener returns, and an error in the place of one that was given.
    So the listener returns with the ack, and the handler goes on by itself.
    """

    # Bolt injects by these names.
    async def listener(ack: AsyncAck, body: Body) -> None:
        sent = SentAck(ack)
        work = handler(sent, read(body), services)
        await services.background.until(sent.given, work, seconds=HANDLER_SECONDS)

    return listener


def bind_event(
    handler: Callable[[P, Services], Awaitable[None]],
    read: Callable[[Body], P],
    services: Services,
) -> Callable[[Body], Awaitable[None]]:
    """Return a listener for an event. Bolt acks it after the handler, unless that raises."""

    async def listener(body: Body) -> None:
        await handler(read(body), services)

    return listener
