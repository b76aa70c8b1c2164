"""The buttons under a draft that ask for a text at once: the same as its emoji."""

from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot import phrases
from bot.drafting.brief import BadBrief
from bot.drafting.buttons import AT_ONCE
from bot.drafting.wishes import Wish
from bot.listeners.front import Front, clicked, clicked_id
from bot.store import StoreUnavailable


async def on_wish(ack: AsyncAck, body: dict[str, Any], front: Front) -> None:
    """Committed, then acked."""
    wish = Wish(body["actions"][0]["action_id"])
    try:
        version = await front.acts.version(clicked_id(body))
        await front.acts.ask(version, wish, clicked(body))
    except BadBrief as bad:
        await front.answer(body, bad.sentence)
    except StoreUnavailable:
        # Slack does not deliver a click again.
        await front.answer(body, phrases.not_saved())
    await ack()


def register(app: AsyncApp, front: Front) -> None:
    """Answer the buttons."""
    for wish in AT_ONCE:

        @app.action(str(wish))
        async def listener(ack: AsyncAck, body: dict[str, Any]) -> None:
            await on_wish(ack, body, front)
