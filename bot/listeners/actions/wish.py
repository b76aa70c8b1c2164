"""The buttons under a draft that ask for a text at once: the same as its emoji."""

from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.drafting.draft_action import DraftAction
from bot.drafting.footer import AT_ONCE
from bot.listeners.services import Services, clicked, clicked_id


async def on_wish(ack: AsyncAck, body: dict[str, Any], services: Services) -> None:
    """Committed, then acked."""
    await services.attempt(body, _ask(body, services))
    await ack()


async def _ask(body: dict[str, Any], services: Services) -> None:
    version = await services.actions.version(clicked_id(body))
    await services.actions.ask(version, DraftAction(body["actions"][0]["action_id"]), clicked(body))


def register(app: AsyncApp, services: Services) -> None:
    """Answer the buttons."""
    for wish in AT_ONCE:

        @app.action(str(wish))
        async def listener(ack: AsyncAck, body: dict[str, Any]) -> None:
            await on_wish(ack, body, services)
