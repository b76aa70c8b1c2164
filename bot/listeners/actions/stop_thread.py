"""The button at the head of a thread: all that is being written in it ends."""

from slack_bolt.async_app import AsyncAck

from bot.listeners.payloads import ButtonClick
from bot.listeners.services import Services


async def on_stop_thread(ack: AsyncAck, click: ButtonClick, services: Services) -> None:
    """Commit the stop, then ack. Only the requester may stop a thread."""
    await services.attempt(
        ack, click, services.actions.stopping.stop_thread(click.id, click.user, click.at)
    )
