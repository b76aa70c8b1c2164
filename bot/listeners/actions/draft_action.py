"""The buttons under a draft that ask for a text at once: the same as its emoji."""

from slack_bolt.async_app import AsyncAck

from bot.drafting.draft_action import DraftAction
from bot.listeners.payloads import ButtonClick
from bot.listeners.services import Services


async def on_draft_action(ack: AsyncAck, click: ButtonClick, services: Services) -> None:
    """Commit what was asked for, then ack."""

    async def ask() -> None:
        version = await services.actions.version(click.id, click.posted_at)
        await services.actions.ask(version, DraftAction(click.action_id), click.invocation)

    await services.attempt(ack, click, ask())
