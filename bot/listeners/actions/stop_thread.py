"""The button at the head of a thread: all that is being written in it ends."""

from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.drafting.jobs.job_context import STOP_THREAD
from bot.listeners.services import Services, clicked_id


async def on_stop(ack: AsyncAck, body: dict[str, Any], services: Services) -> None:
    """Only for the requester; committed, then acked."""
    stopped = services.actions.stop_thread(clicked_id(body), body["user"]["id"])
    await services.attempt(body, stopped)
    await ack()


def register(app: AsyncApp, services: Services) -> None:
    """Answer the button."""

    @app.action(STOP_THREAD)
    async def listener(ack: AsyncAck, body: dict[str, Any]) -> None:
        await on_stop(ack, body, services)
