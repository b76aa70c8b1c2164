"""The button on "I am not in this channel": the kept brief goes to our own conversation."""

from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.drafting.jobs.job_context import DRAFT_IN_DM
from bot.drafting.slack_port import SlackError
from bot.listeners.services import Services, clicked_id
from bot.messages import sentence
from bot.store import StoreUnavailable


async def on_draft_in_dm(ack: AsyncAck, body: dict[str, Any], services: Services) -> None:
    """Moved, then acked; a second click finds nothing that waits."""
    user = body["user"]["id"]
    try:
        channel = await services.outbox.dm(user)
        moved = await services.drafting.move(clicked_id(body), user, channel)
    except (SlackError, StoreUnavailable):
        await services.answer(body, sentence("not_saved"))
        moved = False
    await ack()
    if moved:
        said = await services.people.told(user, sentence("drafting_in_dm"))
        await services.outbox.answer(body["response_url"], said)


def register(app: AsyncApp, services: Services) -> None:
    """Answer the button."""

    @app.action(DRAFT_IN_DM)
    async def listener(ack: AsyncAck, body: dict[str, Any]) -> None:
        await on_draft_in_dm(ack, body, services)
