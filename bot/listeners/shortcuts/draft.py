"""The lightning menu: the form, for a channel that it asks for."""

from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.listeners.form import open_form_anywhere
from bot.listeners.services import Services
from bot.slack.manifest import DRAFT_SHORTCUT


def register(app: AsyncApp, services: Services) -> None:
    """Answer the shortcut."""

    @app.shortcut(DRAFT_SHORTCUT)
    async def listener(ack: AsyncAck, body: dict[str, Any]) -> None:
        await open_form_anywhere(ack, body, services)
