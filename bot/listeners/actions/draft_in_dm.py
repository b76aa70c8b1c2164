"""The button on "I am not in this channel": the kept brief goes to our own conversation."""

from slack_bolt.async_app import AsyncAck

from bot.drafting.slack_port import SlackError
from bot.listeners.payloads import ButtonClick
from bot.listeners.services import Services
from bot.messages import sentence
from bot.store import StoreUnavailable


async def on_draft_in_dm(ack: AsyncAck, click: ButtonClick, services: Services) -> None:
    """Move the brief, then ack. A second click finds nothing that waits."""
    try:
        channel = await services.outbox.open_dm(click.user)
        moved = await services.drafting.move(click.id, click.user, channel)
    except (SlackError, StoreUnavailable):
        await services.answer(click, sentence("not_saved"))
        moved = False
    await ack()
    if moved:
        said = await services.people.told(click.user, sentence("drafting_in_dm"))
        await services.outbox.respond(click.response_url, said)
