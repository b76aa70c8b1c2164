"""The buttons under a draft that ask for a text at once: the same as its emoji."""

from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.drafting.draft_action import Wish
from bot.drafting.footer import AT_ONCE
from bot.listeners.services import Front, clicked, clicked_id


async def on_wish(ack: AsyncAck, body: dict[str, Any], front: Front) -> None:
    """Committed, then acked."""
    await front.attempt(body, _ask(body, front))
    await ack()


async def _ask(body: dict[str, Any], front: Front) -> None:
    version = await front.acts.version(clicked_id(body))
    await front.acts.ask(version, Wish(body["actions"][0]["action_id"]), clicked(body))


def register(app: AsyncApp, front: Front) -> None:
    """Answer the buttons."""
    for wish in AT_ONCE:

        @app.action(str(wish))
        async def listener(ack: AsyncAck, body: dict[str, Any]) -> None:
            await on_wish(ack, body, front)
