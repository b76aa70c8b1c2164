"""The lightning menu: the form, for a channel that it asks for."""

from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.listeners.context import Place
from bot.listeners.form import open_form
from bot.listeners.front import Front
from bot.slack.manifest import DRAFT_SHORTCUT


async def on_shortcut(ack: AsyncAck, body: dict[str, Any], front: Front) -> None:
    """Nothing is kept yet: the form is the question."""
    user = body["user"]["id"]
    said = await open_form(front, user, body["trigger_id"], Place().packed(), anywhere=True)
    await ack()
    if said:
        await front.outbox.tell_in_dm(user, await front.people.told(user, said))


def register(app: AsyncApp, front: Front) -> None:
    """Answer the shortcut."""

    @app.shortcut(DRAFT_SHORTCUT)
    async def listener(ack: AsyncAck, body: dict[str, Any]) -> None:
        await on_shortcut(ack, body, front)
