"""How a handler, which takes a typed payload and the services, becomes what Bolt calls."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from slack_bolt.async_app import AsyncAck

from bot.listeners.payloads import Body
from bot.listeners.services import Services

P = TypeVar("P")


def bind(
    handler: Callable[[AsyncAck, P, Services], Awaitable[None]],
    read: Callable[[Body], P],
    services: Services,
) -> Callable[[AsyncAck, Body], Awaitable[None]]:
    """Return a listener for a command, a click or a form; the handler acks by itself."""

    # Bolt injects by these names.
    async def listener(ack: AsyncAck, body: Body) -> None:
        await handler(ack, read(body), services)

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
