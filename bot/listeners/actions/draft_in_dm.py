"""The button on "I am not in this channel": the kept brief goes to our own conversation."""

import asyncio

from slack_bolt.async_app import AsyncAck

from bot.drafting.slack_port import SlackError
from bot.listeners.form import TRIGGER_SECONDS
from bot.listeners.payloads import ButtonClick
from bot.listeners.services import Services
from bot.messages import sentence
from bot.store import StoreUnavailable


async def on_draft_in_dm(ack: AsyncAck, click: ButtonClick, services: Services) -> None:
    """Ack, for Slack is asked first; then move the brief. A click that failed can be repeated."""
    await ack()
    try:
        async with asyncio.timeout(TRIGGER_SECONDS):
            channel = await services.outbox.open_dm(click.user)
        moved = await services.drafting.move(click.id, click.user, channel)
    except (SlackError, StoreUnavailable, TimeoutError):
        await services.answer(click, sentence("not_saved"))
        return
    if moved:
        await services.answer_in_place(click, sentence("drafting_in_dm"))
